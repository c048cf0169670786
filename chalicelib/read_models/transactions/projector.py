"""Projects the newest version of every transaction. Events older than the row change nothing."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.stream import begun, newest
from chalicelib.http.bodies import transaction_body
from chalicelib.ledger.aggregates import transaction_event, transaction_stream
from chalicelib.read_models import guarded
from chalicelib.read_models.guarded import GuardedWrite
from chalicelib.read_models.once import WrittenOnce
from chalicelib.read_models.read_model import Item, Projection, SharedRows
from chalicelib.read_models.transactions import table
from chalicelib.read_models.transactions.table import TransactionRow
from chalicelib.tables import saved

_days = WrittenOnce()
_CONTENT = [name for name in TransactionRow.get_attributes() if name != "key"]


def row(event: Recorded) -> TransactionRow:
    """The row of a transaction after this event."""
    ledger, id = event.stream.ledger, event.stream.id
    newest_event = transaction_event(event)
    body = transaction_body(ledger, id, newest_event, event.version)
    reference, expires_at = newest_event.reference, newest_event.expires_at
    pending = newest_event.state == "pending"
    return TransactionRow(
        table.key_of(ledger, id),
        version=event.version,
        body=msgspec.json.encode(body).decode(),
        place=table.place_of(body.recorded_at, id),
        day_bucket=table.bucket(table.day_buckets(ledger, _day(event)), id),
        reference_bucket=reference and table.bucket(table.reference_buckets(ledger, reference), id),
        pending_bucket=table.bucket(table.pending_buckets(ledger), id) if pending else None,
        expiry_bucket=table.bucket(table.EXPIRY_BUCKETS, id) if pending and expires_at else None,
        expires_at=rfc3339(expires_at) if pending and expires_at else None,
    )


def project(events: Sequence[Recorded]) -> None:
    """One write per transaction of the batch, and one for the first transaction of a day."""
    latest = newest("transaction", events)
    # A day is listed before its transactions, so that no listing misses them.
    days = {f"{event.stream.ledger} {_day(event)}" for event in latest.values()}
    _days.write(
        TransactionRow.Meta.table_name, days, lambda day: table.day_row(*day.split()).save()
    )
    new = begun(events)
    guarded.write([_write_of(row(event), stream in new) for stream, event in latest.items()])


def origin(row: Item) -> tuple[Stream, None]:
    """The stream of a transaction's row."""
    ledger, _, id = row["key"]["S"].partition("/")
    return Stream.parse(f"{ledger}/transaction/{id}"), None


def _day_listed(row: Item) -> tuple[str, str]:
    ledger, _, day = row["key"]["S"].rpartition("#")
    return ledger, day


def _day_row(row: Item) -> TransactionRow | None:
    """The expected row with the key of a day's row; None if the key has no valid day."""
    try:
        datetime.strptime(_day_listed(row)[1], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return table.day_row(*_day_listed(row))


def _is_recent(row: Item) -> bool:
    date = datetime.fromisoformat(_day_listed(row)[1]).replace(tzinfo=UTC)
    return abs(datetime.now(UTC) - date) < timedelta(days=2)


def _has_transactions(row: Item, newest: Callable[[Stream], Recorded | None]) -> bool:
    """Whether a transaction was created on a day, by its events: the indexed rows may be wrong."""
    ledger, day = _day_listed(row)
    listed = (
        each for key in table.day_buckets(ledger, day) for each in TransactionRow.by_day.query(key)
    )
    streams = (transaction_stream(ledger, each.key.partition("/")[2]) for each in listed)
    return any(event is not None and _day(event) == day for event in map(newest, streams))


PROJECTION = Projection(
    kind="transaction",
    project=project,
    rows=lambda event, _: [row(event), table.day_row(event.stream.ledger, _day(event))],
    origin=origin,
    forget=_days.forget,
    shared=SharedRows(
        is_shared=lambda row: "/" not in row["key"]["S"],
        row=_day_row,
        ledger=lambda row: _day_listed(row)[0],
        is_asked_for=_has_transactions,
        may_come=_is_recent,
        lists="a day",
        orphan="a day without transactions",
    ),
)


def _day(event: Recorded) -> str:
    return rfc3339(transaction_event(event).created_at)[: table.DAY]


def _write_of(row: TransactionRow, is_first: bool) -> GuardedWrite:
    return GuardedWrite(row, _CONTENT, ("version",), is_first, partial(_save, row))


def _save(row: TransactionRow) -> bool:
    version = TransactionRow.version
    return saved(row, version.does_not_exist() | (version < row.version))
