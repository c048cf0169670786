"""Requests: what is sent to DynamoDB, one after the other, retries included."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.tables import connection

Requests = list[tuple[str, Any]]
"""The operation of each request, and its parameters."""


@contextmanager
def requests_sent() -> Iterator[Requests]:
    """The requests inside the block."""
    requests: Requests = []

    def note(request: Any, **_: Any) -> None:
        target = request.headers["X-Amz-Target"]
        target = target.decode() if isinstance(target, bytes) else target
        requests.append((target.rpartition(".")[2], json.loads(request.body)))

    events = connection().client.meta.events
    events.register("before-send.dynamodb", note)
    try:
        yield requests
    finally:
        events.unregister("before-send.dynamodb", note)
