"""Seeded faults of requests to DynamoDB, injected in botocore where requests are sent."""

import io
import json
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse

from simulator.chaos import Chaos
from simulator.dynamodb_errors import CONTENT_TYPE, Error, cancelled

_SINGLE_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_BATCHES = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}
_STATEMENTS = "BatchExecuteStatement"
_READS = {"GetItem", "Query", "Scan", "TransactGetItems"}
_DATA = {*_SINGLE_WRITES, *_BATCHES, *_READS, _STATEMENTS, "TransactWriteItems"}
_THROTTLES = ("ProvisionedThroughputExceededException", "ThrottlingException")
_OF_STATEMENTS = ("ThrottlingError", "TransactionConflict", "InternalServerError")


def inject(chaos: Chaos, client: Any) -> None:
    """Injects faults into the requests of a client for DynamoDB, and disables its retries."""
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")
    session = URLLib3Session(max_pool_connections=64)

    def before_send(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        return _fault(chaos, session, operation, request) if operation in _DATA else None

    client.meta.events.register(f"before-send.{service}", before_send)


def _fault(
    chaos: Chaos, session: URLLib3Session, operation: str, request: AWSPreparedRequest
) -> AWSResponse | None:
    body = json.loads(cast(bytes, request.body))
    subject = (operation, body.get("TableName", ""))
    address = f"{urlsplit(request.url).scheme}://{urlsplit(request.url).netloc}"
    if chaos.occurs("a connection closed before the request", *subject):
        raise ConnectionClosedError(endpoint_url=address, error="closed")
    if chaos.occurs("a request was throttled", *subject):
        return _response(request, _throttle(chaos, operation, body))
    is_transaction = operation == "TransactWriteItems"
    conflicts = is_transaction or operation in _SINGLE_WRITES
    if conflicts and chaos.occurs("a write conflicted with a transaction", *subject):
        if is_transaction:
            return _response(request, cancelled(len(body["TransactItems"]), "TransactionConflict"))
        return _response(request, Error("TransactionConflictException"))
    parts = [part for asked in body.get("RequestItems", {}).values() for part in _parts(asked)]
    parts += body.get("Statements", [])
    if len(parts) > 1 and chaos.occurs("a batch was partly unprocessed", *subject):
        if operation == _STATEMENTS:
            code = chaos.draw("statement", operation).choice(_OF_STATEMENTS)
            return _partly_executed(session, code, body, request)
        return _partly_unprocessed(session, _BATCHES[operation], body, request)
    if chaos.occurs("a response was lost after the request was done", *subject):
        session.send(request)
        raise ReadTimeoutError(endpoint_url=address)
    return None


def _parts(request: Any) -> list[Any]:
    """The writes, or the keys, of a batch request to one table."""
    parts: list[Any] = request["Keys"] if isinstance(request, dict) else request
    return parts


def _partly_unprocessed(
    session: URLLib3Session, unprocessed: str, body: dict[str, Any], request: AWSPreparedRequest
) -> AWSResponse:
    """The response to a batch without its last part for one table."""
    table = next(table for table, asked in body["RequestItems"].items() if _parts(asked))
    asked = body["RequestItems"][table]
    last = _parts(asked).pop()
    if not _parts(asked):
        del body["RequestItems"][table]
    reply = _reply(session, request, body)
    left = {**asked, "Keys": [last]} if isinstance(asked, dict) else [last]
    return _response(request, body=json.dumps({**reply, unprocessed: {table: left}}).encode())


def _partly_executed(
    session: URLLib3Session, code: str, body: dict[str, Any], request: AWSPreparedRequest
) -> AWSResponse:
    """The response to a batch of statements of which the last one failed."""
    body["Statements"].pop()
    reply = _reply(session, request, body)
    reply["Responses"].append({"Error": {"Code": code}})
    return _response(request, body=json.dumps(reply).encode())


def _reply(session: URLLib3Session, request: AWSPreparedRequest, body: Any) -> Any:
    """The reply to a request with another body.

    It invalidates the request's signature, which emulators do not verify.
    """
    request.body = json.dumps(body).encode()
    del request.headers["Content-Length"]
    request.headers["Content-Length"] = str(len(request.body))
    return json.loads(session.send(request).content)


def _throttle(chaos: Chaos, operation: str, body: dict[str, Any]) -> Error:
    code = chaos.draw("throttle", operation).choice([*_THROTTLES, "RequestLimitExceeded"])
    if code == "RequestLimitExceeded" and operation == "TransactWriteItems":
        return cancelled(len(body["TransactItems"]), "ThrottlingError")
    return Error(code)


def _response(
    request: AWSPreparedRequest, error: Error | None = None, body: bytes = b""
) -> AWSResponse:
    headers = HTTPHeaders()
    headers["Content-Type"] = CONTENT_TYPE
    raw = HTTPResponse(io.BytesIO(error.body if error else body), preload_content=False)
    return AWSResponse(request.url, error.status if error else 200, headers, raw)
