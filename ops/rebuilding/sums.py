"""Sums: the totals of each asset, corrected while projectors add to them.

What a sum is off by stays the same whatever is projected, since an account's row and its sum move
together in one transaction. It is measured at a moment in which nobody adds to that sum
(`ops/verifying/sums.py`). Then it is taken off, and what was added since stays.
"""

from collections.abc import Set
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.read_models.totals.table import TotalRow
from ops.rebuilding.repair import ATTEMPTS, Unsettled, swapped
from ops.verifying.raw import Item, client, key, name_of, number_of, text_of
from ops.verifying.sums import NOT_NOW, NUMBERS, Key, Measured, check


def set_sums_right() -> int:
    """How many sums had to be put right. Raises Unsettled where one is never left alone."""
    right = 0
    while wrong := wrong_sums():
        right += sum(_take_off(which, measured) for which, measured in wrong.items())
    return right


def wrong_sums() -> dict[Key, Measured]:
    """The sums that are not those of their accounts. Raises Unsettled likewise."""
    found: dict[Key, Measured] = {}
    left: Set[Key] | None = None
    for _ in range(ATTEMPTS):
        wrong, left = check(left)
        found |= wrong
        if not left:
            return found
    shard, asset = min(left or ())
    raise Unsettled(f"{asset} in {shard} is never left alone: repeat this when less is done")


def _take_off(which: Key, measured: Measured) -> bool:
    """Whether it could be taken off. botocore names the transaction: repeated, it is done once."""
    found, expected = measured.found, measured.expected
    if found is not None and (expected is None or not _is_sum(found)):
        return swapped(TotalRow, found, None)  # Without it the sum is nothing yet.
    assert expected is not None  # A sum that is not there, and that no account adds to, is right.
    drift = {name: number_of(expected, name) - number_of(found or {}, name) for name in NUMBERS}
    before, as_of = text_of(found or {}, "as_of"), text_of(expected, "as_of")
    if found is not None and before == as_of and not any(drift.values()):
        return swapped(TotalRow, found, expected)  # It has an attribute too many.
    update: dict[str, Any] = {
        "TableName": name_of(TotalRow),
        "Key": key(TotalRow, *which),
        "UpdateExpression": "ADD #v :v, debits :d, credits :c",
        "ExpressionAttributeNames": {"#v": "version"},
        "ExpressionAttributeValues": {
            f":{name[0]}": {"N": str(number)} for name, number in drift.items()
        },
    }
    if before != as_of:
        update["UpdateExpression"] += " SET as_of = :a"
        update["ExpressionAttributeValues"][":a"] = {"S": as_of}
        update["ConditionExpression"] = "attribute_not_exists(as_of)"
        if before:
            update["ConditionExpression"] = "as_of = :s"
            update["ExpressionAttributeValues"][":s"] = {"S": before}
    try:
        client().transact_write_items(TransactItems=[{"Update": update}])
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_NOW:
            raise
        return False
    return True


def _is_sum(item: Item) -> bool:
    """Whether something can be added to it."""
    numbers = all("N" in item.get(name, {}) for name in NUMBERS)
    return numbers and "S" in item.get("as_of", {"S": ""})
