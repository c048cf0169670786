"""Visibility: a transaction's items are seen one by one by reads that are no transactions.

So it is on AWS: such reads are read-committed, each item for itself. (Amazon DynamoDB Developer
Guide, "DynamoDB transactions: how it works", isolation levels.) No emulator does it.
"""

import json
import threading
from typing import Any

Item = dict[str, Any]

_READS = {"Query", "GetItem"}


def written_by(operation: str, body: dict[str, Any]) -> list[Item]:
    """The events that a write would add."""
    if operation == "PutItem":
        return [body["Item"]] if "hash" in body["Item"] else []
    if operation == "TransactWriteItems":
        puts = [part["Put"]["Item"] for part in body["TransactItems"] if "Put" in part]
        return [item for item in puts if "hash" in item]
    return []


class Visibility:
    """Which events are written, and not visible yet. Safe under threads."""

    def __init__(self) -> None:
        self._hidden: dict[str, Item] = {}
        self._shown: set[str] = set()
        self._lock = threading.Lock()

    def hide(self, items: list[Item]) -> list[Item]:
        """Hides what is about to be written; those that were hidden: none that was ever seen."""
        with self._lock:
            fresh = [item for item in items if _name(item) not in self._shown | self._hidden.keys()]
            self._hidden |= {_name(item): item for item in fresh}
            return fresh

    def show(self, item: Item) -> None:
        """Lets an event be seen."""
        with self._lock:
            self._hidden.pop(_name(item), None)
            self._shown.add(_name(item))

    def is_under_way(self, places: list[Item]) -> list[bool]:
        """At which of these places an event is written that is not visible yet."""
        with self._lock:
            hidden = {_place(item) for item in self._hidden.values()}
        return [_place(item) in hidden for item in places]

    def widened(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """A read that brings as many more rows as may have to be left out of its answer."""
        if operation != "Query" or "Limit" not in body:
            return body
        with self._lock:
            return {**body, "Limit": body["Limit"] + len(self._hidden)}

    def filtered(self, operation: str, body: dict[str, Any], reply: bytes) -> bytes:
        """The answer of a read without what is not visible yet."""
        if operation not in _READS:
            return reply
        said = json.loads(reply)
        with self._lock:
            hidden = set(self._hidden)
        if operation == "GetItem":
            if _name(said.get("Item", {})) in hidden:
                del said["Item"]
            return json.dumps(said).encode()
        found = said.get("Items", [])
        visible = [item for item in found if _name(item) not in hidden]
        cut = visible[: body.get("Limit", len(visible))]
        if cut and len(cut) < len(visible):
            said["LastEvaluatedKey"] = {name: cut[-1][name] for name in ("stream", "version")}
        return json.dumps({**said, "Items": cut, "Count": len(cut)}).encode()


def _name(item: Item) -> str:
    return str(item.get("hash", {}).get("B", ""))


def _place(item: Item) -> tuple[str, str]:
    return item.get("stream", {}).get("S", ""), item.get("version", {}).get("N", "")
