"""A host that answers each request with bytes of a test's own, and notes what it was asked."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO
from zlib import crc32

Answer = Callable[[socket.socket], None]
"""Answers one request on its connection."""


def response(
    body: bytes = b"{}", status: str = "200 OK", *, checked: bool = True, **headers: str
) -> bytes:
    """A response of DynamoDB; underscores in the names of headers are hyphens."""
    lines = {"Content-Length": f"{len(body)}"}
    if checked:
        lines["x-amz-crc32"] = f"{crc32(body)}"
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def error(code: str, status: str = "400 Bad Request", **headers: str) -> bytes:
    """An error of DynamoDB."""
    name = f"com.amazonaws.dynamodb.v20120810#{code}"
    return response(
        b'{"__type":"%s","message":"because"}' % name.encode(), status, checked=True, **headers
    )


class Host:
    """Answers requests in their order; each answer is bytes, or a function of the connection."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[bytes | Answer] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"
        self._tls = tls

    def serve(self) -> None:
        """Accepts connections until it is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Accepts no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._tls is not None:
                with self._tls.wrap_socket(connection, server_side=True) as secure:
                    self._answer(secure)
            else:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as received:
            while lines := _head(received):
                pairs = [line.decode().strip().partition(": ") for line in lines[1:]]
                headers = {name: value for name, _, value in pairs}
                self.requests.append((headers, received.read(int(headers["Content-Length"]))))
                answer = self.answers.pop(0) if self.answers else response()
                if callable(answer):
                    answer(connection)
                else:
                    connection.sendall(answer)


def _head(received: BinaryIO) -> list[bytes]:
    """The lines of a request before its body; none where the connection has ended."""
    lines: list[bytes] = []
    while (line := received.readline()) != b"\r\n":
        if not line:
            return []
        lines.append(line)
    return lines


def hangs_up(connection: socket.socket) -> None:
    """Ends a connection without a reply."""
    connection.shutdown(socket.SHUT_RDWR)


def answers_and_hangs_up(connection: socket.socket) -> None:
    """Replies, and then ends the connection without having said so."""
    connection.sendall(response())
    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def hosted(tls: ssl.SSLContext | None = None) -> Iterator[Host]:
    """A host until the end of the block."""
    host = Host(tls)
    threading.Thread(target=host.serve, daemon=True).start()
    try:
        yield host
    finally:
        host.close()
