"""Delivery: whatever is repeated, late or out of order, the rooms end as if nothing had been."""

from collections import Counter
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chalicelib.domain.account.events import EntryPosted
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models.statements.table import StatementRow, partition
from chalicelib.read_models.totals.queries import TrialBalance
from chalicelib.read_models.transactions.queries import ListTransactions
from tests.ask import ask
from tests.books import Bookkeeper, deliver
from tests.domain.books import credit, debit
from tests.read_models.shelves import clear, shelves_of
from tests.soak import examples

pytestmark = pytest.mark.usefixtures("moto")

OF_ASSET = {"USD/2": ["cash", "alice", "bob"], "EUR/2": ["till", "carol"]}
REFERENCES = ["invoice 1", "invoice 2"]
Transfer = tuple[str, str, int]
"""Debited account, credited account, amount."""
Plan = list[tuple[list[Transfer], str | None, dict[str, str]]]
"""Each transaction's transfers, reference and metadata."""

_numbers = count(1)


@st.composite
def transfers(draw: st.DrawFn) -> Transfer:
    accounts = st.sampled_from(OF_ASSET[draw(st.sampled_from(sorted(OF_ASSET)))])
    return draw(accounts), draw(accounts), draw(st.sampled_from([1, 20, 300, 2**53 + 1, 10**30]))


PLANS: st.SearchStrategy[Plan] = st.lists(
    st.tuples(
        st.lists(transfers(), min_size=1, max_size=2),
        st.sampled_from([None, *REFERENCES]),
        st.sampled_from([{}, {"k": "v"}]),
    ),
    min_size=1,
    max_size=5,
)


def written(plan: Plan) -> Bookkeeper:
    """New books in which this has happened."""
    books = Bookkeeper(f"delivery-{next(_numbers)}")
    for asset, accounts in OF_ASSET.items():
        for account in accounts:
            books.open(account, asset=asset, metadata={"of": account})
    for number, (lines, reference, metadata) in enumerate(plan):
        entries = [
            entry
            for debited, credited, amount in lines
            for entry in (debit(debited, amount), credit(credited, amount))
        ]
        books.post(f"t{number}", *entries, reference=reference, metadata=metadata)
    return books


@st.composite
def disorders(draw: st.DrawFn, events: Sequence[Recorded]) -> list[list[Recorded]]:
    """All the events and some of them again, shuffled and cut into batches."""
    again = draw(st.lists(st.sampled_from(events), max_size=8))
    rest = draw(st.permutations([*events, *again]))
    batches = []
    while rest:
        size = draw(st.integers(1, 12))
        batches.append(rest[:size])
        rest = rest[size:]
    return batches


# Without shrinking, which takes minutes on moto; the histories are small as they are.
@settings(
    max_examples=examples(6, 30),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(PLANS, st.data())
def test_every_room_ends_as_after_a_calm_delivery(plan: Plan, data: st.DataObject) -> None:
    clear()
    calm, wild = written(plan), written(plan)

    calm.tell()
    for batch in data.draw(disorders(wild.recorded)):
        deliver(batch)

    assert shelves_of(wild.ledger) == shelves_of(calm.ledger)
    assert_statements_are_whole(wild)
    assert_totals_are_the_sums_of_the_entries(wild)
    assert_every_transaction_is_listed_once(wild)


def assert_statements_are_whole(books: Bookkeeper) -> None:
    """Every event of an account has its row, and no other row is there."""
    accounts = {event.stream.id for event in books.recorded if event.stream.kind == "account"}
    for account in accounts:
        rows = list(StatementRow.query(partition(books.ledger, account)))
        events = books.of(account)
        assert [row.version for row in rows] == list(range(1, len(events) + 1))
        assert [row.balance for row in rows] == [account_state(event).posted for event in events]


def assert_totals_are_the_sums_of_the_entries(books: Bookkeeper) -> None:
    """Each entry counts exactly once: held against sums over the events themselves."""
    sums = {"debit": Counter[str](), "credit": Counter[str]()}
    asset_of = {account: asset for asset, accounts in OF_ASSET.items() for account in accounts}
    for event in books.recorded:
        if isinstance(event.event, EntryPosted):
            sums[event.event.direction][asset_of[event.stream.id]] += event.event.amount
    found = ask(TrialBalance(ledger=books.ledger)).assets
    assert [(each.asset, each.debits, each.credits, each.balanced) for each in found] == [
        (asset, str(sums["debit"][asset]), str(sums["credit"][asset]), True)
        for asset in ("EUR/2", "USD/2")
    ]


def assert_every_transaction_is_listed_once(books: Bookkeeper) -> None:
    """By time, and by reference."""
    posted = [event for event in books.recorded if event.stream.kind == "transaction"]
    found = ask(ListTransactions(ledger=books.ledger)).transactions
    assert [each.id for each in found] == [event.stream.id for event in posted]
    for reference in REFERENCES:
        listed = ask(ListTransactions(ledger=books.ledger, reference=reference)).transactions
        assert listed == [each for each in found if each.reference == reference]
