"""What audits found: a row per ledger, and the checkpoints that audits left.

Written by the audit, and by no projector.
"""

import msgspec
from pynamodb.attributes import BinaryAttribute, BooleanAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.tables import Integer, ReadNamed, Table


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a ledger of an environment was at an audit that found nothing wrong with it.

    `root` is the Merkle root, in hex, over the heads of its `streams`, which have `events` events
    together. `previous` is the root of the checkpoint before it. `anew` says why this one was
    begun without a proof that the ledger has only grown since the one before. `since` is the time
    of the one from which an audit went on, without looking at what had not changed.
    """

    environment: str
    ledger: str
    at: str
    root: str
    streams: int
    events: int
    previous: str | None = None
    anew: str | None = None
    since: str | None = None


class IntegrityRow(Table):
    """The verdict on a ledger.

    `as_of` is when the newest event that was audited was recorded. `most_events` is the largest
    number of events that an audit has ever counted: a ledger only grows. `checkpoints` are those
    that are kept in this table, the oldest first.
    """

    class Meta(metaclass=ReadNamed):
        name = "integrity"

    ledger = UnicodeAttribute(hash_key=True)
    audited_at = UnicodeAttribute()
    as_of = UnicodeAttribute()
    events = Integer()
    streams = Integer()
    findings = Integer()
    whole = BooleanAttribute()
    most_events = Integer()
    checkpoints = UnicodeAttribute(null=True)

    def kept(self) -> list[Checkpoint]:
        """The checkpoints that are kept, the oldest first."""
        return msgspec.json.decode(self.checkpoints or "[]", type=list[Checkpoint])


class CheckpointChunk(Table):
    """A part of a checkpoint's content, in the table of the verdicts."""

    class Meta(metaclass=ReadNamed):
        name = "integrity"

    ledger = UnicodeAttribute(hash_key=True)
    content = BinaryAttribute(legacy_encoding=False)


def chunk_key(checkpoint: Checkpoint, number: int) -> str:
    """The key of a part of a checkpoint, counted from 0. No ledger's name has a #."""
    return f"{checkpoint.ledger}#{checkpoint.at}#{number}"


def find(ledger: str) -> IntegrityRow | None:
    """The verdict on a ledger, if it was ever audited."""
    try:
        return IntegrityRow.get(ledger)
    except DoesNotExist:
        return None
