"""Ledgers of any size, made in memory and put into the tables with the rows of all read models."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from benchmarks.books import BEGAN
from benchmarks.engine import fill
from benchmarks.units import item_size
from chalicelib.commands.executor import Executor
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Recorded
from chalicelib.events.stream import newest
from chalicelib.events.table import EventItem
from chalicelib.read_models.read_model import ReadModel
from ops.auditing.sums import MODELS, Folded
from ops.verifying.raw import key_text
from ops.verifying.read_models import READ_MODELS, after
from tests.memory_store import MemoryStore

LEDGER_EVENTS = 20_000
"""The most events of one ledger. More events make more ledgers."""

_ACCOUNTS, _TOGETHER = 200, 20
"""The accounts of a ledger, and the transfers of a batch."""

Item = dict[str, Any]


def filled(endpoint: str, events: int) -> dict[str, dict[str, int]]:
    """Fills the tables with ledgers of this many events; the `count` and `bytes` of each table."""
    sizes: dict[str, dict[str, int]] = {}
    for number in range(-(-events // LEDGER_EVENTS)):
        wanted = min(LEDGER_EVENTS, events - number * LEDGER_EVENTS)
        recorded = list(ledger(f"ledger-{number:05d}", wanted))
        _put(endpoint, "events", EventItem.Meta.table_name, map(_item, recorded), sizes)
        for model in READ_MODELS.values():
            _put(endpoint, model.name, model.table.Meta.table_name, _rows(model, recorded), sizes)
    return sizes


def ledger(name: str, events: int) -> Iterator[Recorded]:
    """The events of a ledger: transfers between accounts, twenty in each batch."""
    store, clock = _Keeping(), count()
    executor = Executor(store, clock=lambda: BEGAN + timedelta(milliseconds=next(clock)))
    for number in range(_ACCOUNTS):
        executor.execute(
            OpenAccount(
                ledger=name,
                account=f"a{number}",
                asset="USD/2",
                normal_balance="credit",
                min_balance=None,
                max_balance=None,
                metadata={},
            ),
            actor="bench",
        )
    for first in count(0, _TOGETHER):
        left = (events - len(store.kept)) // 3
        if left <= 0:
            break
        transfers = [_transfer(name, first + more) for more in range(min(_TOGETHER, left))]
        executor.execute_together(transfers, actor="bench")
    yield from store.kept


class _Keeping(MemoryStore):
    """Keeps all events in the order in which they were appended."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Recorded] = []

    def append(self, *appends: Any) -> None:
        super().append(*appends)
        for each in appends:
            self.kept += each.events


def _transfer(name: str, number: int) -> PostTransaction:
    payer, payee = f"a{number % _ACCOUNTS}", f"a{(number * 7 + 1) % _ACCOUNTS}"
    if payer == payee:
        payee = f"a{(number + 1) % _ACCOUNTS}"
    entries = (
        Entry(account=payer, direction="debit", amount=100 + number % 900, asset="USD/2"),
        Entry(account=payee, direction="credit", amount=100 + number % 900, asset="USD/2"),
    )
    return PostTransaction(
        ledger=name, transaction=f"01930000-0000-7000-8000-{number:012d}", entries=entries
    )


def _item(event: Recorded) -> Item:
    return dict(to_item(event).serialize())


def _rows(model: ReadModel, events: Sequence[Recorded]) -> Iterator[Item]:
    """The rows of a read model, each once."""
    projection = model.projection
    heads = newest(projection.kind, events)
    of_kind = [each for each in events if each.stream.kind == projection.kind]
    by_place = {each.place: each for each in events}
    rows: dict[str, Item] = {}
    for event in of_kind if projection.history else heads.values():
        stream = event.stream
        for row in after(model, event, lambda version, of=stream: by_place[of, version]):
            rows[key_text(model.table, row)] = row
    yield from rows.values()
    if model in MODELS:
        folded = Folded()
        for event in heads.values():
            folded.take(event)
        for (name, shard, asset), total in folded.sums.items():
            row = total.row(model, (shard, asset)) if name == model.name else None
            if row:
                yield row


def _put(
    endpoint: str, label: str, table: str, items: Iterator[Item], sizes: dict[str, dict[str, int]]
) -> None:
    listed = list(items)
    size = sizes.setdefault(label, {"count": 0, "bytes": 0})
    size["count"] += len(listed)
    size["bytes"] += sum(map(item_size, listed))
    fill(endpoint, table, listed)
