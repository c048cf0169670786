"""The query of this read model, and its answer."""

from typing import Annotated

import msgspec

from chalicelib.domain.fields import check_id
from chalicelib.http.field_types import LedgerId, Time, described
from chalicelib.read_models.integrity.table import find
from chalicelib.read_models.status_queries import LastAudit


class LedgerIntegrity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Is this ledger whole, as of the last audit?"""

    ledger: LedgerId

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")


class LedgerCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The Merkle root, in hex, over the newest events of all streams of the ledger at a time."""

    at: Annotated[Time, described("When the audit was made.")]
    root: Annotated[
        str,
        described(
            "The root of the Merkle tree, in hex. Note it elsewhere to notice later tampering.",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            pattern="^[0-9a-f]+$",
        ),
    ]
    streams: Annotated[int, described("The accounts and transactions that it covers.", 14)]
    events: Annotated[int, described("The events that it covers.", 31)]


class Integrity(msgspec.Struct, frozen=True, kw_only=True):
    """What the last audit found; all null where there was none.

    It counted `events` in `streams`, up to those recorded at `as_of`. `whole` says that every
    event and every row was as it must be, and `findings` how many were not. `checkpoint` is of the
    last audit that found nothing wrong.
    """

    ledger: LedgerId
    audited_at: Annotated[
        Time | None, described("When the last audit was made; null before the first.")
    ] = None
    as_of: Annotated[Time | None, described("When the newest event that it read was recorded.")] = (
        None
    )
    events: Annotated[int | None, described("How many events it read.", 31)] = None
    streams: Annotated[int | None, described("How many accounts and transactions it read.", 14)] = (
        None
    )
    findings: Annotated[
        int | None, described("How many events and rows were not as they must be.", 0)
    ] = None
    whole: Annotated[bool | None, described("Whether all were as they must be.", True)] = None
    checkpoint: Annotated[
        LedgerCheckpoint | None,
        described("Of the last audit without findings; null before the first."),
    ] = None


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


def last_audit(ledger: str) -> LastAudit | None:
    """The last audit of a ledger; None before the first."""
    row = find(ledger)
    if row is None:
        return None
    return LastAudit(
        audited_at=row.audited_at,
        as_of=row.as_of or None,
        whole=row.whole,
        findings=row.findings,
    )
