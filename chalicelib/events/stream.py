"""STREAM: records of the event table's stream become Recorded events and are fed to rooms.

DynamoDB Streams keep order per item only, deliver at least once, and split a transaction's items;
so rooms depend on no order, and a batch may be fed again, wholly or in part, at any time.
"""

import base64
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chalicelib.events.dynamodb import from_item
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.table import EventItem

logger = logging.getLogger(__name__)

Project = Callable[[Sequence[Recorded]], None]
"""A room's projector: brings the room's rows up to what these events say."""

Response = dict[str, list[dict[str, str]]]


def read(image: Mapping[str, Any]) -> Recorded:
    """The event in a stream record's NewImage. Raises UnknownEvent.

    A Lambda event is JSON, in which bytes are base64; the streams API gives them as they are.
    """
    attributes = {name: dict(value) for name, value in image.items()}
    for value in attributes.values():
        if isinstance(value.get("B"), str):
            value["B"] = base64.b64decode(value["B"])
    item = EventItem()
    item.deserialize(attributes)
    return from_item(item)


def unwrap(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a Kinesis event as one of a DynamoDB stream, known by its Kinesis number.

    DynamoDB puts a change into Kinesis as JSON that differs from a stream record in little: it has
    no sequence number of its own. (DynamoDB Developer Guide, "Using Kinesis Data Streams to capture
    changes to DynamoDB".)
    """
    change = json.loads(base64.b64decode(record["kinesis"]["data"]))
    sequence = record["kinesis"]["sequenceNumber"]
    return {**change, "dynamodb": {**change["dynamodb"], "SequenceNumber": sequence}}


def newest(kind: str, events: Iterable[Recorded]) -> dict[Stream, Recorded]:
    """The newest event of each stream of a kind, whatever the order of a batch."""
    result: dict[Stream, Recorded] = {}
    for event in events:
        if event.stream.kind == kind and (
            event.stream not in result or event.version > result[event.stream].version
        ):
            result[event.stream] = event
    return result


def feed(rooms: Iterable[Project], records: Sequence[Mapping[str, Any]]) -> Response:
    """Feeds a batch of stream records to the rooms of one stack; the partial batch response.

    The batch is fed as one, so that each row is written once. Should that fail, its records are
    fed one by one: what goes is done, and the first that does not is reported, so that Lambda
    delivers it again with all that follow.
    """
    inserted = [record for record in records if "NewImage" in record["dynamodb"]]
    try:
        _project(rooms, inserted)
    except Exception:
        logger.exception("a batch of %d records failed; feeding them singly", len(inserted))
        return _feed_singly(rooms, inserted)
    return {"batchItemFailures": []}


def _feed_singly(rooms: Iterable[Project], records: Sequence[Mapping[str, Any]]) -> Response:
    for record in records:
        try:
            _project(rooms, [record])
        except Exception:
            sequence = record["dynamodb"]["SequenceNumber"]
            logger.exception("record %s could not be projected", sequence)
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
    return {"batchItemFailures": []}


def _project(rooms: Iterable[Project], records: Sequence[Mapping[str, Any]]) -> None:
    events = [read(record["dynamodb"]["NewImage"]) for record in records]
    for project in rooms:
        project(events)
