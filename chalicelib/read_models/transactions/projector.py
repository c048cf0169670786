"""Keeps the newest version of every transaction. Older events than the row change nothing."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.stream import newest
from chalicelib.http.bodies import transaction_body
from chalicelib.ledger.aggregates import transaction_event, transaction_stream
from chalicelib.read_models.once import WrittenOnce
from chalicelib.read_models.read_model import Earlier, Item, Projection, SharedRows
from chalicelib.read_models.transactions.table import (
    EXPIRY_BUCKETS,
    TransactionRow,
    bucket,
    day_buckets,
    day_row,
    key_of,
    pending_buckets,
    place_of,
    reference_buckets,
)
from chalicelib.tables import in_parallel, saved

_days = WrittenOnce()


def row(event: Recorded) -> TransactionRow:
    """The row of a transaction after this event."""
    ledger, id = event.stream.ledger, event.stream.id
    told = transaction_event(event)
    body = transaction_body(ledger, id, told, event.version)
    pending = told.state == "pending"
    return TransactionRow(
        key_of(ledger, id),
        version=event.version,
        body=msgspec.json.encode(body).decode(),
        place=place_of(body.recorded_at, id),
        day_bucket=bucket(day_buckets(ledger, _day(event)), id),
        reference_bucket=told.reference and bucket(reference_buckets(ledger, told.reference), id),
        pending_bucket=bucket(pending_buckets(ledger), id) if pending else None,
        expiry_bucket=(
            bucket(EXPIRY_BUCKETS, id) if pending and told.expires_at is not None else None
        ),
        expires_at=rfc3339(told.expires_at) if pending and told.expires_at else None,
    )


def project(events: Sequence[Recorded]) -> None:
    """One write per transaction of the batch, and one for the first transaction of a day."""
    latest = newest("transaction", events)
    # A day is listed before what happened on it, so that no listing passes it by.
    days = {f"{event.stream.ledger} {_day(event)}" for event in latest.values()}
    _days.write(TransactionRow.Meta.table_name, days, lambda day: day_row(*day.split()).save())
    in_parallel(_save, [row(event) for event in latest.values()])


def rows(event: Recorded, _: Earlier | None) -> list[TransactionRow]:
    """The row of a transaction, and the one that lists its day."""
    return [row(event), day_row(event.stream.ledger, _day(event))]


def origin(row: Item) -> tuple[Stream, None]:
    """The transaction that a row is of."""
    ledger, _, id = row["key"]["S"].partition("/")
    return Stream.parse(f"{ledger}/transaction/{id}"), None


def _is_day(row: Item) -> bool:
    return "/" not in row["key"]["S"]


def _day_of(row: Item) -> tuple[str, str]:
    """The ledger and the day of a row that lists one."""
    ledger, _, day = row["key"]["S"].rpartition("#")
    return ledger, day


def _date(day: str) -> datetime | None:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_recent(row: Item) -> bool:
    """Whether the first transaction of a day may come at any moment."""
    date = _date(_day_of(row)[1])
    return date is not None and abs(datetime.now(UTC) - date) < timedelta(days=2)


def _has_transactions(row: Item, newest: Callable[[Stream], Recorded | None]) -> bool:
    """Whether a transaction was created on a day. The index may list a row that is wrong itself."""
    ledger, day = _day_of(row)
    listed = (each for key in day_buckets(ledger, day) for each in TransactionRow.by_day.query(key))
    for each in listed:
        event = newest(transaction_stream(ledger, each.key.partition("/")[2]))
        if event is not None and _day(event) == day:
            return True
    return False


PROJECTION = Projection(
    kind="transaction",
    project=project,
    rows=rows,
    origin=origin,
    forget=_days.forget,
    shared=SharedRows(
        is_shared=_is_day,
        row=lambda row: day_row(*_day_of(row)) if _date(_day_of(row)[1]) else None,
        ledger=lambda row: _day_of(row)[0],
        is_asked_for=_has_transactions,
        may_come=_is_recent,
        lists="a day",
        orphan="a day without transactions",
    ),
)


def _day(event: Recorded) -> str:
    return rfc3339(transaction_event(event).created_at)[: len("2026-11-23")]


def _save(row: TransactionRow) -> bool:
    version = TransactionRow.version
    return saved(row, version.does_not_exist() | (version < row.version))
