"""Chaos in DynamoDB: throttles, conflicts and lost replies, where botocore would see them.

They are made on the wire, before botocore and everything above it: what is tested is what runs.
"""

import io
import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from simulator.chaos import Chaos

_API = "com.amazonaws.dynamodb.v20120810#"
_SINGLE_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_BATCHES = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}
_READS = {"GetItem", "Query", "Scan", "TransactGetItems"}
_DATA = {*_SINGLE_WRITES, *_BATCHES, *_READS, "TransactWriteItems"}
_THROTTLES = ("ProvisionedThroughputExceededException", "ThrottlingException")


def trouble(chaos: Chaos, client: Any) -> None:
    """Puts faults into the requests of a botocore client for DynamoDB, from now on.

    The client no longer retries by itself, so that every fault reaches who asked.
    """
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")
    session = URLLib3Session(max_pool_connections=64)

    def before_send(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        operation = str(_text(request.headers["X-Amz-Target"])).rpartition(".")[2]
        return _struck(chaos, session, operation, request) if operation in _DATA else None

    client.meta.events.register(f"before-send.{service}", before_send)


def _struck(
    chaos: Chaos, session: URLLib3Session, operation: str, request: AWSPreparedRequest
) -> AWSResponse | None:
    """The answer of a request that a fault has struck; None if none has."""
    body = json.loads(cast(bytes, request.body))
    about = (operation, body.get("TableName", ""))
    where = f"{urlsplit(request.url).scheme}://{urlsplit(request.url).netloc}"
    if chaos.strikes("a connection closed before the request", *about):
        raise ConnectionClosedError(endpoint_url=where, error="closed")
    if chaos.strikes("a request was throttled", *about):
        return _throttle(chaos, operation, body, request.url)
    conflicts = operation == "TransactWriteItems" or operation in _SINGLE_WRITES
    if conflicts and chaos.strikes("a transaction met another one", *about):
        return _conflict(operation, body, request.url)
    divisible = operation in _BATCHES and _size(body) > 1
    if divisible and chaos.strikes("a batch was left half undone", *about):
        return _left_undone(session, _BATCHES[operation], body, request)
    if chaos.strikes("a reply was lost after the request was done", *about):
        session.send(request)
        raise ReadTimeoutError(endpoint_url=where)
    return None


def _size(batch: dict[str, Any]) -> int:
    return sum(len(_parts(asked)) for asked in batch["RequestItems"].values())


def _parts(asked: Any) -> list[Any]:
    """What is asked of one table: a list of writes, or of keys among other things."""
    parts: list[Any] = asked["Keys"] if isinstance(asked, dict) else asked
    return parts


def _left_undone(
    session: URLLib3Session, undone: str, body: dict[str, Any], request: AWSPreparedRequest
) -> AWSResponse:
    """All of the batch is done but the last of what is asked of some table.

    The signature is no longer that of the request, which an emulator does not look at.
    """
    table = next(table for table, asked in body["RequestItems"].items() if _parts(asked))
    asked = body["RequestItems"][table]
    last = _parts(asked).pop()
    if not _parts(asked):
        del body["RequestItems"][table]
    request.body = json.dumps(body).encode()
    del request.headers["Content-Length"]
    request.headers["Content-Length"] = str(len(request.body))
    sent = session.send(request)
    left = {**asked, "Keys": [last]} if isinstance(asked, dict) else [last]
    return _answer(request.url, 200, {**json.loads(sent.content), undone: {table: left}})


def _throttle(chaos: Chaos, operation: str, body: dict[str, Any], url: str) -> AWSResponse:
    """A request is throttled by its table or its account; a transaction also item by item."""
    code = chaos.draw("throttle", operation).choice([*_THROTTLES, "ThrottlingError"])
    if code != "ThrottlingError":
        return _refusal(url, code)
    if operation != "TransactWriteItems":
        return _refusal(url, "RequestLimitExceeded")
    return _cancelled(body, code, url)


def _conflict(operation: str, body: dict[str, Any], url: str) -> AWSResponse:
    if operation == "TransactWriteItems":
        return _cancelled(body, "TransactionConflict", url)
    return _refusal(url, "TransactionConflictException")


def _cancelled(body: dict[str, Any], code: str, url: str) -> AWSResponse:
    """The transaction is cancelled for one of its items."""
    rest = [{"Code": "None"}] * (len(body["TransactItems"]) - 1)
    reasons = [{"Code": code, "Message": "sorry"}, *rest]
    said = "Transaction cancelled, please refer cancellation reasons for specific reasons"
    listed = ", ".join(reason["Code"] for reason in reasons)
    return _refusal(
        url, "TransactionCanceledException", f"{said} [{listed}]", CancellationReasons=reasons
    )


def _refusal(url: str, code: str, message: str = "sorry", **more: Any) -> AWSResponse:
    return _answer(url, 400, {"__type": _API + code, "message": message, **more})


def _answer(url: str, status: int, body: dict[str, Any]) -> AWSResponse:
    headers = HTTPHeaders()
    headers["Content-Type"] = "application/x-amz-json-1.0"
    return AWSResponse(url, status, headers, _Raw(json.dumps(body).encode()))


class _Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """All of it at once."""
        yield self.read()


def _text(header: bytes | str) -> str:
    return header.decode() if isinstance(header, bytes) else header
