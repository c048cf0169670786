"""The result of the last audit, a row per ledger, and checkpoints. Written by `ops audit`."""

import msgspec
from pynamodb.attributes import BinaryAttribute, BooleanAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.tables import Integer, ReadNamed, Table


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The streams of a ledger at an audit without findings.

    `root` is the Merkle root, in hex, over the heads of its `streams`, which have `events` events
    in total. `previous` is the root of the checkpoint before it. `anew` is the reason why it was
    not compared with that one. `since` is the time of the checkpoint that an incremental audit
    started from.
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
    """The result of the last audit of a ledger.

    `as_of` is the recorded time of its newest event, `most_events` the largest number of events
    that an audit has counted, and `checkpoints` a JSON list, oldest first.
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
        """The checkpoints in this table, oldest first."""
        return msgspec.json.decode(self.checkpoints or "[]", type=list[Checkpoint])


class CheckpointChunk(Table):
    """A part of a checkpoint's content, in the same table."""

    class Meta(metaclass=ReadNamed):
        name = "integrity"

    ledger = UnicodeAttribute(hash_key=True)
    content = BinaryAttribute(legacy_encoding=False)


def chunk_key(checkpoint: Checkpoint, number: int) -> str:
    """The key of a part of a checkpoint, counted from 0. Ids of ledgers contain no #."""
    return f"{checkpoint.ledger}#{checkpoint.at}#{number}"


def find(ledger: str) -> IntegrityRow | None:
    """The row of a ledger, if it was ever audited."""
    try:
        return IntegrityRow.get(ledger)
    except DoesNotExist:
        return None
