"""Repair: each row of a room put right while the projector works on the same rows.

A row is read, then the events, then what the events call for is written on the condition that the
row is still the one that was read. So whatever replaces a row says at least as much as the row
could have been projected from, and nothing that the projector writes in between is lost.
"""

import random
import time
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.tables import CONDITION_FAILED, Table
from ops.rebuilding.raw import Item, client, key_of, name_of, read
from ops.rebuilding.rooms import Room, newest, own, wanted

ATTEMPTS = 20
_PATIENCE_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 0.0)
_RACE_LOST = {CONDITION_FAILED, "TransactionConflictException"}


class Unsettled(Exception):
    """The projector was faster each time."""


def set_right(room: Room, item: Item) -> bool:
    """Whether a row, which was seen as this item, had to be put right. Raises Unsettled."""
    seen: Item | None = item
    for attempt in range(ATTEMPTS):
        if seen is None:
            return False  # Gone; what is missing comes with its events.
        right = wanted(room, seen, newest)
        if right is not None and same(right, seen):
            return False
        if swapped(room.model, seen, right):
            return True
        time.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 7)))
        seen = read(room.model, seen)
    raise Unsettled(f"{room.name}: {key_of(room.model, item)} changes all the time")


def is_right(room: Room, item: Item) -> bool:
    """Whether a row is what the events up to its version say. Its metadata may be on its way for
    some seconds. A row that is gone by then is nothing wrong: its events will miss it.
    """
    seen: Item | None = item
    for wait in _PATIENCE_SECONDS:
        right = wanted(room, seen, own) if seen is not None else None
        if seen is None or (right is not None and same(right, seen)):
            return True
        time.sleep(wait)
        seen = read(room.model, seen)
    return False


def swapped(model: type[Table], seen: Item, right: Item | None) -> bool:
    """Whether a row was replaced by the right one, or removed: it was still as it was seen."""
    names = {f"#{number}": name for number, name in enumerate(seen)}
    still: dict[str, Any] = {
        "TableName": name_of(model),
        "ConditionExpression": " AND ".join(f"#{n} = :{n}" for n in range(len(seen))),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {f":{n}": value for n, value in enumerate(seen.values())},
    }
    try:
        if right is None:
            client().delete_item(Key=key_of(model, seen), **still)
        else:
            client().put_item(Item=right, **still)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _RACE_LOST:
            raise
        return False
    return True


def same(one: Item, other: Item) -> bool:
    """Whether two rows say the same; an engine may write a large number as 4E+30."""
    return _plain(one) == _plain(other)


def _plain(item: Item) -> dict[str, tuple[str, Any]]:
    return {
        name: (type, Decimal(said) if type == "N" else said)
        for name, value in item.items()
        for type, said in value.items()
    }
