"""The development server's connections: many at once, bodies in chunks, where a request ends."""

import http.client
import io
import json
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from chalice.app import Chalice
from chalice.config import Config

from chalicelib.http.problems import Problem
from chalicelib.local.http_server import MAX_BYTES, Server, read_chunks

app = Chalice(app_name="echo")


@app.route("/echo", methods=["POST"], content_types=["application/json"])
def echo() -> Any:
    """Answers what was sent, and which headers said how."""
    request: Any = app.current_request
    return {
        "body": request.raw_body.decode(),
        "length": request.headers.get("content-length"),
        "coding": request.headers.get("transfer-encoding"),
    }


@app.route("/hello")
def hello() -> Any:
    """Answers anything."""
    return {"hello": "world"}


@contextmanager
def serving(server: Server) -> Iterator[int]:
    thread = threading.Thread(target=server.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server.server_close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Server(app, Config(), "127.0.0.1", 0)) as port:
        yield port


HEAD = b"Host: here\r\nContent-Type: application/json\r\n"
HELLO = b"GET /hello HTTP/1.1\r\n" + HEAD + b"\r\n"


def post(*headers: bytes) -> bytes:
    """The head of a request to be echoed."""
    return (
        b"POST /echo HTTP/1.1\r\n" + HEAD + b"".join(b"%s\r\n" % one for one in headers) + b"\r\n"
    )


CHUNKED = post(b"Transfer-Encoding: chunked")


RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for a socket that is reset when it is closed."""


@pytest.mark.parametrize("sent", [b"", HELLO, HELLO[:9], post(b"Content-Length: 9") + b"123"])
def test_a_client_that_breaks_the_connection_is_no_error(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(app, Config(), "127.0.0.1", 0)
    errors, ended = [], threading.Event()
    monkeypatch.setattr(server.server, "handle_error", lambda *_: errors.append(sys.exc_info()))
    monkeypatch.setattr(server.server, "shutdown_request", lambda _: ended.set())

    with serving(server) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(sent)
            if sent == HELLO:
                connection.recv(1)  # Then it is reset between two requests.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        assert ended.wait(10)

    assert errors == []


def answers(port: int, sent: bytes) -> list[tuple[int, Any]]:
    """Every reply to these bytes, after which nothing more is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        stream = connection.makefile("rb")
        found = []
        while status := stream.readline():
            headers = http.client.parse_headers(stream)
            # The reply to a HEAD says no length.
            body = stream.read(int(headers.get("Content-Length", 0)))
            found.append((int(status.split()[1]), json.loads(body) if body else None))
        return found


def test_clients_that_connect_while_nobody_takes_them_are_all_answered() -> None:
    server = Server(app, Config(), "127.0.0.1", 0)
    address = ("127.0.0.1", server.server.server_port)
    with ExitStack() as open_ones:
        waiting = [
            open_ones.enter_context(socket.create_connection(address, timeout=10))
            for _ in range(64)
        ]
        for connection in waiting:
            connection.sendall(HELLO)

        with serving(server):
            replies = [connection.recv(1 << 16) for connection in waiting]

    assert {reply.splitlines()[0] for reply in replies} == {b"HTTP/1.1 200 OK"}


def test_an_open_connection_keeps_nobody_else_waiting(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as idle:
        idle.sendall(CHUNKED + b"5\r\nab")

        assert answers(port, HELLO) == [(200, {"hello": "world"})]


@pytest.mark.parametrize(
    "chunks",
    [
        b'7\r\n{"a": 1\r\n1\r\n}\r\n0\r\n\r\n',
        b'8;name="value"\r\n{"a": 1}\r\n0\r\n\r\n',
        b'008\r\n{"a": 1}\r\n000\r\nDigest: none\r\nMore: of it\r\n\r\n',
        b'2 \r\n{"\r\n6\t\r\na": 1}\r\n0\r\n\r\n',
    ],
)
def test_a_body_in_chunks_is_read_as_one_and_what_follows_as_the_next_request(
    port: int, chunks: bytes
) -> None:
    echoed = {"body": '{"a": 1}', "length": "8", "coding": None}

    found = answers(port, CHUNKED + chunks + HELLO + CHUNKED + chunks)

    assert found == [(200, echoed), (200, {"hello": "world"}), (200, echoed)]


def test_a_client_that_sends_chunks_is_answered_like_any_other(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(2):
        connection.request(
            "POST",
            "/echo",
            iter([b'{"text": "', "ß".encode(), b'"}']),
            {"Content-Type": "application/json"},
            encode_chunked=True,
        )
        assert json.loads(connection.getresponse().read())["body"] == '{"text": "ß"}'
    connection.close()


def test_an_empty_body_in_chunks_is_no_body(port: int) -> None:
    [(status, echoed)] = answers(port, CHUNKED + b"0\r\n\r\n")

    assert (status, echoed["body"]) == (200, "")


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (CHUNKED + b"x\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding"),
        (CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding"),
        (CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding"),
        (CHUNKED + b"\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding"),
        (CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n", "Transfer-Encoding"),
        (CHUNKED + b"1" * 8192, "Transfer-Encoding"),
        (CHUNKED + b"0\r\n" + b"a: b\r\n" * 101 + b"\r\n", "Transfer-Encoding"),
        (post(b"Transfer-Encoding: gzip, chunked") + b"2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding"),
        (post(b"Transfer-Encoding: identity") + b"{}", "Transfer-Encoding"),
        (
            post(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
            "Transfer-Encoding",
        ),
        (post(b"Content-Length: two") + b"{}", "Content-Length"),
        (post(b"Content-Length: -1") + b"{}", "Content-Length"),
        (post(b"Content-Length: 2", b"Content-Length: 3") + b"{} ", "Content-Length"),
    ],
    ids=repr,
)
def test_a_request_whose_end_is_in_doubt_is_refused_and_nothing_behind_it_is_read(
    port: int, sent: bytes, field: str
) -> None:
    [(status, problem)] = answers(port, sent + HELLO)

    assert (status, problem["code"]) == (400, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    "sent",
    [
        post(b"Content-Length: %d" % (MAX_BYTES + 1)),
        CHUNKED + b"%x\r\n" % (MAX_BYTES + 1),
        CHUNKED + b"1\r\n \r\n%x\r\n" % MAX_BYTES,
    ],
)
def test_a_body_beyond_all_measure_is_refused_before_it_is_read(port: int, sent: bytes) -> None:
    [(status, problem)] = answers(port, sent)

    assert (status, problem["code"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    "sent",
    [CHUNKED + b"5\r\nab", CHUNKED + b"2\r\n{}\r\n", post(b"Content-Length: 9") + b"{}"],
)
def test_a_request_that_is_cut_off_is_not_done(port: int, sent: bytes) -> None:
    assert answers(port, sent) == []
    assert answers(port, HELLO) == [(200, {"hello": "world"})]


def test_the_reply_to_head_has_no_body_even_where_it_is_refused(port: int) -> None:
    head = b"HEAD /nothing HTTP/1.1\r\n" + HEAD + b"\r\n"

    assert answers(port, head + HELLO) == [(404, None), (200, {"hello": "world"})]


def test_as_much_as_there_may_be_is_read() -> None:
    half = b"%x\r\n" % (MAX_BYTES // 2) + b" " * (MAX_BYTES // 2) + b"\r\n"

    assert len(read_chunks(io.BytesIO(half * 2 + b"0\r\n\r\n"))) == MAX_BYTES
    with pytest.raises(Problem):
        read_chunks(io.BytesIO(half * 2 + b"1\r\n \r\n0\r\n\r\n"))
