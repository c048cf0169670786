"""The query of this read model, and its answer."""

import msgspec

from chalicelib.domain.fields import check_id
from chalicelib.read_models.integrity.table import find


class LedgerIntegrity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Is this ledger whole, as of the last audit?"""

    ledger: str

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")


class LedgerCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The Merkle root, in hex, over the newest events of all streams of the ledger at a time."""

    at: str
    root: str
    streams: int
    events: int


class Integrity(msgspec.Struct, frozen=True, kw_only=True):
    """What the last audit found; all null where there was none.

    It counted `events` in `streams`, up to those recorded at `as_of`. `whole` says that every
    event and every row was as it must be, and `findings` how many were not. `checkpoint` is of the
    last audit that found nothing wrong.
    """

    ledger: str
    audited_at: str | None = None
    as_of: str | None = None
    events: int | None = None
    streams: int | None = None
    findings: int | None = None
    whole: bool | None = None
    checkpoint: LedgerCheckpoint | None = None


def ledger_integrity(query: LedgerIntegrity) -> Integrity:
    """The result of the last audit."""
    row = find(query.ledger)
    if row is None:
        return Integrity(ledger=query.ledger)
    last = next(reversed(row.kept()), None)
    return Integrity(
        ledger=query.ledger,
        audited_at=row.audited_at,
        as_of=row.as_of or None,
        events=row.events,
        streams=row.streams,
        findings=row.findings,
        whole=row.whole,
        checkpoint=LedgerCheckpoint(
            at=last.at, root=last.root, streams=last.streams, events=last.events
        )
        if last
        else None,
    )
