"""Isolation as on AWS: other reads see the items of a transaction's write one by one.

Reads that are not transactions are read-committed, each item on its own. (Amazon DynamoDB Developer
Guide, "DynamoDB transactions: how it works", isolation levels.) No emulator does this.
"""

import json
import threading
from typing import Any

Item = dict[str, Any]

_READS = {"Query", "GetItem", "BatchGetItem"}


def events_in(operation: str, body: dict[str, Any]) -> list[Item]:
    """The events that a write would add."""
    if operation == "PutItem":
        puts = [body["Item"]]
    elif operation == "TransactWriteItems":
        puts = [part["Put"]["Item"] for part in body["TransactItems"] if "Put" in part]
    else:
        return []
    return [item for item in puts if "hash" in item]


def key_of(part: Item) -> Item:
    """What a part of a transaction reads, verifies or writes: an item that has its key."""
    [asked] = part.values()
    return dict(asked.get("Item") or asked["Key"])


class Visibility:
    """Which events are written and not visible yet. Safe under threads."""

    def __init__(self) -> None:
        self._hidden: dict[str, Item] = {}
        self._visible: set[str] = set()
        self._lock = threading.Lock()

    def hide(self, items: list[Item]) -> list[Item]:
        """Hides events that are about to be written, except those that were visible before."""
        with self._lock:
            known = self._visible | self._hidden.keys()
            fresh = [item for item in items if _id(item) not in known]
            self._hidden |= {_id(item): item for item in fresh}
            return fresh

    def show(self, item: Item) -> None:
        """Makes an event visible."""
        with self._lock:
            self._hidden.pop(_id(item), None)
            self._visible.add(_id(item))

    def are_hidden(self, keys: list[Item]) -> list[bool]:
        """For each key, whether a hidden event has it."""
        with self._lock:
            hidden = {_key(item) for item in self._hidden.values()}
        return [_key(item) in hidden for item in keys]

    def widened(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """A query with a limit that leaves room for the hidden events in its response."""
        if operation != "Query" or "Limit" not in body:
            return body
        with self._lock:
            return {**body, "Limit": body["Limit"] + len(self._hidden)}

    def filtered(self, operation: str, body: dict[str, Any], response: bytes) -> bytes:
        """The response to a read without the hidden events."""
        if operation not in _READS:
            return response
        content = json.loads(response)
        with self._lock:
            hidden = set(self._hidden)
        if operation == "GetItem":
            if _id(content.get("Item", {})) in hidden:
                del content["Item"]
            return json.dumps(content).encode()
        if operation == "BatchGetItem":
            for table, items in content.get("Responses", {}).items():
                content["Responses"][table] = [each for each in items if _id(each) not in hidden]
            return json.dumps(content).encode()
        visible = [item for item in content.get("Items", []) if _id(item) not in hidden]
        cut = visible[: body.get("Limit", len(visible))]
        if cut and len(cut) < len(visible):
            content["LastEvaluatedKey"] = {name: cut[-1][name] for name in ("stream", "version")}
        return json.dumps({**content, "Items": cut, "Count": len(cut)}).encode()


def _id(item: Item) -> str:
    return str(item.get("hash", {}).get("B", ""))


def _key(item: Item) -> tuple[str, str]:
    return item.get("stream", {}).get("S", ""), item.get("version", {}).get("N", "")
