"""Sums: corrects the totals of each asset while projectors add to them.

The drift of a sum does not change when events are projected, since an account's row and its sum are
written in one transaction. It is measured while the sum does not change (`ops/verifying/sums.py`)
and then subtracted, which keeps later additions.
"""

from collections.abc import Set
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.read_models.read_model import ReadModel
from ops.rebuilding.repair import ATTEMPTS, Unsettled, swapped
from ops.verifying.raw import client, key, name_of, number_of, text_of
from ops.verifying.sums import NOT_NOW, Key, Measured, check, sums_of


def set_sums_right(model: ReadModel) -> int:
    """Corrects the sums; how many were wrong. Raises Unsettled if one changes too often."""
    corrected = 0
    while wrong := wrong_sums(model):
        corrected += sum(_correct(model, which, measured) for which, measured in wrong.items())
    return corrected


def wrong_sums(model: ReadModel) -> dict[Key, Measured]:
    """The sums that differ from their accounts. Raises Unsettled if one changes too often."""
    found: dict[Key, Measured] = {}
    left: Set[Key] | None = None
    for _ in range(ATTEMPTS):
        wrong, left = check(model, left)
        found |= wrong
        if not left:
            return found
    shard, asset = min(left or ())
    raise Unsettled(f"{asset} in {shard} changed at each attempt: repeat this with less traffic")


def _correct(model: ReadModel, which: Key, measured: Measured) -> bool:
    """Subtracts the drift; whether it could. botocore's retries have the same client token."""
    sums, found, expected = sums_of(model), measured.found, measured.expected
    is_sum = all("N" in (found or {}).get(name, {}) for name in sums.counts) and (
        "S" in (found or {}).get(sums.newest, {"S": ""})
    )
    if found is not None and (expected is None or not is_sum):
        return swapped(model.table, found, None)  # The next check finds the sum missing.
    assert expected is not None  # A missing sum without accounts is right.
    drift = {name: number_of(expected, name) - number_of(found or {}, name) for name in sums.counts}
    before, newest = text_of(found or {}, sums.newest), text_of(expected, sums.newest)
    if found is not None and before == newest and not any(drift.values()):
        return swapped(model.table, found, expected)  # It has another attribute.
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
