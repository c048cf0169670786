"""Items: tables as they are stored, attribute by attribute, before any model has read them."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from threading import Lock
from typing import Any

from chalicelib.tables import Table

Item = dict[str, dict[str, Any]]
"""Attributes as DynamoDB writes them: `{"version": {"N": "1"}}`."""

_PAGE = 1000


class Pace:
    """Lets so many items through a second, over all threads; 0 is as many as there are."""

    def __init__(self, rate: int, tick: Callable[[int], None] = lambda _: None) -> None:
        self._rate = rate
        self._tick = tick
        self._free_at = time.monotonic()
        self._lock = Lock()

    def take(self, count: int) -> None:
        """Waits until these items may be asked for, and counts them."""
        with self._lock:
            self._tick(count)
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + (count / self._rate if self._rate else 0)
            wait = self._free_at - now
        if self._rate:
            time.sleep(wait)


def scan(
    table: type[Table], segment: int, segments: int, pace: Pace, *, consistent: bool
) -> Iterator[list[Item]]:
    """The pages of one segment of a table. A partition's items come together and in order."""
    start: Any = None
    while True:
        page = table._get_connection().scan(
            segment=segment,
            total_segments=segments,
            consistent_read=consistent,
            exclusive_start_key=start,
            limit=_PAGE,
        )
        pace.take(len(page["Items"]))
        yield page["Items"]
        start = page.get("LastEvaluatedKey")
        if not start:
            return


def query(
    table: type[Table], key: str, condition: Any = None, *, newest_first: bool = False
) -> Iterator[Item]:
    """The items of one partition in their order, strongly consistent."""
    start: Any = None
    while True:
        page = table._get_connection().query(
            key,
            range_key_condition=condition,
            consistent_read=True,
            exclusive_start_key=start,
            scan_index_forward=not newest_first,
            limit=_PAGE if not newest_first else 20,
        )
        yield from page["Items"]
        start = page.get("LastEvaluatedKey")
        if not start:
            return


def get(table: type[Table], key: str, range_key: Any = None) -> Item | None:
    """One item, strongly consistent."""
    text = None if range_key is None else str(range_key)
    found = table._get_connection().get_item(key, text, consistent_read=True)
    return found.get("Item")


def digest(item: Item) -> int:
    """128 bits of SHA-256 over all attributes: equal for equal items, whoever wrote them."""
    said = [[name, *_plain(value)] for name, value in sorted(item.items())]
    return mark(said)


def mark(said: Any) -> int:
    """128 bits of SHA-256 over what can be said in JSON."""
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])


def text_of(item: Item, name: str) -> str:
    """An attribute as text, empty where it is not there."""
    return str(next(iter(item.get(name, {"S": ""}).values())))


def number_of(item: Item, name: str) -> int:
    """An attribute as a whole number; -1 where it is none."""
    try:
        return int(Decimal(text_of(item, name)))
    except (InvalidOperation, ValueError):
        return -1


def _plain(value: dict[str, Any]) -> tuple[str, Any]:
    ((kind, said),) = value.items()
    if kind == "N":
        number = Decimal(said)  # An emulator may write a large one as 4E+30.
        return kind, str(int(number)) if number == int(number) else said
    return kind, said if isinstance(said, str | bool) else repr(said)
