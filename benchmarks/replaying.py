"""Replaying: a transport that replays recorded replies of an engine.

PynamoDB and our own code do all they would do; only the network and the engine are gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSResponse

from chalicelib import tables

_WRITES = {"PutItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem"}

Key = tuple[str, bytes]


@dataclass
class _Kept:
    status: int
    headers: Any  # A dict does, though the type stubs ask for the headers of a real answer.
    content: bytes


class _Body:
    """The body of a reply, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """The whole of it."""
        yield self._content


class Transport:
    """The http session, which records what it has not seen. A read is known by all of its
    request, a write only by what it is: each is a new one, and all are answered alike.
    """

    def __init__(self, real: Any) -> None:
        self._real = real
        self._kept: dict[Key, _Kept] = {}
        self.recorded = 0

    def send(self, request: Any) -> AWSResponse:
        """The answer to a request."""
        target = request.headers["X-Amz-Target"]
        target = (target if isinstance(target, str) else target.decode()).rpartition(".")[2]
        key = (target, b"" if target in _WRITES else bytes(request.body))
        if key not in self._kept:
            self.recorded += 1
            answer = self._real.send(request)
            headers = {str(name): str(value) for name, value in answer.headers.items()}
            self._kept[key] = _Kept(answer.status_code, headers, answer.content)
        kept = self._kept[key]
        return AWSResponse(request.url, kept.status, kept.headers, _Body(kept.content))

    def close(self) -> None:
        """Nothing to do: the real session is closed by its owner."""


@contextmanager
def replayed() -> Iterator[Transport]:
    """The process's connection replays recorded replies."""
    client: Any = tables.connection().client
    calls = client._make_api_call  # Private, and the only door there is.
    real = calls.http
    calls.http = Transport(real)
    try:
        yield calls.http
    finally:
        calls.http = real
