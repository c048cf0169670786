"""Sums: the totals of each asset, corrected while projectors add to them.

What a sum is off by stays the same whatever is projected, since an account's row and its sum move
together in one transaction. It is measured at a moment in which nobody adds to that sum
(`ops/verifying/sums.py`). Then it is taken off, and what was added since stays.
"""

from collections.abc import Set
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.read_models.read_model import ReadModel, Sums
from ops.rebuilding.repair import ATTEMPTS, Unsettled, swapped
from ops.verifying.raw import Item, client, key, name_of, number_of, text_of
from ops.verifying.sums import NOT_NOW, Key, Measured, check, sums_of


def set_sums_right(model: ReadModel) -> int:
    """How many sums had to be put right. Raises Unsettled where one is never left alone."""
    right = 0
    while wrong := wrong_sums(model):
        right += sum(_take_off(model, which, measured) for which, measured in wrong.items())
    return right


def wrong_sums(model: ReadModel) -> dict[Key, Measured]:
    """The sums that are not those of their accounts. Raises Unsettled likewise."""
    found: dict[Key, Measured] = {}
    left: Set[Key] | None = None
    for _ in range(ATTEMPTS):
        wrong, left = check(model, left)
        found |= wrong
        if not left:
            return found
    shard, asset = min(left or ())
    raise Unsettled(f"{asset} in {shard} is never left alone: repeat this when less is done")


def _take_off(model: ReadModel, which: Key, measured: Measured) -> bool:
    """Whether it could be taken off. botocore names the transaction: repeated, it is done once."""
    sums, found, expected = sums_of(model), measured.found, measured.expected
    if found is not None and (expected is None or not _is_sum(sums, found)):
        return swapped(model.table, found, None)  # Without it the sum is nothing yet.
    assert expected is not None  # A sum that is not there, and that no account adds to, is right.
    drift = {name: number_of(expected, name) - number_of(found or {}, name) for name in sums.counts}
    before, newest = text_of(found or {}, sums.newest), text_of(expected, sums.newest)
    if found is not None and before == newest and not any(drift.values()):
        return swapped(model.table, found, expected)  # It has an attribute too many.
    update: dict[str, Any] = {
        "TableName": name_of(model.table),
        "Key": key(model.table, *which),
        "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in drift),
        "ExpressionAttributeNames": {f"#{name}": name for name in drift},
        "ExpressionAttributeValues": {
            f":{name}": {"N": str(number)} for name, number in drift.items()
        },
    }
    if before != newest:
        update["UpdateExpression"] += " SET #newest = :newest"
        update["ExpressionAttributeNames"]["#newest"] = sums.newest
        update["ExpressionAttributeValues"][":newest"] = {"S": newest}
        update["ConditionExpression"] = "attribute_not_exists(#newest)"
        if before:
            update["ConditionExpression"] = "#newest = :before"
            update["ExpressionAttributeValues"][":before"] = {"S": before}
    try:
        client().transact_write_items(TransactItems=[{"Update": update}])
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_NOW:
            raise
        return False
    return True


def _is_sum(sums: Sums, item: Item) -> bool:
    """Whether something can be added to it."""
    numbers = all("N" in item.get(name, {}) for name in sums.counts)
    return numbers and "S" in item.get(sums.newest, {"S": ""})
