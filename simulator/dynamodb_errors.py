"""The errors that DynamoDB documents for an operation, as sent on the wire."""

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session

CONTENT_TYPE = "application/x-amz-json-1.0"

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
"""Errors of any operation. (Amazon DynamoDB API Reference, "Common Errors".)"""

REASONS = (
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "ItemCollectionSizeLimitExceeded",
    "ValidationError",
)
"""Cancellation reasons other than a failed condition. (API Reference, "TransactWriteItems".)"""

_OF_CONDITIONS = {"ConditionalCheckFailedException", "TransactionCanceledException"}


@dataclass(frozen=True)
class Error:
    """An error response."""

    code: str
    status: int = 400
    more: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def body(self) -> bytes:
        """The body of the response."""
        return json.dumps({"__type": _API + self.code, "message": "injected", **self.more}).encode()


@cache
def documented(operation: str) -> tuple[Error, ...]:
    """The documented errors of an operation that do not depend on what is stored."""
    model = botocore.session.get_session().get_service_model("dynamodb")
    own = {}
    for shape in model.operation_model(operation).error_shapes:
        if shape.name not in _OF_CONDITIONS:
            default = 500 if shape.metadata.get("fault") else 400
            own[shape.name] = shape.metadata.get("error", {}).get("httpStatusCode", default)
    return tuple(Error(code, status) for code, status in {**_COMMON, **own}.items())


def cancelled(size: int, *reasons: str) -> Error:
    """The cancellation of a transaction of `size` items, for these reasons of its first items."""
    codes = [*reasons, *["None"] * (size - len(reasons))]
    return Error(
        "TransactionCanceledException",
        more={"CancellationReasons": [{"Code": code} for code in codes]},
    )
