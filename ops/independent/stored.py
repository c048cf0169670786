"""The format of stored events, and of values in rows."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""Attributes as DynamoDB writes them: `{"version": {"N": "1"}}`."""

Event = dict[str, Any]
"""The attributes of a stored event, with the parts of its stream; `data` is decoded from `text`."""

ENTRIES = ("EntryPosted", "HeldEntryPosted")
"""The events of an account that move money."""

STATES = {
    "TransactionPosted": "posted",
    "TransactionHeld": "pending",
    "HoldPosted": "posted",
    "HoldVoided": "voided",
    "HoldExpired": "expired",
    "TransactionReversed": "posted",
}
"""The events of a transaction, and its state after each."""


def streams_of(stored: Iterable[Item]) -> dict[str, list[Event]]:
    """Each stream's events in the order of their versions."""
    streams: dict[str, list[Event]] = {}
    for item in stored:
        event: Event = {name: next(iter(value.values())) for name, value in item.items()}
        event["ledger"], event["kind"], event["id"] = event["stream"].split("/")
        event["version"], event["text"] = int(event["version"]), event["data"]
        event["data"] = json.loads(event["text"])
        streams.setdefault(event["stream"], []).append(event)
    for events in streams.values():
        events.sort(key=lambda event: int(event["version"]))
    return streams


def item_of(**values: str | int | None) -> Item:
    """An item of the values that are not None."""
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in values.items()
        if value is not None
    }


def posted(account: Mapping[str, Any]) -> int:
    """The posted balance, on the normal side."""
    difference: int = account["debits"] - account["credits"]
    return difference if account["normal_balance"] == "debit" else -difference


def time_of(instant: str | datetime) -> str:
    """A time in RFC 3339, in UTC with microseconds."""
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def json_of(value: object) -> str:
    """A value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
