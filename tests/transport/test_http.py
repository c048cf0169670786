"""Requests over connections that are kept, or are lost in every way."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import get_cert_path
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chalicelib.transport.http import Http
from tests.engines import free_port
from tests.transport.host import (
    Host,
    answers_and_hangs_up,
    hangs_up,
    hosted,
    response,
)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def host() -> Iterator[Host]:
    """A host of the test's own."""
    with hosted() as host:
        yield host


def client(url: str, *, size: int = 2, read_timeout: float = 20) -> Http:
    """A client of a host."""
    ca_file = get_cert_path(True)
    return Http(url, connect_timeout=20, read_timeout=read_timeout, size=size, ca_file=ca_file)


def ask(http: Http, body: bytes = b"{}") -> tuple[int, bytes]:
    """A request and its reply."""
    headers = {"Content-Length": str(len(body))}
    reply = http.send(
        AWSPreparedRequest("POST", "/", headers, body, stream_output=False)  # type: ignore[arg-type]  # A dict does.
    )
    return reply.status_code, reply.content


def test_requests_share_a_connection(host: Host) -> None:
    http = client(host.url)
    host.answers = [response(b"one"), response(b"two", "400 Bad Request")]

    assert ask(http, b"a") == (200, b"one")
    assert ask(http, b"b") == (400, b"two")
    assert [body for _, body in host.requests] == [b"a", b"b"]
    assert host.connections == 1


def test_requests_at_the_same_time_have_connections_of_their_own(host: Host) -> None:
    http = client(host.url, size=8)
    host.answers = [response(b"x" * 300_000)] * 40

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: ask(http), range(40)))

    assert replies == [(200, b"x" * 300_000)] * 40
    assert host.connections <= 8


def test_a_connection_that_was_closed_while_it_was_idle_is_opened_again(host: Host) -> None:
    http = client(host.url)
    host.answers = [answers_and_hangs_up, response(b"two")]
    ask(http)
    assert http._idle[0]._poll.poll(10_000)  # The end of the connection has arrived.

    assert ask(http) == (200, b"two")
    assert host.connections == 2


def test_a_connection_that_the_host_will_close_is_not_used_again(host: Host) -> None:
    http = client(host.url)
    host.answers = [response(Connection="close"), response(b"two")]
    ask(http)

    assert ask(http) == (200, b"two")
    assert host.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 101 + b"\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"x" * 70_000,
        CHUNKED + b"2\r\n{}\r\n",
        CHUNKED + b"two\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_reply_that_is_not_whole_is_a_closed_connection(host: Host, answer: bytes) -> None:
    http = client(host.url)

    def cut_off(connection: socket.socket) -> None:
        connection.sendall(answer)
        hangs_up(connection)

    host.answers = [cut_off, response(b"next")]

    with pytest.raises(ConnectionClosedError):
        ask(http)

    assert ask(http) == (200, b"next")


def test_a_reply_in_chunks_is_put_together(host: Host) -> None:
    http = client(host.url)
    host.answers = [CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nTrailer: 1\r\n\r\n", response(b"2")]

    assert ask(http) == (200, b"abcde")
    assert ask(http) == (200, b"2")
    assert host.connections == 1


def test_a_late_reply_is_not_taken_for_that_of_the_next_request(host: Host) -> None:
    http, asked, given_up = (
        client(host.url, read_timeout=0.01),
        threading.Event(),
        threading.Event(),
    )

    def late(connection: socket.socket) -> None:
        asked.set()
        given_up.wait(20)
        connection.sendall(response(b"late"))

    host.answers = [late, response(b"next")]
    with pytest.raises(ReadTimeoutError):
        ask(http)
    assert asked.wait(20)  # Else the host may read the next request first.
    given_up.set()
    http._read_timeout = 20

    assert ask(http) == (200, b"next")


def test_more_connections_than_may_be_idle_are_closed_and_not_waited_for(host: Host) -> None:
    http = client(host.url, size=1)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: ask(http)[0], range(20))) == [200] * 20


def test_a_host_that_is_not_there_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(EndpointConnectionError, match=url):
        ask(client(url))


def test_a_host_that_accepts_no_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(address: object, seconds: float) -> socket.socket:
        assert seconds == 20
        raise TimeoutError(address)

    monkeypatch.setattr(socket, "create_connection", never)

    with pytest.raises(ConnectTimeoutError):
        ask(client("http://127.0.0.1:1"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, and its certificate for localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("name", "known", "accepted"),
    [("localhost", True, True), ("localhost", False, False), ("127.0.0.1", True, False)],
)
def test_https_needs_a_certificate_that_is_known_and_names_the_host(
    certificate: Path, name: str, known: bool, accepted: bool
) -> None:
    ca_file = str(certificate) if known else get_cert_path(True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with hosted(context) as host:
        _, port = host.address
        secure = Http(
            f"https://{name}:{port}", connect_timeout=20, read_timeout=20, size=1, ca_file=ca_file
        )

        if accepted:
            assert [ask(secure), ask(secure)] == [(200, b"{}")] * 2
            assert host.connections == 1
        else:
            with pytest.raises(SSLError):
                ask(secure)
