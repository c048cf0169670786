"""Repair: corrects rows of a read model while the projector writes the same rows.

A row is read, then its events, then the expected row is written on the condition that the stored
row is unchanged. So no newer row of the projector is overwritten.
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
    """Another write came first at each attempt."""


def set_right(model: ReadModel, item: Item) -> bool:
    """Corrects a row that was read as this item; whether it was wrong. Raises Unsettled,
    UnknownEvent.
    """
    seen: Item | None = item
    key = key_of(model.table, item)
    for attempt in range(ATTEMPTS):
        if seen is None:
            return False  # Deleted; a missing row is projected with the events.
        right = right_row(model, seen)
        if same(right, seen):
            return False
        if swapped(model.table, seen, right):
            return True
        time.sleep(_BACKOFF.delay(attempt))
        seen = get(model.table, key)
    raise Unsettled(f"{model.name}: {key} changed at each attempt")


def is_wrong(model: ReadModel, item: Item) -> bool:
    """Whether `set_right` would correct this row. Changes nothing. Raises UnknownEvent."""
    return not same(right_row(model, item), item)


def right_row(model: ReadModel, seen: Item) -> Item | None:
    """What a row should be now; None if it should not exist. Raises UnknownEvent."""
    right = expected(model, seen, newest)
    if right is not None and key_of(model.table, right) != key_of(model.table, seen):
        return None
    return right


def swapped(table: type[Table], seen: Item, right: Item | None) -> bool:
    """Replaces or, for None, deletes a row if it is unchanged; whether it was."""
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
