"""Cursor key: the row that the Lambdas of an environment seal their cursors with."""

from typing import Any

from botocore.exceptions import ClientError

from chalicelib.http.sealing import ROW, new_secret

_LEFT_ALONE = {"ConditionalCheckFailedException", "ResourceNotFoundException"}


def ensure(dynamodb: Any, environment: str) -> bool:
    """Makes the row unless it is there, or the environment has no table of keys; whether it did.

    Of several that do so at once, one does.
    """
    try:
        dynamodb.put_item(
            TableName=f"twofold-{environment}-keys",
            Item={"hash": {"S": ROW}, "secret": {"S": new_secret()}},
            ConditionExpression="attribute_not_exists(#hash)",
            ExpressionAttributeNames={"#hash": "hash"},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _LEFT_ALONE:
            raise
        return False
    return True
