"""Corrections of HTTP/1.1 in Chalice's development server, and of its gateway errors.

It accepts many connections and chunked bodies. A request whose length is ambiguous is rejected and
its connection closed, against request smuggling (RFC 9112, sections 6.3 and 7.1). API Gateway's
errors are the problems of a deployed stage's gateway responses.
"""

import re
import socket
from contextlib import suppress
from io import BufferedIOBase
from typing import Any

import chalice.local
from chalice.app import Chalice
from chalice.config import Config

from chalicelib.http.cors import headers_for
from chalicelib.http.problems import Problem, invalid

MAX_BYTES = 10 * 1024 * 1024
"""The longest body that is read, as at API Gateway; routes have lower limits."""

_NO_SUCH_PATH = (b"Missing Authentication Token", b"Authorization header requires")
"""API Gateway's messages for an unknown path, without and with a key."""

_LONGEST_LINE = 8 * 1024
_LINGER_SECONDS, _LINGER_READS = 2.0, 1024
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


def problem_for(error: chalice.local.LocalGatewayException) -> Problem:
    """The problem of a deployed stage for this error of the gateway."""
    body = error.body or b""
    if isinstance(error, chalice.local.ForbiddenError) and any(
        words in body for words in _NO_SUCH_PATH
    ):
        return Problem("not_found", "there is no such path")
    return Problem("unauthorized", "this needs a valid key")


def read_chunks(stream: BufferedIOBase) -> bytes:
    """A chunked body, without its trailers. Raises Problem, ConnectionError."""
    body = bytearray()
    while size := _chunk_size(stream):
        if len(body) + size > MAX_BYTES:
            raise _too_long()
        body += _exactly(stream, size)
        if _line(stream).rstrip(b"\r\n"):
            raise invalid("Transfer-Encoding", "a chunk is longer than it says")
    for _ in range(101):
        if not _line(stream).rstrip(b"\r\n"):
            return bytes(body)
    raise invalid("Transfer-Encoding", "there are more than 100 trailers")


def _chunk_size(stream: BufferedIOBase) -> int:
    size = _CHUNK_SIZE.fullmatch(_line(stream))
    if size is None:
        raise invalid("Transfer-Encoding", "a chunk does not begin with its size")
    return int(size[1], 16)


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        if len(line) == _LONGEST_LINE:
            raise invalid("Transfer-Encoding", "a line between chunks is too long")
        raise ConnectionError("the body is cut off")
    return line


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    read = stream.read(size)
    if len(read) < size:
        raise ConnectionError("the body is cut off")
    return read


def _too_long() -> Problem:
    return Problem("request_too_large", f"a body is at most {MAX_BYTES} bytes")


class Handler(chalice.local.ChaliceRequestHandler):
    """One connection and its requests."""

    # A response is two packets; Nagle's algorithm would delay the second by 40 ms.
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """All requests of the connection, which the client may end at any time."""
        with suppress(ConnectionError):
            super().handle()

    def _generic_handle(self) -> None:
        try:
            super()._generic_handle()
        except Problem as problem:
            self.close_connection = True
            self._send_problem(problem)
            self._linger()

    # http.server finds a method's handler by these names.
    do_GET = do_PUT = do_POST = do_HEAD = _generic_handle  # noqa: N815
    do_DELETE = do_PATCH = do_OPTIONS = _generic_handle  # noqa: N815

    def _parse_payload(self) -> tuple[dict[str, Any], bytes | None]:
        headers = dict(self.headers)
        codings = self.headers.get_all("Transfer-Encoding", [])
        lengths = set(self.headers.get_all("Content-Length", []))
        if not codings:
            return headers, self._body_of(lengths)
        if lengths:
            raise invalid("Transfer-Encoding", "is not sent together with Content-Length")
        if [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise invalid("Transfer-Encoding", "expected chunked, and no other coding")
        body = read_chunks(self.rfile)
        for name in list(headers):
            # API Gateway does not pass these headers on to a Lambda.
            if name.lower() in ("transfer-encoding", "trailer"):
                del headers[name]
        return {**headers, "Content-Length": str(len(body))}, body or None

    def _body_of(self, lengths: set[str]) -> bytes | None:
        if not lengths:
            return None
        length = lengths.pop().strip()
        if lengths or not _LENGTH.fullmatch(length):
            raise invalid("Content-Length", "expected one number of bytes")
        if int(length) > MAX_BYTES:
            raise _too_long()
        return _exactly(self.rfile, int(length)) or None

    def _send_error_response(self, error: chalice.local.LocalGatewayException) -> None:
        self._send_problem(problem_for(error))

    def _send_problem(self, problem: Problem) -> None:
        headers: dict[str, str | list[str]] = {**problem.headers}
        headers.update(headers_for(self.headers.get("Origin"), problem.headers))
        if self.close_connection:
            headers["Connection"] = "close"
        self._send_http_response(problem.status, headers, problem.body())

    def _send_http_response_with_body(
        self, code: int, headers: dict[str, Any], body: str | bytes
    ) -> None:
        if self.command != "HEAD":
            super()._send_http_response_with_body(code, headers, body)
            return
        # A response to HEAD has no body, and no length, since GET's is unknown. (RFC 9110, 8.6.)
        self.send_response(code)
        self._send_headers({"Content-Type": "application/json", **headers})

    def _linger(self) -> None:
        """Reads the rest of the request, since closing with unread bytes resets the connection."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            for _ in range(_LINGER_READS):
                if not self.connection.recv(1 << 16):
                    break


class Connections(chalice.local.ThreadedHTTPServer):
    """A thread per connection."""

    request_queue_size = 1024  # Python's default is 5.


class Server(chalice.local.LocalDevServer):
    """Chalice's development server with Handler and Connections."""

    def __init__(self, app: Chalice, config: Config, host: str, port: int) -> None:
        super().__init__(app, config, host, port, handler_cls=Handler, server_cls=Connections)


def install(server: type[Server]) -> None:
    """Makes `chalice local` use this server."""
    # Chalice has no hook. Its command looks up the class after the app is loaded.
    chalice.local.LocalDevServer = server  # type: ignore[misc]
