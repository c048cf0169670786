"""What belongs where: for each room, from the keys of a row to what the events call for there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from pynamodb.exceptions import DoesNotExist

from chalicelib.domain.fields import rfc3339
from chalicelib.events.codec import UnknownEvent
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.parking import Project
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import metadata_of
from chalicelib.read_models import ledgers
from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.balances.table import BalanceRow, ledger_of, row_of
from chalicelib.read_models.ledgers import (
    PARTITION,
    AccountsLedger,
    JournalLedger,
    LedgerRow,
    parts_of,
)
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals import projector as totals
from chalicelib.read_models.totals.table import ACCOUNT, TotalRow, account_key
from chalicelib.read_models.transactions import projector as transactions
from chalicelib.read_models.transactions.table import (
    TransactionRow,
    day_buckets,
    day_row,
)
from chalicelib.settings import ACCOUNTS, JOURNAL
from chalicelib.tables import Table
from ops.rebuilding.raw import Item, key_of
from ops.rebuilding.registries import has_balance, has_total

_store = DynamoStore()


class Nobodys(Exception):
    """A row's key is none that this room would give to anything."""


Find = Callable[[Stream, Item], Recorded | None]
"""The event by which a row that was seen is judged."""


@dataclass(frozen=True)
class Room:
    """A room, and what its rows must be.

    `rows` are those that an event must have reached, and `wanted` what belongs in the place of a
    row that was seen, by the event that is found for it; None if nothing does. `alone` tells the
    rows that follow from one stream's events from those that sum up others.
    """

    name: str
    model: type[Table]
    project: Project
    kind: str
    rows: Callable[[Recorded], Sequence[Table]]
    wanted: Callable[[Item, Find], Table | None]
    alone: Callable[[Item], bool] = lambda _: True


def newest(stream: Stream, _: Item) -> Recorded | None:
    """The newest event of the row's stream, whatever the row has heard."""
    return _store.load([stream]).get(stream)


def own(stream: Stream, seen: Item) -> Recorded | None:
    """The event of the version that the row says it is of."""
    version = seen.get("version", {}).get("N", "")
    return _event(stream, int(version)) if version.isdecimal() else None


def wanted(room: Room, seen: Item, find: Find) -> Item | None:
    """What belongs in the place of a row; None if nothing does."""
    try:
        row = room.wanted(seen, find)
    except Nobodys:
        return None
    if row is None:
        return None
    item: Item = row.serialize()
    return item if key_of(room.model, item) == key_of(room.model, seen) else None


def _stream(ledger: str, kind: str, id: str) -> Stream:
    try:
        return Stream.parse(f"{ledger}/{kind}/{id}")
    except UnknownEvent as error:
        raise Nobodys(str(error)) from error


def _event(stream: Stream, version: int) -> Recorded | None:
    try:
        return _store.read(stream, version)
    except DoesNotExist:
        return None


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Nobodys(f"{text} is no version")
    return int(text)


def _balance(seen: Item, find: Find) -> BalanceRow | None:
    ledger = ledger_of(seen["partition"]["S"])
    event = find(_stream(ledger, "account", seen["account"]["S"]), seen)
    if event is None:
        return None
    row = row_of(ledger, event.stream.id)
    balances.take_state(row, event)
    row.metadata_version = event.account.metadata_version
    row.metadata = msgspec.json.encode(metadata_of(_store, event)).decode()
    return row


def _statement(seen: Item, _: Find) -> StatementRow | None:
    ledger, _, account = seen["account"]["S"].partition("/")
    version = _number(seen["place"]["S"].rpartition("#")[2])
    event = _event(_stream(ledger, "account", account), version)
    return statements.row(event) if event else None


def _transaction(seen: Item, find: Find) -> TransactionRow | None:
    key = seen["key"]["S"]
    if "/" not in key:
        return _day(key)
    ledger, _, id = key.partition("/")
    event = find(_stream(ledger, "transaction", id), seen)
    return transactions.row(event) if event else None


def _day(key: str) -> TransactionRow | None:
    """The row of a day that has transactions, or may have its first one at any moment."""
    ledger, _, day = key.rpartition("#")
    try:
        date = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Nobodys(f"{day} is no day") from error
    if abs(datetime.now(UTC) - date) < timedelta(days=2):
        return day_row(ledger, day)
    for bucket in day_buckets(ledger, day):
        for listed in TransactionRow.by_day.query(bucket):
            # The index says what the listed row says, which may itself be wrong.
            true = _transaction({"key": {"S": listed.key}}, newest)
            if true is not None and true.day_bucket == bucket:
                return day_row(ledger, day)
    return None


def _total(seen: Item, _: Find) -> TotalRow | None:
    """What an account added, if it can be at the version where it was seen: a later one is added
    together with the sums, which is the projector's.
    """
    ledger, _, account = seen["key"]["S"].partition("/")
    stream = _stream(ledger, "account", account)
    event = own(stream, seen) or newest(stream, seen)
    return _total_of(event) if event else None


def _total_of(event: Recorded) -> TotalRow:
    return TotalRow(
        *account_key(event.stream.ledger, event.stream.id),
        version=event.version,
        debits=event.account.debits,
        credits=event.account.credits,
        as_of=rfc3339(event.recorded_at),
    )


def _balances_of(event: Recorded) -> list[BalanceRow]:
    row = row_of(event.stream.ledger, event.stream.id)
    balances.take_state(row, event)
    row.metadata_version = event.version if event.sets_metadata else 0
    return [row]


def _transactions_of(event: Recorded) -> list[TransactionRow]:
    row = transactions.row(event)
    return [row, day_row(event.stream.ledger, row.place[: len("2026-11-23")])]


def _project_transactions(events: Sequence[Recorded]) -> None:
    transactions.forget_days()  # Whatever this process wrote, a row is missing now.
    transactions.project(events)


def _registry(registry: type[LedgerRow], has: Callable[[str, str], bool]) -> Room:
    """A registry of ledgers: a row belongs there if the stack has an account of that asset."""
    registered = ledgers.registered(registry)

    def project(events: Sequence[Recorded]) -> None:
        ledgers.forget()  # Whatever this process wrote, a row is missing now.
        registered(events)

    def rows(event: Recorded) -> list[LedgerRow]:
        return [registry(PARTITION, place) for place in ledgers.places_of([event])]

    def wanted(seen: Item, find: Find) -> LedgerRow | None:
        place = seen["place"]["S"]
        # A new table, which is being proved, has been written from events alone.
        is_there = find is own or has(*parts_of(place))
        return registry(PARTITION, place) if is_there else None

    return Room(str(registry.Meta.room), registry, project, "account", rows, wanted)  # type: ignore[attr-defined]  # Of the two registries.


ROOMS: dict[str, tuple[Room, ...]] = {
    ACCOUNTS: (
        _registry(AccountsLedger, has_balance),
        Room("balances", BalanceRow, balances.project, "account", _balances_of, _balance),
        Room(
            "statements",
            StatementRow,
            statements.project,
            "account",
            lambda event: [statements.row(event)],
            _statement,
        ),
    ),
    JOURNAL: (
        _registry(JournalLedger, has_total),
        Room(
            "transactions",
            TransactionRow,
            _project_transactions,
            "transaction",
            _transactions_of,
            _transaction,
        ),
        Room(
            "totals",
            TotalRow,
            totals.project,
            "account",
            lambda event: [_total_of(event)],
            _total,
            alone=lambda item: bool(item["of"]["S"] == ACCOUNT),
        ),
    ),
}
"""The rooms of each stack, in the order in which they are fed."""
