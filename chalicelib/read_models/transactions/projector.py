"""Keeps the newest version of every transaction, deaf to what it has heard or what comes late."""

from collections.abc import Sequence

import msgspec
from pynamodb.exceptions import PutError

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded
from chalicelib.events.stream import newest
from chalicelib.http.bodies import transaction_body
from chalicelib.ledger.aggregates import transaction_event
from chalicelib.read_models.generations import into_each
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
from chalicelib.tables import (
    CONDITION_FAILED,
    in_parallel,
    response_code,
)

_known_days: set[tuple[str, str, str]] = set()
"""The tables and days whose row this process has written already."""


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


@into_each("transactions")
def project(events: Sequence[Recorded]) -> None:
    """One write per transaction of the batch, and one for the first transaction of a day."""
    latest = newest("transaction", events)
    table = TransactionRow.Meta.table_name
    days = {(table, event.stream.ledger, _day(event)) for event in latest.values()} - _known_days
    # A day is listed before what happened on it, so that no listing passes it by.
    in_parallel(lambda day: day_row(*day[1:]).save(), days)
    _known_days.update(days)
    in_parallel(_write, [row(event) for event in latest.values()])


def forget_days() -> None:
    """Lets the next batch write the rows of its days again."""
    _known_days.clear()


def _day(event: Recorded) -> str:
    return rfc3339(transaction_event(event).created_at)[: len("2026-11-23")]


def _write(row: TransactionRow) -> None:
    try:
        row.save(TransactionRow.version.does_not_exist() | (TransactionRow.version < row.version))
    except PutError as error:
        if response_code(error) != CONDITION_FAILED:
            raise
