"""CORS: pages of other origins call the API from a browser only if their origins are named."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from chalice.app import Chalice
from chalice.local import ForbiddenError
from chalice.test import Client, HTTPResponse

from app import app
from chalicelib.http import cors
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.local.http_server import Handler
from chalicelib.settings import settings, using
from tests.http.api import Api, assert_problem

PAGE, OTHER = "https://app.example.com", "https://app.example.org"
ALLOWED, EXPOSED = "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"


@pytest.fixture
def with_cors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app as a stage loads it whose settings allow an origin."""
    loaded = [(cors.with_cors, "http"), *app.middleware_handlers]
    monkeypatch.setattr(app, "middleware_handlers", loaded)


@pytest.fixture
def named(with_cors: None) -> Iterator[None]:  # noqa: ARG001  # Asked for what it sets.
    """A stage that allows two pages."""
    with using(replace(settings(), cors_origins=(PAGE, "http://localhost:5173"))):
        yield


def asked(api: Api, method: str, path: str, origin: str | None, **headers: str) -> HTTPResponse:
    """What a page of this origin is answered."""
    sent = {"Content-Type": "application/json", **headers}
    if origin is not None:
        sent["Origin"] = origin
    return api.request(method, path, headers=sent, body=b"{}")


@pytest.mark.usefixtures("named")
def test_a_page_of_a_named_origin_may_read_every_answer(funded: Api) -> None:
    funded.project()
    of_ledger = f"/ledgers/{funded.ledger}"
    for method, path, status in (
        ("GET", f"{of_ledger}/accounts/alice", 200),
        ("GET", f"{of_ledger}/accounts/nobody", 404),
        ("POST", f"{of_ledger}/transactions", 400),
        ("DELETE", f"{of_ledger}/accounts", 405),
        ("GET", "/health", 200),
        ("GET", "/openapi.json", 200),
    ):
        reply = asked(funded, method, path, PAGE)

        assert reply.status_code == status, reply.body
        assert reply.headers[ALLOWED] == PAGE
        assert {"ETag", "Location", "Retry-After", "Idempotency-Replayed"} <= set(
            reply.headers[EXPOSED].split(", ")
        )
        assert "Origin" in reply.headers["Vary"].split(", ")
        assert "Access-Control-Allow-Credentials" not in reply.headers


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    "origin",
    [OTHER, None, "null", "*", "http://app.example.com", f"{PAGE}:8443", f"{PAGE}.evil.example"],
)
def test_another_page_may_read_nothing_and_caches_keep_the_answers_apart(
    funded: Api, origin: str | None
) -> None:
    reply = asked(funded, "GET", "/health", origin)

    assert reply.status_code == 200
    assert ALLOWED not in reply.headers
    assert EXPOSED not in reply.headers
    assert reply.headers["Vary"] == "Origin"


def test_without_a_named_origin_nothing_is_said_about_any(funded: Api) -> None:
    reply = asked(funded, "GET", "/health", PAGE)

    assert not {ALLOWED, EXPOSED, "Vary"} & reply.headers.keys()


@pytest.mark.usefixtures("named")
def test_what_a_cache_must_tell_apart_otherwise_is_kept(funded: Api) -> None:
    reply = asked(funded, "GET", "/openapi.json", PAGE)

    assert reply.headers["Vary"] == "Accept-Encoding, Origin"


@pytest.fixture
def small(named: None) -> Chalice:  # noqa: ARG001  # Asked for its settings.
    """An app with one path that needs a key, for two methods, and one that needs none."""
    routes, writes = Router("tests.reads"), Router("tests.writes")
    app = Chalice("small")
    app.register_middleware(cors.with_cors, "http")

    @routes.get("/ledgers/{ledger}/things")
    def things(ledger: str) -> Response[str]:
        return Response(ledger)

    @writes.post("/ledgers/{ledger}/things")
    def make(ledger: str) -> Response[str]:
        return Response(ledger)

    @routes.public("/open")
    def opened(**_: object) -> Response[str]:
        return Response("open")

    for router in (routes, writes):
        app.register_blueprint(router)
    cors.allow(app, [routes, writes])
    return app


def preflight(app: Chalice, path: str, origin: str) -> HTTPResponse:
    """What a browser asks before it sends a request with a key."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    with Client(app) as client:
        return client.http.request("OPTIONS", path, headers=headers)


def test_a_preflight_request_is_answered_without_a_key(small: Chalice) -> None:
    reply = preflight(small, "/ledgers/acme/things", PAGE)

    assert (reply.status_code, reply.body) == (200, b"")
    assert reply.headers[ALLOWED] == PAGE
    assert reply.headers["Vary"] == "Origin"
    methods = {"GET", "HEAD", "OPTIONS", "POST"}
    assert set(reply.headers["Access-Control-Allow-Methods"].split(", ")) == methods
    assert {"Authorization", "Content-Type", "Idempotency-Key", "If-Match"} <= set(
        reply.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert int(reply.headers["Access-Control-Max-Age"]) > 0


def test_a_preflight_request_of_another_page_permits_nothing(small: Chalice) -> None:
    reply = preflight(small, "/ledgers/acme/things", OTHER)

    assert reply.status_code == 200
    assert not [name for name in reply.headers if name.startswith("Access-Control-")]
    assert reply.headers["Vary"] == "Origin"


def test_only_what_needs_a_key_has_preflight_requests(small: Chalice) -> None:
    assert {path for path, methods in small.routes.items() if "OPTIONS" in methods} == {
        "/ledgers/{ledger}/things"
    }


@pytest.mark.usefixtures("with_cors")
def test_two_read_apis_of_different_hosts_allow_each_other(funded: Api) -> None:
    accounts, journal = "https://a.example.com/v1", "https://b.example.com/v1"
    with_port = "https://A.example.com:443/v1"  # A browser sends neither capitals nor this port.
    for roots, allows in (
        ((accounts, journal), True),
        ((with_port, journal), True),
        ((with_port, "https://a.example.com/journal"), False),
    ):
        for serves in (("accounts",), ("journal",), ("write",)):
            stage = replace(settings(), serves=serves, accounts_url=roots[0], journal_url=roots[1])
            with using(stage):
                reply = asked(funded, "GET", "/health", "https://a.example.com")
            assert (ALLOWED in reply.headers) == (allows and serves != ("write",))


class Laptop(Handler):
    """The handler of the local server, without a connection."""

    def __init__(self, origin: str) -> None:
        self.headers: Any = {"Origin": origin}
        self.close_connection = False
        self.sent: tuple[int, dict[str, Any], Any] | None = None

    def _send_http_response(self, code: int, headers: Any, body: Any) -> None:
        self.sent = code, headers, body


@pytest.mark.usefixtures("named")
def test_what_a_laptops_gateway_refuses_can_be_read_too(funded: Api) -> None:
    local = Laptop(PAGE)
    reply = funded.request("GET", "/nowhere")
    local._send_error_response(ForbiddenError(reply.headers, reply.body))

    assert local.sent is not None
    status, headers, body = local.sent
    assert (status, json.loads(body)["code"], headers[ALLOWED]) == (404, "not_found", PAGE)


@pytest.mark.usefixtures("named")
def test_a_write_that_a_browser_sends_without_asking_is_refused_as_before(funded: Api) -> None:
    path = f"/ledgers/{funded.ledger}/accounts/alice/close"
    reply = asked(funded, "POST", path, OTHER, **{"Content-Type": "text/plain"})

    assert_problem(reply, 415, "unsupported_media_type")
    assert ALLOWED not in reply.headers
