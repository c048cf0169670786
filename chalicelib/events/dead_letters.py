"""Dead letters: stream records that cannot be projected, each stored with its error.

A dead letter has the coordinates of its event. `ops redrive` projects it from the event table once
the cause is removed.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy
from chalicelib.tables import Integer, ReadNamed, Table, bucket_of, response_code

logger = logging.getLogger(__name__)

BUCKETS = 8
"""Partitions of a table, so that a faulty deployment can store many dead letters."""

_MOST_TEXT = 2000
_LAST = "9" * 16
"""The greatest version as Coordinates write it."""


class Projected(Protocol):
    """A read model with a projector."""

    @property
    def name(self) -> str:
        """The name in dead letters."""

    def project(self, events: Sequence[Recorded]) -> None:
        """Applies events to the rows. Safe to repeat, and independent of their order."""


class DeadLetterRow(Table):
    """A dead letter. `place` is its Coordinates as text; `rooms` names read models."""

    bucket = Integer(hash_key=True)
    place = UnicodeAttribute(range_key=True)
    stream = UnicodeAttribute()
    version = Integer()
    rooms = UnicodeAttribute()
    error = UnicodeAttribute()
    parked_at = UnicodeAttribute()
    newest_at = UnicodeAttribute()


@cache
def table_of_group(group: str) -> type[DeadLetterRow]:
    """The table of a projection group's dead letters."""

    class DeadLetters(DeadLetterRow):
        """The events that this group could not project."""

        class Meta(metaclass=ReadNamed):
            name = f"{group}_parked"

    return DeadLetters


@dataclass(frozen=True)
class Coordinates:
    """The stream and version of a record's event.

    A record that names no event has the stream "" and is only known by its sequence number.
    """

    stream: str
    version: int
    sequence: str = ""

    def __str__(self) -> str:
        return f"{self.stream}#{self.version:016d}" if self.stream else f"#{self.sequence}"


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed later: throttled, not permitted, or a table is missing.

    A `ValidationException`, also as the reason of a cancelled transaction, is permanent.
    """
    if isinstance(error, DoesNotExist):
        return False
    if isinstance(error, PynamoDBException):
        reasons = {
            reason.code
            for reason in getattr(error, "cancellation_reasons", ())
            if reason is not None
        }
        codes = reasons | {response_code(error)}
        return not any(code.startswith("Validation") for code in codes if code)
    return isinstance(error, BotoCoreError | ClientError | Busy | OSError)


def add(
    table: type[DeadLetterRow], coordinates: Coordinates, read_models: str, error: Exception
) -> None:
    """Stores a dead letter. One that is already stored keeps its first time."""
    logger.error("dead letter %s: %s: %s", coordinates, type(error).__name__, error, exc_info=error)
    now = rfc3339(datetime.now(UTC))
    row = table(_bucket(coordinates.stream), str(coordinates))
    row.update(
        [
            table.stream.set(coordinates.stream),
            table.version.set(coordinates.version),
            table.rooms.set(read_models),
            table.error.set(f"{type(error).__name__}: {error}"[:_MOST_TEXT]),
            table.parked_at.set(table.parked_at | now),
            table.newest_at.set(now),
        ]
    )


def stored(table: type[DeadLetterRow], stream: str = "") -> Iterator[DeadLetterRow]:
    """The dead letters of a group, or of one stream, each stream's in order."""
    # ministack rejects `begins_with` in a key condition with brackets, which PynamoDB writes.
    condition = table.place.between(f"{stream}#", f"{stream}#{_LAST}") if stream else None
    for bucket in [_bucket(stream)] if stream else range(BUCKETS):
        yield from table.query(bucket, condition, consistent_read=True)


def waiting(table: type[DeadLetterRow], now: datetime) -> tuple[int, float]:
    """The number of dead letters, and the age of the oldest in seconds."""
    since = [datetime.fromisoformat(row.parked_at) for row in stored(table)]
    return len(since), (now - min(since)).total_seconds() if since else 0.0


def redrive(
    table: type[DeadLetterRow],
    read_models: Sequence[Projected],
    read: Callable[[Stream, int], Recorded],
    stream: str = "",
) -> Iterator[tuple[DeadLetterRow, Exception | None]]:
    """Projects dead letters, safe to repeat; each dead letter with its new error, if any."""
    for row in stored(table, stream):
        try:
            event = read(Stream.parse(row.stream), row.version)
            for read_model in read_models:
                read_model.project([event])
        except Exception as error:  # noqa: BLE001  # Any error is reported.
            yield row, error
        else:
            row.delete()
            yield row, None


def _bucket(stream: str) -> int:
    return bucket_of(stream, BUCKETS)
