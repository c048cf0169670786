"""An audit of thousands of events on a real process, while others write and project."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chalicelib import tables
from chalicelib.commands.execute import Executor
from chalicelib.events.dynamodb import DynamoStore, from_item
from chalicelib.events.table import EventItem
from chalicelib.local.stack import ROOMS, TABLES
from ops.audit import examine
from ops.auditing.auditor import Auditor
from tests import engines
from tests.domain.books import credit, debit, opening, posting
from tests.ops.audited import altered, another_byte, damaged, items, project, said

_ACCOUNTS = 40


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Executor]:
    """A thousand transactions over forty accounts, on an engine of their own."""
    with engines.ministack(tmp_path) as endpoint, engines.connected(endpoint):
        tables.create(TABLES)
        executor = Executor(DynamoStore())
        for number in range(_ACCOUNTS):
            command = opening(f"a{number}", min_balance=None, ledger="acme")
            executor.execute(command, actor="key-1")
        with ThreadPoolExecutor(4) as writers:
            list(writers.map(lambda number: pay(executor, f"t{number}", number), range(1000)))
        project()
        yield executor


def pay(executor: Executor, id: str, number: int) -> None:
    """Moves a little between two of the accounts, and tells the rooms."""
    payer, paid = f"a{number % _ACCOUNTS}", f"a{(number * 7 + 1) % _ACCOUNTS}"
    if payer == paid:
        paid = f"a{(number + 1) % _ACCOUNTS}"
    entries = (debit(paid, number + 1), credit(payer, number + 1))
    executor.execute(posting(id, *entries, ledger="acme"), actor="key-1")


def test_thousands_of_events_are_whole_among_traffic_and_one_byte_is_found(books: Executor) -> None:
    done = threading.Event()

    def live() -> None:
        for number in range(10**6):
            if done.is_set():
                return
            pay(books, f"live-{number}", number)
            if number % 10 == 9:
                newest = [EventItem.query(f"acme/transaction/live-{number - n}") for n in range(10)]
                told = [from_item(item) for found in newest for item in found]
                streams = {entry.account for one in told for entry in one.transaction_event.entries}
                for account in streams:
                    recent = EventItem.query(
                        f"acme/account/{account}", scan_index_forward=False, limit=20
                    )
                    told += [from_item(item) for item in recent]
                for room in ROOMS:
                    room(told)

    writer = threading.Thread(target=live)
    writer.start()
    try:
        report = examine(Auditor(patience=10.0))
    finally:
        done.set()
        writer.join()
    project()

    assert said(report) == []
    assert report.events > 3000
    item = items(EventItem)[500]
    changed = altered(item, "data", another_byte)
    with damaged(EventItem, item, after=changed):
        found = said(examine(Auditor(patience=0.0)))

    place = f"{item['stream']['S']} {item['version']['N']}: "
    assert any(one.startswith(place) for one in found)
    assert said(examine(Auditor())) == []
