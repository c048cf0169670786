"""Troubled: a way to a server, where requests and replies get lost or are answered on the way."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import urllib3


@dataclass(frozen=True)
class Answer:
    """An answer given on the way; the request does not arrive."""

    status: int
    code: str | None = None
    retry_after: str | None = None
    body: bytes | None = None
    """JSON, instead of a problem."""


Trouble = Answer | Literal["lose the request", "lose the reply", "stall", "none"]


@dataclass(frozen=True)
class Request:
    """A request as it was seen on the way."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Troubled:
    """The way: its address, the troubles that wait, one per request, and the requests so far.

    Where no trouble is left, requests and replies pass.
    """

    url: str
    troubles: deque[Trouble] = field(default_factory=deque)
    seen: list[Request] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def expect(self, *troubles: Trouble) -> None:
        """The next requests meet these."""
        self.seen.clear()
        self.troubles.extend(troubles)


@contextmanager
def troubled(upstream: str) -> Iterator[Troubled]:
    """A way to a server, open until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, dict(self.headers.items()), body)
            line.seen.append(request)
            match line.troubles.popleft() if line.troubles else None:
                case Answer() as answer:
                    self._answer(answer)
                case "lose the request":
                    self.close_connection = True
                case "lose the reply":
                    _forward(upstream, request)
                    self.close_connection = True
                case "stall":
                    line.over.wait(10)
                    self.close_connection = True
                case _:
                    reply = _forward(upstream, request)
                    self._reply(reply.status, dict(reply.headers), reply.data)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815  # Names of the standard library's.

        def _answer(self, answer: Answer) -> None:
            after = {"Retry-After": answer.retry_after} if answer.retry_after else {}
            problem = b'{"code": "%s", "detail": "on the way", "errors": []}'
            body = problem % answer.code.encode() if answer.code else b"<html>no ledger</html>"
            if answer.body is not None:
                after, body = {**after, "Content-Type": "application/json"}, answer.body
            self._reply(answer.status, after, body)

        def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        line = Troubled(f"http://127.0.0.1:{server.server_port}")
        # It looks every so many seconds whether it shall end.
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield line
        finally:
            line.over.set()
            server.shutdown()


def _forward(upstream: str, request: Request) -> urllib3.BaseHTTPResponse:
    kept = {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in ("host", "content-length", "connection")
    }
    return urllib3.request(
        request.method, upstream + request.path, headers=kept, body=request.body or None
    )
