"""Repair: each row of a read model put right while the projector works on the same rows.

A row is read, then the events, then what the events call for is written on the condition that the
row is still the one that was read. So whatever replaces a row says at least as much as the row
could have been projected from, and nothing that the projector writes in between is lost.
"""

import time
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.backoff import Backoff
from chalicelib.read_models.read_model import ReadModel
from chalicelib.tables import CONDITION_FAILED, Table
from ops.verifying.raw import Item, client, get, key_of, name_of, same
from ops.verifying.read_models import expected, newest

ATTEMPTS = 20
_BACKOFF = Backoff(base=0.005, cap=0.64)
_RACE_LOST = {CONDITION_FAILED, "TransactionConflictException"}


class Unsettled(Exception):
    """The projector was faster each time."""


def set_right(model: ReadModel, item: Item) -> bool:
    """Whether a row, which was seen as this item, had to be put right. Raises Unsettled, and
    UnknownEvent where its events cannot be read.
    """
    seen: Item | None = item
    key = key_of(model.table, item)
    for attempt in range(ATTEMPTS):
        if seen is None:
            return False  # Gone; what is missing comes with its events.
        right = expected(model, seen, newest)
        if right is not None and key_of(model.table, right) != key:
            right = None
        if same(right, seen):
            return False
        if swapped(model.table, seen, right):
            return True
        time.sleep(_BACKOFF.delay(attempt))
        seen = get(model.table, key)
    raise Unsettled(f"{model.name}: {key} changes all the time")


def swapped(table: type[Table], seen: Item, right: Item | None) -> bool:
    """Whether a row was replaced by the right one, or removed: it was still as it was seen."""
    names = {f"#{number}": name for number, name in enumerate(seen)}
    still: dict[str, Any] = {
        "TableName": name_of(table),
        "ConditionExpression": " AND ".join(f"#{n} = :{n}" for n in range(len(seen))),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {f":{n}": value for n, value in enumerate(seen.values())},
    }
    try:
        if right is None:
            client().delete_item(Key=key_of(table, seen), **still)
        else:
            client().put_item(Item=right, **still)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _RACE_LOST:
            raise
        return False
    return True
