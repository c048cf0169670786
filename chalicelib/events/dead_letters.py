"""Parking: where a stream record that cannot be projected waits, with what is wrong with it.

A parked record holds nobody up, and nothing of it is lost: it names its event, which stands in the
event table, from where `ops redrive` projects it when the cause is gone.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy
from chalicelib.tables import Integer, Table, bucket_of, response_code

logger = logging.getLogger(__name__)

Project = Callable[[Sequence[Recorded]], None]
"""A room's projector: brings the room's rows up to what these events say."""

BUCKETS = 8
"""Over which the parked are spread, so that a deployment gone wrong finds room for all it parks."""

_MOST_TEXT = 2000


class ParkedRow(Table):
    """One parked record. Sorted by `place`: a stream's events in the order of their versions."""

    bucket = Integer(hash_key=True)
    place = UnicodeAttribute(range_key=True)
    stream = UnicodeAttribute()
    version = Integer()
    rooms = UnicodeAttribute()
    error = UnicodeAttribute()
    parked_at = UnicodeAttribute()
    newest_at = UnicodeAttribute()


@dataclass(frozen=True)
class Place:
    """Where the event of a record stands in the event table.

    A record that names no event has the stream "" and is only known by its sequence number.
    """

    stream: str
    version: int
    sequence: str = ""

    def __str__(self) -> str:
        return f"{self.stream}#{self.version:016d}" if self.stream else f"#{self.sequence}"


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed later: AWS had no time, no right or no table for it.

    What DynamoDB refuses for what it says (`ValidationException`, also as the reason of a cancelled
    transaction) will be refused again.
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


def park(table: type[ParkedRow], place: Place, rooms: str, error: Exception) -> None:
    """Parks a record. One that is parked already keeps the time at which it first was."""
    logger.error("parked %s: %s: %s", place, type(error).__name__, error, exc_info=error)
    now = rfc3339(datetime.now(UTC))
    row = table(_bucket(place.stream), str(place))
    row.update(
        [
            table.stream.set(place.stream),
            table.version.set(place.version),
            table.rooms.set(rooms),
            table.error.set(f"{type(error).__name__}: {error}"[:_MOST_TEXT]),
            table.parked_at.set(table.parked_at | now),
            table.newest_at.set(now),
        ]
    )


def parked(table: type[ParkedRow], stream: str = "") -> Iterator[ParkedRow]:
    """The parked records of a stack, or of one stream; each stream's in the order of its events."""
    condition = table.place.startswith(f"{stream}#") if stream else None
    for bucket in [_bucket(stream)] if stream else range(BUCKETS):
        yield from table.query(bucket, condition, consistent_read=True)


def waiting(table: type[ParkedRow], now: datetime) -> tuple[int, float]:
    """How many records are parked, and for how many seconds the oldest has been."""
    since = [datetime.fromisoformat(row.parked_at) for row in parked(table)]
    return len(since), (now - min(since)).total_seconds() if since else 0.0


def redrive(
    table: type[ParkedRow],
    rooms: Sequence[Project],
    read: Callable[[Stream, int], Recorded],
    stream: str = "",
) -> Iterator[tuple[ParkedRow, Exception | None]]:
    """Projects what is parked, from the event table; each with what still stands against it.

    Safe to repeat, and beside the projector: to a room, what it knows is no news.
    """
    for row in parked(table, stream):
        try:
            event = read(Stream.parse(row.stream), row.version)
            for project in rooms:
                project([event])
        except Exception as error:  # noqa: BLE001  # Whatever it is, it is said.
            yield row, error
        else:
            row.delete()
            yield row, None


def _bucket(stream: str) -> int:
    return bucket_of(stream, BUCKETS)
