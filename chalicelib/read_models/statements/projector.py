"""Writes a row per event of an account. A row is the same whenever it is written again."""

from collections.abc import Sequence

from chalicelib.domain.account.events import EntryPosted, HeldEntryPosted
from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models.read_model import Item, Projection
from chalicelib.read_models.statements.table import StatementRow, partition, place
from chalicelib.tables import in_parallel

_PUTS = 25
"""Of one BatchWriteItem, at most."""


def row(event: Recorded) -> StatementRow:
    """The row of one event of an account."""
    account, recorded_at = account_state(event), rfc3339(event.recorded_at)
    result = StatementRow(
        partition(event.stream.ledger, event.stream.id),
        place(recorded_at, event.version),
        version=event.version,
        asset=account.asset,
        balance=account.posted,
        recorded_at=recorded_at,
        stripes=account.stripes if account.stripes > 1 else None,
    )
    if isinstance(event.event, EntryPosted | HeldEntryPosted):
        result.transaction = event.event.transaction
        result.direction = event.event.direction
        result.amount = event.event.amount
        result.effective_at = rfc3339(event.event.effective_at)
        result.reference = event.event.reference
    return result


def project(events: Sequence[Recorded]) -> None:
    """One put per event; a record delivered twice in a batch is put once."""
    entries = {
        (event.stream, event.version): event for event in events if event.stream.kind == "account"
    }
    rows = [row(event) for event in entries.values()]
    in_parallel(_put, [rows[start : start + _PUTS] for start in range(0, len(rows), _PUTS)])


def origin(row: Item) -> tuple[Stream, int | None]:
    """The account or stripe that a row is of, and the version in its range key."""
    ledger, _, account = row["account"]["S"].partition("/")
    version = int(row["place"]["S"].rpartition("#")[2]) if "place" in row else None
    return Stream.parse(f"{ledger}/account/{account}"), version


PROJECTION = Projection(
    kind="account",
    project=project,
    rows=lambda event, _: [row(event)],
    origin=origin,
    history=True,
)


def _put(rows: Sequence[StatementRow]) -> None:
    with StatementRow.batch_write() as batch:
        for row in rows:
            batch.save(row)
