"""Proxy: an engine's address at which requests and replies get lost, late and wrong."""

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

from ops.faults.visibility import Visibility, written_by
from simulator.dynamodb_errors import Error, cancelled

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
    """What becomes of a request. `seconds` says how late it is, or how long each item takes."""

    kind: Kind
    error: Error | None = None
    seconds: float = 0.0


NONE = Fault("none")

Choose = Callable[[str, dict[str, Any]], Fault]
"""The fault of a request, by its operation and its body."""

_Reply = tuple[int, dict[str, str], bytes]


class Proxy:
    """What the proxy does with requests, each in a thread of its own."""

    def __init__(self, upstream: str, choose: Choose, seed: int = 0) -> None:
        self.choose = choose
        self.visibility = Visibility()
        self.late: list[threading.Thread] = []
        self._chance = random.Random(seed)
        self._upstream = upstream
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=60)

    def settle(self) -> None:
        """Waits for all that is to be done late."""
        while self.late:
            self.late.pop().join()

    def answer(self, headers: dict[str, str], raw: bytes) -> _Reply | None:
        """The reply to a request; None if it is lost."""
        operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
        body = json.loads(raw or b"{}")
        fault = self.choose(operation, body)
        match fault.kind:
            case "the request is lost":
                return None
            case "an error instead":
                return _of(fault)
            case "done late":
                later = threading.Timer(fault.seconds, self._done, (operation, body, headers))
                self.late.append(later)
                later.start()
                return None
            case "item by item":
                return self._item_by_item(fault, operation, body, headers)
        status, sent, said = self._done(operation, body, headers)
        match fault.kind:
            case "the reply is lost":
                return None
            case "an error after it was done":
                return _of(fault)
            case "answered late":
                sleep(fault.seconds)
            case "a reply that is cut off":
                return status, {**sent, "Content-Length": str(len(said))}, said[: len(said) // 2]
        return status, sent, said

    def _done(self, operation: str, body: dict[str, Any], headers: dict[str, str]) -> _Reply:
        met = self._met(operation, body)
        if met is not None:
            return _of(Fault("an error instead", met))
        status, sent, said = self._sent(self.visibility.widened(operation, body), headers)
        return status, sent, self.visibility.filtered(operation, body, said)

    def _sent(self, body: dict[str, Any], headers: dict[str, str]) -> _Reply:
        kept = {name: value for name, value in headers.items() if name in _KEPT}
        raw = json.dumps(body).encode()
        reply = self._pool.request("POST", self._upstream, headers=kept, body=raw)
        return reply.status, {"Content-Type": reply.headers.get("Content-Type", "")}, reply.data

    def _met(self, operation: str, body: dict[str, Any]) -> Error | None:
        """The error of a request that meets a transaction under way."""
        if operation == "TransactGetItems":
            places = [part["Get"]["Key"] for part in body["TransactItems"]]
        else:
            places = written_by(operation, body)
        under_way = self.visibility.is_under_way(places)
        if not any(under_way):
            return None
        if operation == "PutItem":
            return Error("TransactionConflictException")
        reasons = ["TransactionConflict" if each else "None" for each in under_way]
        return cancelled(len(places), *reasons)

    def _item_by_item(
        self, fault: Fault, operation: str, body: dict[str, Any], headers: dict[str, str]
    ) -> _Reply:
        if self._met(operation, body) is not None:
            return self._done(operation, body, headers)
        hidden = self.visibility.hide(written_by(operation, body))
        try:
            reply = self._sent(body, headers)
            for item in self._chance.sample(hidden, len(hidden)) if reply[0] == 200 else []:
                sleep(fault.seconds)
                self.visibility.show(item)
        finally:
            for item in hidden:
                self.visibility.show(item)
        return reply


_KEPT = {"X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date", "X-Amz-Security-Token"}


def _of(fault: Fault) -> _Reply:
    assert fault.error is not None
    return fault.error.status, {"Content-Type": "application/x-amz-json-1.0"}, fault.error.body


@contextmanager
def between(upstream: str, choose: Choose, seed: int = 0) -> Iterator[tuple[str, Proxy]]:
    """A proxy before an engine, and its address, until the end of the block."""
    proxy = Proxy(upstream, choose, seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answered = proxy.answer(dict(self.headers.items()), raw)
            if answered is None:
                self.close_connection = True
                return
            status, headers, said = answered
            self.send_response(status)
            length = str(len(said))
            for name, value in {"Content-Length": length, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)
            self.close_connection = headers.get("Content-Length", length) != length

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """The client has gone: that is what the proxy is for."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", proxy
        finally:
            proxy.settle()
            server.shutdown()
