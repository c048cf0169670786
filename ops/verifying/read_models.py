"""Read models: for each, which rows an event makes, and what belongs in the place of a row."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.domain.account.state import metadata_mark
from chalicelib.events.codec import UnknownEvent
from chalicelib.events.dead_letters import Project
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import account_state, metadata_set_by, sets_metadata
from chalicelib.read_models import ledgers
from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.balances.table import BalanceRow, ledger_of, row_of
from chalicelib.read_models.ledgers import AccountsLedger, JournalLedger, LedgerRow
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals import projector as totals
from chalicelib.read_models.totals.table import ACCOUNT, TotalRow
from chalicelib.read_models.transactions import projector as transactions
from chalicelib.read_models.transactions.table import TransactionRow, day_buckets
from chalicelib.settings import ACCOUNTS, JOURNAL
from chalicelib.tables import Table
from ops.verifying import rows
from ops.verifying.events import event_at, newest_of
from ops.verifying.raw import Item, all_items, number_of
from ops.verifying.registries import has_balance, has_total

ARRIVAL_SECONDS = 1.0
"""Given to the first account of a ledger to arrive after the row that lists the ledger."""


class OrphanRow(Exception):
    """A row's key is none that this read model would give to anything."""


Find = Callable[[Stream, Item], Recorded | None]
"""The event by which a row that was seen is judged. Raises UnknownEvent."""


@dataclass(frozen=True)
class ReadModel:
    """A read model, and what its rows must be.

    `rows` are those that an event of a stream of this `kind` must have reached. `in_place_of` is
    what belongs in the place of a row that was seen, by the event that is found for it; None if
    nothing does. `of_one_stream` tells the rows that follow from one stream's events from those
    that sum up others. A `derived` one is judged by the rows of others, which must be right before.
    """

    name: str
    table: type[Table]
    project: Project
    kind: str
    rows: Callable[[Recorded], Sequence[Item]]
    in_place_of: Callable[[Item, Find], Item | None]
    of_one_stream: Callable[[Item], bool] = lambda _: True
    derived: bool = False

    def expected(self, seen: Item, find: Find) -> Item | None:
        """What must be there instead of a row that was seen; None if nothing. Raises UnknownEvent.

        It may have another key than the row, which is then nothing's.
        """
        try:
            return self.in_place_of(seen, find)
        except OrphanRow:
            return None


def newest(stream: Stream, _: Item) -> Recorded | None:
    """The newest event of the row's stream, whatever the row has heard."""
    return newest_of(stream)


def own(stream: Stream, seen: Item) -> Recorded | None:
    """The event of the version that the row says it is of."""
    version = number_of(seen, "version")
    return event_at((str(stream), version)) if version > 0 else None


def has_day(ledger: str, day: str) -> bool:
    """Whether a transaction of the ledger was created on this day."""
    for bucket in day_buckets(ledger, day):
        for listed in TransactionRow.by_day.query(bucket):
            # The index says what the listed row says, which may itself be wrong.
            true = _transaction({"key": {"S": listed.key}}, newest)
            if true is not None and true["day_bucket"]["S"] == bucket:
                return True
    return False


def _stream(ledger: str, kind: str, id: str) -> Stream:
    try:
        return Stream.parse(f"{ledger}/{kind}/{id}")
    except UnknownEvent as error:
        raise OrphanRow(str(error)) from error


def metadata_of(event: Recorded) -> Mapping[str, str]:
    """The metadata of an account as of an event. Raises UnknownEvent where it cannot be read."""
    if account_state(event).metadata_fingerprint == metadata_mark({}):
        return {}
    set_by = (
        event
        if sets_metadata(event)
        else event_at((str(event.stream), account_state(event).metadata_version))
    )
    if set_by is None or not sets_metadata(set_by):
        version = account_state(event).metadata_version
        raise UnknownEvent(f"{event.stream} has no event {version} that sets metadata")
    return metadata_set_by(set_by)


def _balance(seen: Item, find: Find) -> Item | None:
    ledger = ledger_of(seen["partition"]["S"])
    event = find(_stream(ledger, "account", seen["account"]["S"]), seen)
    return rows.balance_row(event, metadata_of(event)) if event else None


def _statement(seen: Item, _: Find) -> Item | None:
    ledger, _, account = seen["account"]["S"].partition("/")
    version = seen["place"]["S"].rpartition("#")[2]
    if not version.isdecimal():
        raise OrphanRow(f"{version} is no version")
    event = event_at((str(_stream(ledger, "account", account)), int(version)))
    return rows.statement_row(event) if event else None


def _transaction(seen: Item, find: Find) -> Item | None:
    key = seen["key"]["S"]
    if "/" not in key:
        return _day(key)
    ledger, _, id = key.partition("/")
    event = find(_stream(ledger, "transaction", id), seen)
    return rows.transaction_row(event) if event else None


def _day(key: str) -> Item | None:
    """The row of a day that has transactions, or may have its first one at any moment."""
    ledger, _, day = key.rpartition("#")
    try:
        date = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise OrphanRow(f"{day} is no day") from error
    recent = abs(datetime.now(UTC) - date) < timedelta(days=2)
    return rows.day_row(ledger, day) if recent or has_day(ledger, day) else None


def _total(seen: Item, find: Find) -> Item | None:
    """What an account added, if it can be at the version where it was seen: a later one is added
    together with the sums, which is the projector's.
    """
    ledger, _, account = seen["key"]["S"].partition("/")
    stream = _stream(ledger, "account", account)
    event = (own(stream, seen) if find is newest else None) or find(stream, seen)
    return _total_of(event) if event else None


def _total_of(event: Recorded) -> Item:
    return rows.total_row(event, account_state(event).debits, account_state(event).credits)


def _balances_of(event: Recorded) -> list[Item]:
    row = row_of(event.stream.ledger, event.stream.id)
    balances.take_state(row, event)
    row.metadata_version = event.version if sets_metadata(event) else 0
    return [row.serialize()]


def _transactions_of(event: Recorded) -> list[Item]:
    return [
        rows.transaction_row(event),
        rows.day_row(event.stream.ledger, rows.day_of(event)),
    ]


def _project_transactions(events: Sequence[Recorded]) -> None:
    transactions.forget_days()  # Whatever this process wrote, a row is missing now.
    transactions.project(events)


def _registry(registry: type[LedgerRow], has: Callable[[str, str], bool]) -> ReadModel:
    """A registry of ledgers: a row belongs there if its group has an account of that asset."""
    registered = ledgers.registered(registry)

    def project(events: Sequence[Recorded]) -> None:
        ledgers.forget()  # Whatever this process wrote, a row is missing now.
        registered(events)

    def of_event(event: Recorded) -> list[Item]:
        places = ledgers.places_of([event])
        return [rows.registry_row(registry, *ledgers.parts_of(place)) for place in places]

    def in_place_of(seen: Item, find: Find) -> Item | None:
        ledger, asset = ledgers.parts_of(seen["place"]["S"])
        # A new table, which is being proved, has been written from events alone.
        is_there = find is own or has(ledger, asset)
        if not is_there:
            time.sleep(ARRIVAL_SECONDS)
            is_there = has(ledger, asset)
        return rows.registry_row(registry, ledger, asset) if is_there else None

    name: str = registry.Meta.room  # type: ignore[attr-defined]  # Of the two registries.
    return ReadModel(name, registry, project, "account", of_event, in_place_of, derived=True)


GROUPS: dict[str, tuple[ReadModel, ...]] = {
    ACCOUNTS: (
        _registry(AccountsLedger, has_balance),
        ReadModel("balances", BalanceRow, balances.project, "account", _balances_of, _balance),
        ReadModel(
            "statements",
            StatementRow,
            statements.project,
            "account",
            lambda event: [rows.statement_row(event)],
            _statement,
        ),
    ),
    JOURNAL: (
        _registry(JournalLedger, has_total),
        ReadModel(
            "transactions",
            TransactionRow,
            _project_transactions,
            "transaction",
            _transactions_of,
            _transaction,
        ),
        ReadModel(
            "totals",
            TotalRow,
            totals.project,
            "account",
            lambda event: [_total_of(event)],
            _total,
            of_one_stream=lambda item: bool(item["of"]["S"] == ACCOUNT),
        ),
    ),
}
"""The read models of each projection group, in the order in which they are fed."""

READ_MODELS = {each.name: each for group in GROUPS.values() for each in group}
"""All of them by name. The verdicts of audits, which no event makes, are none."""


def stored_rows() -> dict[str, list[Item]]:
    """All rows of each read model as they are stored."""
    return {name: list(all_items(model.table)) for name, model in READ_MODELS.items()}
