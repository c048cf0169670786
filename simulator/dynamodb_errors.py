"""Errors: each that DynamoDB documents for an operation, as it is sent on the wire."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session

_API = "com.amazonaws.dynamodb.v20120810#"

_COMMON = {
    "AccessDeniedException": 400,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 403,
    "InternalFailure": 500,
    "MalformedHttpRequestException": 400,
    "NotAuthorized": 401,
    "OptInRequired": 403,
    "RequestAbortedException": 400,
    "RequestEntityTooLargeException": 413,
    "RequestExpired": 400,
    "RequestTimeoutException": 408,
    "ServiceUnavailable": 503,
    "ThrottlingException": 400,
    "UnrecognizedClientException": 403,
    "ValidationError": 400,
}
"""What any operation may answer. (Amazon DynamoDB API Reference, "Common Errors".)"""

REASONS = (
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "ItemCollectionSizeLimitExceeded",
    "ValidationError",
)
"""Why an item cancels a transaction, but for a condition that is not met, which only the engine can
say. (API Reference, "TransactWriteItems".)"""

_OF_CONDITIONS = {"ConditionalCheckFailedException", "TransactionCanceledException"}


@dataclass(frozen=True)
class Error:
    """An answer that is an error."""

    code: str
    status: int = 400
    more: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def body(self) -> bytes:
        """As it is sent."""
        return json.dumps({"__type": _API + self.code, "message": "sorry", **self.more}).encode()


@cache
def documented(operation: str) -> tuple[Error, ...]:
    """The errors that the operation documents and that may come whatever is stored."""
    model = botocore.session.get_session().get_service_model("dynamodb")
    shapes = model.operation_model(operation).error_shapes
    own = {
        shape.name: int(shape.metadata.get("error", {}).get("httpStatusCode", _status(shape)))
        for shape in shapes
        if shape.name not in _OF_CONDITIONS
    }
    return tuple(Error(code, status) for code, status in {**_COMMON, **own}.items())


def cancelled(size: int, *reasons: str) -> Error:
    """A transaction of so many items is cancelled for the first ones."""
    codes = [*reasons, *["None"] * (size - len(reasons))]
    return Error(
        "TransactionCanceledException",
        more={"CancellationReasons": [{"Code": code} for code in codes]},
    )


def _status(shape: Any) -> int:
    return 500 if shape.metadata.get("fault") else 400


def names(errors: Sequence[Error]) -> list[str]:
    """Their codes."""
    return [error.code for error in errors]
