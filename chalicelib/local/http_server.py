"""Connections: HTTP/1.1 as the development server must speak it, where Chalice's own does not.

Many clients may connect at the same time. A body may come in chunks. A request of which nobody can
tell where it ends is refused, and its connection closed, since what follows would be read as
another request. (RFC 9112, sections 6.3 and 7.1.)
"""

import re
import socket
from contextlib import suppress
from io import BufferedIOBase
from typing import Any

import chalice.local
from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    ChaliceRequestHandler,
    LocalDevServer,
    LocalGatewayException,
    ThreadedHTTPServer,
)

from chalicelib.http.problems import Problem, invalid
from chalicelib.local.gateway import problem_for

MOST_BYTES = 10 * 1024 * 1024
"""The longest body that is read, as at API Gateway; what a route takes is much less."""

_LONGEST_LINE = 8 * 1024
_LINGER_SECONDS, _LINGER_READS = 2.0, 1024
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


def read_chunks(stream: BufferedIOBase) -> bytes:
    """A body that is sent in chunks, without what may trail it.

    Raises Problem where it is malformed or too long, ConnectionError where it is cut off.
    """
    body = bytearray()
    while size := _chunk_size(stream):
        if len(body) + size > MOST_BYTES:
            raise _too_long()
        body += _exactly(stream, size)
        if _line(stream).rstrip(b"\r\n"):
            raise invalid("Transfer-Encoding", "a chunk is longer than it says")
    trailers = 0
    while _line(stream).rstrip(b"\r\n"):
        trailers += 1
        if trailers > 100:
            raise invalid("Transfer-Encoding", "there are more than 100 trailers")
    return bytes(body)


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
    return Problem("request_too_large", f"a body is at most {MOST_BYTES} bytes")


class Handler(ChaliceRequestHandler):
    """One connection, and the requests on it."""

    # A reply is two packets; Nagle's algorithm would hold the second for 40 ms.
    disable_nagle_algorithm = True

    def _generic_handle(self) -> None:
        try:
            super()._generic_handle()
        except Problem as problem:
            self.close_connection = True
            self._send_problem(problem)
            self._linger()
        except ConnectionError:
            # The client is gone, in the middle of its request or of the reply.
            self.close_connection = True

    # http.server finds a method's handler by these names.
    do_GET = do_PUT = do_POST = do_HEAD = _generic_handle  # noqa: N815
    do_DELETE = do_PATCH = do_OPTIONS = _generic_handle  # noqa: N815

    def _parse_payload(self) -> tuple[dict[str, Any], bytes | None]:
        """The headers and the body. Raises Problem, ConnectionError."""
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
            # A Lambda is told of a body's end only; how it came is the gateway's affair.
            if name.lower() in ("transfer-encoding", "trailer"):
                del headers[name]
        return {**headers, "Content-Length": str(len(body))}, body or None

    def _body_of(self, lengths: set[str]) -> bytes | None:
        if not lengths:
            return None
        length = lengths.pop().strip()
        if lengths or not _LENGTH.fullmatch(length):
            raise invalid("Content-Length", "expected one number of bytes")
        if int(length) > MOST_BYTES:
            raise _too_long()
        return _exactly(self.rfile, int(length)) or None

    def _send_error_response(self, error: LocalGatewayException) -> None:
        self._send_problem(problem_for(error))

    def _send_problem(self, problem: Problem) -> None:
        headers: dict[str, str | list[str]] = {**problem.headers}
        if self.close_connection:
            headers["Connection"] = "close"
        self._send_http_response(problem.status, headers, problem.body())

    def _send_http_response_with_body(
        self, code: int, headers: dict[str, Any], body: str | bytes
    ) -> None:
        if self.command != "HEAD":
            super()._send_http_response_with_body(code, headers, body)
            return
        # The reply to a HEAD has no body: one would be taken for the beginning of the next reply.
        # It says no length either, since GET's is not known here. (RFC 9110, section 8.6.)
        self.send_response(code)
        self._send_headers({"Content-Type": "application/json", **headers})

    def _linger(self) -> None:
        """Reads on for a moment: a connection that is closed on unread bytes is reset, and its
        client may then lose the reply.
        """
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            for _ in range(_LINGER_READS):
                if not self.connection.recv(1 << 16):
                    break


class Connections(ThreadedHTTPServer):
    """Takes connections, each on a thread of its own."""

    request_queue_size = 1024
    """How many may wait to be taken, as far as the system allows; Python's own is 5."""


class Server(LocalDevServer):
    """Chalice's development server with these connections."""

    def __init__(self, app: Chalice, config: Config, host: str, port: int) -> None:
        super().__init__(app, config, host, port, handler_cls=Handler, server_cls=Connections)


def serve() -> None:
    """Makes `chalice local` serve in this way."""
    # Chalice has no hook: its command makes its server without arguments, after the app is loaded.
    chalice.local.LocalDevServer = Server  # type: ignore[misc,assignment]
