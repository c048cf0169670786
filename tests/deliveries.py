"""What DynamoDB Streams would deliver of a ledger, taken from the event table."""

import base64
from typing import Any

from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Recorded
from chalicelib.events.stream import read
from chalicelib.events.table import EventItem


def records_of(ledger: str) -> list[dict[str, Any]]:
    """A stream record for each event of a ledger, as a Lambda event has it."""
    items = list(EventItem.scan(EventItem.stream.startswith(f"{ledger}/")))
    items.sort(key=lambda item: (item.recorded_at, item.stream))
    return [_record(item.serialize(), str(place)) for place, item in enumerate(items, start=1)]


def events_of(ledger: str) -> list[Recorded]:
    """The events of a ledger in the order of their recording."""
    return [read(record["dynamodb"]["NewImage"]) for record in records_of(ledger)]


def record_of(event: Recorded) -> dict[str, Any]:
    """The stream record of one event."""
    return _record(to_item(event).serialize(), str(event.version))


def _record(image: dict[str, Any], sequence: str) -> dict[str, Any]:
    for value in image.values():
        if isinstance(value.get("B"), bytes):
            value["B"] = base64.b64encode(value["B"]).decode()
    return {
        "eventID": sequence,
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/events/stream/-",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_764_000_000,
            "Keys": {"stream": image["stream"], "version": image["version"]},
            "NewImage": image,
            "SequenceNumber": sequence,
            "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
    }
