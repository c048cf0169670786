"""An audit of many events on a real process, while others write and project."""

import threading

import pytest

from chalicelib.commands.executor import Executor
from chalicelib.domain.transaction.commands import PostTransaction
from chalicelib.events.dynamodb import DynamoStore, from_item
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import transaction_event
from ops.auditing.auditor import Auditor
from ops.auditing.examining import Examination
from tests.domain.books import credit, debit, opening, posting
from tests.ops.audited import altered, another_byte, damaged, items, project, said
from tests.projected import project_all
from tests.soak import examples

pytestmark = pytest.mark.usefixtures("own_home")

_ACCOUNTS = 40
_TRANSACTIONS = examples(340, 1000)  # Of three events each.


@pytest.fixture
def books(empty_ministack: str) -> Executor:  # noqa: ARG001  # Asked for its tables.
    """Hundreds of transactions over forty accounts, on an engine of their own."""
    executor = Executor(DynamoStore())
    for number in range(_ACCOUNTS):
        command = opening(f"a{number}", min_balance=None, ledger="acme")
        executor.execute(command, actor="key-1")
    for start in range(0, _TRANSACTIONS, 20):
        numbers = range(start, start + 20)
        commands = [payment(f"t{number}", number) for number in numbers]
        executor.execute_together(commands, actor="key-1")
    project()
    return executor


def payment(id: str, number: int) -> PostTransaction:
    """Moves a little between two of the accounts."""
    payer, paid = f"a{number % _ACCOUNTS}", f"a{(number * 7 + 1) % _ACCOUNTS}"
    if payer == paid:
        paid = f"a{(number + 1) % _ACCOUNTS}"
    return posting(id, debit(paid, number + 1), credit(payer, number + 1), ledger="acme")


def test_a_thousand_events_are_whole_among_traffic_and_one_byte_is_found(books: Executor) -> None:
    done = threading.Event()

    def live() -> None:
        for number in range(10**6):
            if done.is_set():
                return
            books.execute(payment(f"live-{number}", number), actor="key-1")
            if number % 10 == 9:
                newest = [EventItem.query(f"acme/transaction/live-{number - n}") for n in range(10)]
                told = [from_item(item) for found in newest for item in found]
                streams = {
                    entry.account for one in told for entry in transaction_event(one).entries
                }
                for account in streams:
                    recent = EventItem.query(
                        f"acme/account/{account}", scan_index_forward=False, limit=20
                    )
                    told += [from_item(item) for item in recent]
                project_all(told)
                done.wait(examples(200, 0) / 1000)

    writer = threading.Thread(target=live)
    writer.start()
    try:
        report = Examination(Auditor(patience=10.0)).run()
    finally:
        done.set()
        writer.join()
    project()

    assert said(report) == []
    assert report.events > 3 * _TRANSACTIONS
    item = items(EventItem)[500]
    changed = altered(item, "data", another_byte)
    with damaged(EventItem, item, after=changed):
        found = said(Examination(Auditor(patience=0.0)).run())

    place = f"{item['stream']['S']} {item['version']['N']}: "
    assert any(one.startswith(place) for one in found)
    assert said(Examination(Auditor()).run()) == []
