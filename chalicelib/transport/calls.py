"""Calls of DynamoDB's operations on items and streams, in place of botocore's own calls.

Botocore still resolves the endpoint, provides credentials, parses errors, decides on retries and
makes all other calls. Of its events only before-send, needs-retry and after-call are emitted.
"""

import json
import time
from binascii import a2b_base64, b2a_base64, crc32
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import get_cert_path
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from chalicelib.transport.http import Http
from chalicelib.transport.signing import Signer

OPERATIONS = frozenset(
    {
        *("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"),
        *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
        *("ExecuteStatement", "BatchExecuteStatement"),
        "GetRecords",
    }
)
"""The operations that are called here. Botocore calls the others."""

_SKEWED = {"InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired"}
"""Errors whose cause may be a wrong clock."""

_Reply = tuple[Any, dict[str, Any]]  # An AWSResponse, and its content.
_encode = json.JSONEncoder(
    default=lambda binary: b2a_base64(binary, newline=False).decode(), separators=(",", ":")
).encode


def shorten(client: Any) -> None:
    """Makes a botocore client of DynamoDB, or of its streams, call OPERATIONS through `Calls`.

    Changes the client itself.
    """
    client._make_api_call = Calls(client)  # Botocore has no public hook that is early enough.


class Calls:
    """Calls a client's operations. Safe under threads.

    Parameters, results and exceptions are botocore's, but a time is a number of seconds since the
    epoch, and in a request `None` is not left out.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._emit = client.meta.events.emit
        service = client.meta.service_model
        self._service = service.service_id.hyphenize()
        self._target = service.metadata["targetPrefix"]
        self._endpoint = client._endpoint
        self._others = client._make_api_call
        self._url = client.meta.endpoint_url.rstrip("/") + "/"
        self.http = _session(client)
        self._agent = {"User-Agent": client.meta.config.user_agent}
        credentials = client._request_signer._credentials
        host = urlsplit(self._url).netloc
        self._signer = Signer(credentials, client.meta.region_name, host)

    def __call__(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of an operation. Raises ClientError, and botocore's errors of connections."""
        if operation not in OPERATIONS:
            result: dict[str, Any] = self._others(operation, params)
            return result
        if operation == "TransactWriteItems":
            params = {"ClientRequestToken": str(uuid4()), **params}
        model = self._client.meta.service_model.operation_model(operation)
        context = {"client_config": self._client.meta.config}
        reply, content = self._answered(model, _encode(params).encode(), context)
        self._emit(
            f"after-call.{self._service}.{operation}",
            http_response=reply,
            parsed=content,
            model=model,
            context=context,
        )
        if reply.status_code >= 300:
            code = content.get("Error", {}).get("Code")
            raise self._client.exceptions.from_code(code)(content, operation)
        return content

    def _answered(self, model: Any, body: bytes, context: dict[str, Any]) -> _Reply:
        """The reply to the last attempt."""
        attempts, corrected = 1, False
        while True:
            reply, fault = None, None
            try:
                reply = self._attempt(model, body)
            except Exception as error:  # noqa: BLE001  # Raised below if it is not retried.
                fault = error
            if reply is not None and not corrected and self._corrects_clock(reply):
                corrected = True
                continue
            delay = self._delay(model, reply, fault, attempts, context)
            if delay is None:
                break
            time.sleep(delay)
            attempts += 1
        if reply is None:
            raise fault or AssertionError
        if not _is_intact(reply[0]):
            raise ResponseParserError("the checksum of the reply is wrong")
        reply[1]["ResponseMetadata"]["RetryAttempts"] = attempts - 1
        return reply

    def _attempt(self, model: Any, body: bytes) -> _Reply:
        headers: Any = {  # A dict does, though the type stubs ask for HTTPHeaders.
            **self._signer.headers(f"{self._target}.{model.name}", body),
            **self._agent,
            "Content-Length": str(len(body)),
        }
        request = AWSPreparedRequest("POST", self._url, headers, body, stream_output=False)
        responses = self._emit(f"before-send.{self._service}.{model.name}", request=request)
        reply = next((given for _, given in responses if given is not None), None)
        if reply is None:
            reply = self.http.send(request)
        return reply, self._content(model, reply)

    def _content(self, model: Any, reply: Any) -> dict[str, Any]:
        if reply.status_code >= 300:
            return self._error(model, reply)
        try:
            content: dict[str, Any] = with_bytes(json.loads(reply.content))
            content["ResponseMetadata"] = {
                "HTTPStatusCode": reply.status_code,
                "HTTPHeaders": reply.headers,
                "RequestId": reply.headers.get("x-amzn-requestid", ""),
            }
        except (ValueError, TypeError) as error:
            raise ResponseParserError(f"a reply without a result: {error}") from error
        return content

    def _error(self, model: Any, reply: Any) -> dict[str, Any]:
        """An error as botocore parses it."""
        response = {
            "body": reply.content,
            "context": {"operation_name": model.name},
            "headers": reply.headers,
            "status_code": reply.status_code,
        }
        protocol = model.service_model.resolved_protocol
        parser = self._endpoint._response_parser_factory.create_parser(protocol)
        content: dict[str, Any] = parser.parse(response, model.output_shape)
        self._endpoint._add_modeled_error_fields(response, content, model, parser)
        return content

    def _corrects_clock(self, reply: _Reply) -> bool:
        """Corrects the clock if the request was refused because of it; whether it did."""
        code = reply[1].get("Error", {}).get("Code")
        return code in _SKEWED and self._signer.correct_clock(reply[0].headers.get("date", ""))

    def _delay(
        self,
        model: Any,
        reply: _Reply | None,
        fault: Exception | None,
        attempts: int,
        context: dict[str, Any],
    ) -> float | None:
        """Seconds until the next attempt; None if there is none."""
        if reply is not None and reply[0].status_code < 300 and _is_intact(reply[0]):
            return None
        responses = self._emit(
            f"needs-retry.{self._service}.{model.name}",
            attempts=attempts,
            caught_exception=fault,
            endpoint=self._endpoint,
            operation=model,
            request_dict={"context": context},
            response=reply,
        )
        delay = next((given for _, given in responses if given is not None), None)
        return None if delay is False else delay


def _session(client: Any) -> Any:
    """What sends requests: Http, or botocore's session behind a proxy or without verified TLS."""
    url, config = client.meta.endpoint_url, client.meta.config
    session = client._endpoint.http_session
    if get_environ_proxies(url) or not session._verify:
        return session
    return Http(
        url,
        connect_timeout=config.connect_timeout,
        read_timeout=config.read_timeout,
        size=config.max_pool_connections,
        ca_file=get_cert_path(session._verify),
    )


def _is_intact(reply: Any) -> bool:
    """Whether the content has the checksum that DynamoDB has sent, if any."""
    checksum = reply.headers.get("x-amz-crc32")
    return checksum is None or int(checksum) == crc32(reply.content)


def with_bytes(value: Any) -> Any:
    """Decoded JSON with bytes for binary attributes (B, BS), and without null, as in botocore."""
    if isinstance(value, list):
        return [with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(kind, inner)] = value.items()
        if kind == "B" and isinstance(inner, str):
            return {kind: a2b_base64(inner, strict_mode=True)}
        if kind == "BS" and isinstance(inner, list):
            return {kind: [a2b_base64(each, strict_mode=True) for each in inner]}
    return {
        name: inner if isinstance(inner, str) else with_bytes(inner)
        for name, inner in value.items()
        if inner is not None
    }
