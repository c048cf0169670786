"""Feeds the records of the event table's stream to read models.

DynamoDB Streams keep order per item only, deliver at least once, and split a transaction's items.
"""

import base64
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from chalicelib.events import dead_letters
from chalicelib.events.dead_letters import Coordinates, DeadLetterRow, Projected, is_transient
from chalicelib.events.dynamodb import from_item
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import with_current_state
from chalicelib.events.table import EventItem
from chalicelib.tables import in_parallel

logger = logging.getLogger(__name__)

SPARE_SECONDS = 5.0
"""The longest time that one record takes: none is begun with less time left."""

ALTERATIONS = ("MODIFY", "REMOVE")
"""The stream's names for a change to an existing item."""

Response = dict[str, list[dict[str, str]]]


def read(image: Mapping[str, Any]) -> Recorded:
    """The event in a record's NewImage, whose bytes may be base64. Raises UnknownEvent."""
    attributes = {name: dict(value) for name, value in image.items()}
    for value in attributes.values():
        if isinstance(value.get("B"), str):
            value["B"] = base64.b64decode(value["B"])
    item = EventItem()
    item.deserialize(attributes)
    return from_item(item)


def newest(kind: str, events: Iterable[Recorded]) -> dict[Stream, Recorded]:
    """The newest event of each stream of a kind, in any order of the events."""
    result: dict[Stream, Recorded] = {}
    for event in events:
        if event.stream.kind == kind and (
            event.stream not in result or event.version > result[event.stream].version
        ):
            result[event.stream] = event
    return result


def begun(events: Iterable[Recorded]) -> set[Stream]:
    """The streams whose first event is among these, so that they have no rows yet."""
    return {event.stream for event in events if event.version == 1}


class Group(Protocol):
    """A projection group."""

    @property
    def projected(self) -> Sequence[Projected]:
        """The read models."""

    @property
    def dead_letters(self) -> type[DeadLetterRow]:
        """The table of dead letters."""


@dataclass(frozen=True)
class Alteration:
    """An event that was changed or deleted (`kind`: MODIFY, REMOVE), which Twofold never does."""

    coordinates: Coordinates
    kind: str


@dataclass(frozen=True)
class Fed:
    """The result of a batch.

    `failed` is the sequence number of the first record to be delivered again, with all that follow;
    None if there is none. `events` were projected, `dead_letters` is a count.
    """

    failed: str | None
    events: Sequence[Recorded]
    dead_letters: int
    altered: Sequence[Alteration] = field(default_factory=list)

    @property
    def response(self) -> Response:
        """The partial batch response that Lambda expects."""
        failures = [] if self.failed is None else [{"itemIdentifier": self.failed}]
        return {"batchItemFailures": failures}


def feed(
    group: Group,
    records: Sequence[Mapping[str, Any]],
    *,
    history: Callable[[Stream], Iterator[Recorded]],
    seconds_left: Callable[[], float] = lambda: 60.0,
) -> Fed:
    """Feeds a batch of records, of DynamoDB's or a Kinesis stream, to a group's read models.

    The batch is fed as one, so that each row is written once. If that fails, each record is fed to
    each read model singly: one that cannot be projected becomes a dead letter; after a transient
    error, or with no time left, it is to be delivered again with all that follow. Changes to
    existing events are not projected.
    """
    fed = _feed(group, records, history, seconds_left)
    return replace(fed, altered=list(_alterations(records)))


def _feed(
    group: Group,
    records: Sequence[Mapping[str, Any]],
    history: Callable[[Stream], Iterator[Recorded]],
    seconds_left: Callable[[], float],
) -> Fed:
    if records and seconds_left() < SPARE_SECONDS:
        return Fed(_sequence(records[0]), [], 0)
    try:
        events = [_read(record, history) for record in records if not _kind_of_alteration(record)]
        in_parallel(lambda each: each.project(events), group.projected)
    except Exception:
        logger.exception("a batch of %d records failed; feeding them singly", len(records))
        return _feed_singly(group, records, history, seconds_left)
    return Fed(None, events, 0)


def _feed_singly(
    group: Group,
    records: Sequence[Mapping[str, Any]],
    history: Callable[[Stream], Iterator[Recorded]],
    seconds_left: Callable[[], float],
) -> Fed:
    done: list[Recorded] = []
    count = 0
    for record in records:
        if seconds_left() < SPARE_SECONDS:
            return Fed(_sequence(record), done, count)
        try:
            if _kind_of_alteration(record):
                continue
            event = _read(record, history)
        except Exception as error:  # noqa: BLE001  # Any error is stored.
            if is_transient(error) or not _is_stored(group, record, "all", error):
                return Fed(_sequence(record), done, count)
            count += 1
            continue
        failures = {}
        for read_model in group.projected:
            try:
                read_model.project([event])
            except Exception as error:
                if is_transient(error):
                    logger.exception("record %s is to be delivered again", _sequence(record))
                    return Fed(_sequence(record), done, count)
                failures[read_model.name] = error
        if not failures:
            done.append(event)
        elif _is_stored(group, record, ", ".join(failures), next(iter(failures.values()))):
            count += 1
        else:
            return Fed(_sequence(record), done, count)
    return Fed(None, done, count)


def _is_stored(group: Group, record: Mapping[str, Any], read_models: str, error: Exception) -> bool:
    try:
        dead_letters.add(group.dead_letters, _coordinates(record), read_models, error)
    except Exception:
        logger.exception("record %s could not be stored as a dead letter", _sequence(record))
        return False
    return True


def _read(record: Mapping[str, Any], history: Callable[[Stream], Iterator[Recorded]]) -> Recorded:
    return with_current_state(read(_change(record)["dynamodb"]["NewImage"]), history)


def _alterations(records: Sequence[Mapping[str, Any]]) -> Iterator[Alteration]:
    for record in records:
        with suppress(KeyError, TypeError, ValueError):  # Malformed, and a dead letter already.
            if kind := _kind_of_alteration(record):
                yield Alteration(_coordinates(record), kind)


def _kind_of_alteration(record: Mapping[str, Any]) -> str | None:
    """MODIFY or REMOVE; None for a record of a new event."""
    kind = str(_change(record)["eventName"])
    return kind if kind in ALTERATIONS else None


def _sequence(record: Mapping[str, Any]) -> str:
    where = record["kinesis"] if "kinesis" in record else record["dynamodb"]
    name = "sequenceNumber" if "kinesis" in record else "SequenceNumber"
    return str(where[name])


def _change(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The change in a record, which is JSON in Kinesis. (DynamoDB Developer Guide, "Using Kinesis
    Data Streams to capture changes to DynamoDB".)
    """
    if "kinesis" not in record:
        return record
    change: Mapping[str, Any] = json.loads(base64.b64decode(record["kinesis"]["data"]))
    return change


def _coordinates(record: Mapping[str, Any]) -> Coordinates:
    try:
        keys = _change(record)["dynamodb"]["Keys"]
        return Coordinates(keys["stream"]["S"], int(keys["version"]["N"]))
    except (KeyError, TypeError, ValueError):
        return Coordinates("", 0, _sequence(record))
