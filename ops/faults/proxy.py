"""A proxy before an engine that loses, delays and changes requests and responses."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any, Literal

import urllib3

from ops.faults.visibility import Visibility, events_in, key_of
from simulator.dynamodb_errors import CONTENT_TYPE, Error, cancelled

Kind = Literal[
    "none",
    "the reply is lost",
    "the request is lost",
    "an error instead",
    "an error after it was done",
    "done late",
    "answered late",
    "a reply that is cut off",
    "item by item",
]


@dataclass(frozen=True)
class Fault:
    """The fault of a request. `seconds` is the delay, of each item where it is item by item."""

    kind: Kind
    error: Error | None = None
    seconds: float = 0.0


NONE = Fault("none")

Choose = Callable[[str, dict[str, Any]], Fault]
"""The fault of a request, by its operation and its body."""

_Response = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

_FORWARDED = {
    "X-Amz-Target",
    "Content-Type",
    "Authorization",
    "X-Amz-Date",
    "X-Amz-Security-Token",
}


class Proxy:
    """What the proxy does with requests, each in a thread of its own."""

    def __init__(self, upstream: str, choose: Choose, seed: int = 0) -> None:
        self.visibility = Visibility()
        self._choose = choose
        self._late: list[threading.Thread] = []
        self._chance = random.Random(seed)
        self._upstream = upstream
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=60)

    def settle(self) -> None:
        """Waits for the requests that are forwarded late."""
        while self._late:
            self._late.pop().join()

    def respond(self, headers: dict[str, str], raw: bytes) -> _Response | None:
        """The response to a request; None if it is lost."""
        operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
        body = json.loads(raw or b"{}")
        fault = self._choose(operation, body)
        match fault.kind:
            case "the request is lost":
                return None
            case "an error instead":
                return _error(fault.error)
            case "done late":
                later = threading.Timer(fault.seconds, self._execute, (operation, body, headers))
                self._late.append(later)
                later.start()
                return None
            case "item by item":
                return self._item_by_item(fault, operation, body, headers)
        status, sent, content = self._execute(operation, body, headers)
        match fault.kind:
            case "the reply is lost":
                return None
            case "an error after it was done":
                return _error(fault.error)
            case "answered late":
                sleep(fault.seconds)
            case "a reply that is cut off":
                length = str(len(content))
                return status, {**sent, "Content-Length": length}, content[: len(content) // 2]
        return status, sent, content

    def _execute(self, operation: str, body: dict[str, Any], headers: dict[str, str]) -> _Response:
        conflict = self._conflict(operation, body)
        if conflict is not None:
            return _error(conflict)
        status, sent, content = self._forward(self.visibility.widened(operation, body), headers)
        return status, sent, self.visibility.filtered(operation, body, content)

    def _forward(self, body: dict[str, Any], headers: dict[str, str]) -> _Response:
        forwarded = {name: value for name, value in headers.items() if name in _FORWARDED}
        raw = json.dumps(body).encode()
        reply = self._pool.request("POST", self._upstream, headers=forwarded, body=raw)
        return reply.status, {"Content-Type": reply.headers.get("Content-Type", "")}, reply.data

    def _conflict(self, operation: str, body: dict[str, Any]) -> Error | None:
        """The error of a request that conflicts with a transaction that is not finished."""
        if operation in ("TransactGetItems", "TransactWriteItems"):
            keys = [key_of(part) for part in body["TransactItems"]]
        else:
            keys = events_in(operation, body)
        hidden = self.visibility.are_hidden(keys)
        if not any(hidden):
            return None
        if operation == "PutItem":
            return Error("TransactionConflictException")
        return cancelled(len(keys), *("TransactionConflict" if each else "None" for each in hidden))

    def _item_by_item(
        self, fault: Fault, operation: str, body: dict[str, Any], headers: dict[str, str]
    ) -> _Response:
        """Executes a transaction whose items become visible one after the other."""
        if self._conflict(operation, body) is not None:
            return self._execute(operation, body, headers)
        hidden = self.visibility.hide(events_in(operation, body))
        try:
            response = self._forward(body, headers)
            for item in self._chance.sample(hidden, len(hidden)) if response[0] == 200 else []:
                sleep(fault.seconds)
                self.visibility.show(item)
        finally:
            for item in hidden:
                self.visibility.show(item)
        return response


def _error(error: Error | None) -> _Response:
    assert error is not None
    return error.status, {"Content-Type": CONTENT_TYPE}, error.body


@contextmanager
def proxied(upstream: str, choose: Choose, seed: int = 0) -> Iterator[tuple[str, Proxy]]:
    """Runs a proxy before an engine until the end of the block; its address, and the proxy."""
    proxy = Proxy(upstream, choose, seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = proxy.respond(dict(self.headers.items()), raw)
            if response is None:
                self.close_connection = True
                return
            status, headers, content = response
            self.send_response(status)
            length = str(len(content))
            for name, value in {"Content-Length": length, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = headers.get("Content-Length", length) != length

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """The client has disconnected, as it does for the faults of the proxy."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", proxy
        finally:
            proxy.settle()
            server.shutdown()
