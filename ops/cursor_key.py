"""Cursor key: the row that the Lambdas of an environment seal their cursors with."""

from typing import Any

from chalicelib.http.sealing import ROW, new_secret
from ops.aws import none_on


def ensure(dynamodb: Any, environment: str) -> bool:
    """Makes the row unless it exists or the table of keys is missing; whether it did.

    Of several calls in parallel, one makes it.
    """
    made = none_on(
        ("ConditionalCheckFailedException", "ResourceNotFoundException"),
        dynamodb.put_item,
        TableName=f"twofold-{environment}-keys",
        Item={"hash": {"S": ROW}, "secret": {"S": new_secret()}},
        ConditionExpression="attribute_not_exists(#hash)",
        ExpressionAttributeNames={"#hash": "hash"},
    )
    return made is not None
