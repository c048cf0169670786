"""Threads that pay out of one account, on real engines: commands that collide are combined."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.backoff import Backoff
from chalicelib.commands.combining import leading
from chalicelib.commands.combining.hot import combiner
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.domain.errors import InsufficientFunds
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from ops.faults.claims import invalid_events
from tests.domain.books import credit, debit, opening, posting

CLIENTS, EACH, FUNDS = 6, 3, 15


def process() -> Executor:
    """An executor as a Lambda has it, which waits longer, since clients and engine share cores."""
    store = DynamoStore()
    return Executor(
        store,
        head_cache=HeadCache(),
        backoff=Backoff(deadline=60),
        combiner=combiner(store),
    )


@pytest.mark.parametrize("engine", ["ministack", "dynamodb_local"])
def test_clients_of_one_account_are_all_answered_once(
    request: pytest.FixtureRequest, engine: str, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request.getfixturevalue(engine)
    combined = Counter[str]()
    monkeypatch.setattr(
        leading, "combined", lambda _, rows, __: combined.update(rows=rows, terms=1)
    )
    first = process()
    for command in (
        opening("bank", ledger=ledger, min_balance=None),
        opening("hot", ledger=ledger, normal_balance="credit"),
        opening("till", ledger=ledger, normal_balance="credit"),
        posting("fund", debit("bank", FUNDS), credit("hot", FUNDS), ledger=ledger),
    ):
        first.execute(command, actor="key-1")

    def client(number: int) -> list[str]:
        mine, told = process(), []
        for sent in range(EACH):
            id = f"t-{number}-{sent}"
            command = posting(id, debit("hot", 1), credit("till", 1), ledger=ledger)
            try:
                executed = mine.execute(command, actor="key-1", request=f"request-{id}")
            except InsufficientFunds:
                told.append("refused")
            else:
                assert executed.recorded.command_id == f"request-{id}"
                told.append("done")
        return told

    with ThreadPoolExecutor(CLIENTS) as pool:
        told = Counter(one for each in pool.map(client, range(CLIENTS)) for one in each)

    assert told == {"done": FUNDS, "refused": CLIENTS * EACH - FUNDS}
    hot = account_stream(ledger, "hot")
    assert account_state(first.store.load([hot])[hot]).posted == 0
    ids = ["fund", *(f"t-{client}-{sent}" for client in range(CLIENTS) for sent in range(EACH))]
    streams = [account_stream(ledger, id) for id in ("bank", "hot", "till")]
    streams += [transaction_stream(ledger, id) for id in ids]
    assert invalid_events([one for each in streams for one in first.store.history(each)]) == []
    assert combined["rows"] > 0
