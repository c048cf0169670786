"""The contract, code by code: every problem that a route may answer is met, word for word.

The codes and their statuses are written here once more, as clients were promised them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

from app import app
from chalicelib.backoff import Backoff
from chalicelib.commands import account_requests
from chalicelib.commands import routes as write
from chalicelib.commands.executor import Executor
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.store import Busy
from chalicelib.http.problems import STATUS
from chalicelib.read_models import reading
from chalicelib.settings import ACCOUNTS, JOURNAL, WRITE, settings, using
from ops.gateway import answers
from ops.openapi import routes
from ops.stages import Stage
from tests.http.api import Api
from tests.http.cases import Case
from tests.http.refused import CASES
from tests.http.stocked import CHANGE, OPEN, OPEN_SEVERAL, READS, REVERSE, UNFREEZE, WRITES, stocked

PROMISED = {
    400: {"malformed_json", "validation_failed", "invalid_amount", "invalid_cursor"},
    401: {"unauthorized"},
    403: {"forbidden"},
    404: {"not_found", "ledger_not_found", "account_not_found", "transaction_not_found"},
    405: {"method_not_allowed"},
    409: {
        *("version_conflict", "account_exists", "account_not_empty", "already_reversed"),
        *("transaction_not_pending", "transaction_not_posted"),
    },
    413: {"request_too_large", "too_many_entries", "batch_too_large"},
    415: {"unsupported_media_type"},
    422: {
        *("unbalanced_transaction", "insufficient_funds", "balance_limit_exceeded"),
        *("account_frozen", "account_closed", "asset_mismatch", "exceeds_pending_amount"),
        "idempotency_key_reused",
    },
    424: {"batch_aborted"},
    429: {"rate_limited"},
    500: {"internal_error"},
    503: {
        *("contention", "not_attempted", "outcome_unknown", "projection_behind"),
        "unavailable",
    },
}
OF_ANY_WRITE = {
    "malformed_json": "the body is not JSON: expecting property name enclosed in double "
    "quotes, at character 2",
    "request_too_large": "a body is at most 262144 bytes",
    "unsupported_media_type": "send application/json",
    "contention": "too many writers at once; nothing was written",
}
OF_NO_ROUTE = {
    "unauthorized": "tests/http/test_auth_local.py::test_an_unknown_key_is_unauthorized",
    "forbidden": "tests/http/test_auth_local.py::"
    "test_a_key_that_may_only_read_is_forbidden_to_write",
    "not_found": "tests/http/test_gateway.py::test_a_path_that_no_route_serves_is_not_found",
    "method_not_allowed": "tests/http/test_contract.py::test_no_route_takes_another_method",
    "batch_aborted": "tests/http/test_batches.py::"
    "test_of_an_atomic_batch_with_one_refused_nothing_is_written",
    "not_attempted": "tests/http/test_account_batches.py::"
    "test_what_there_was_no_time_for_is_said_and_done_by_the_next",
    "rate_limited": "tests/http/test_contract.py::test_the_gateway_says_the_rest_alike",
    "internal_error": "tests/http/test_contract.py::test_what_nobody_foresaw_is_said_alike",
    "outcome_unknown": "tests/http/test_contract.py::"
    "test_what_is_done_and_cannot_be_read_again_has_an_unknown_outcome",
    "unavailable": "tests/http/test_errors.py::test_each_503_says_what_became_of_a_write",
}
"""What any route may answer, or the gateway before it, or a batch of its parts: and where met."""

IMPOSSIBLE = {(REVERSE, "account_not_found")}
"""Declared, and never answered: an account that a transaction has touched does not go away."""

ELSEWHERE = {
    ("GET /problems/{code}", "not_found"): (
        "tests/http/test_problem_pages.py::test_there_is_no_page_of_another_code"
    ),
    ("GET /ledgers", "invalid_cursor"): (
        "tests/http/test_ledgers.py::test_what_is_no_cursor_of_the_ledgers_is_refused"
    ),
    **{
        (f"GET /{listing}", "ledger_not_found"): (
            "tests/http/test_ledgers.py::"
            "test_of_a_ledger_of_which_nothing_has_arrived_there_is_no_listing"
        )
        for listing in ("accounts", "transactions", "trial-balance", "status")
    },
    ("GET /accounts", "projection_behind"): (
        "tests/http/test_stripes.py::test_it_is_listed_once_all_of_its_stripes_are_here"
    ),
}
"""Declared, and met where the ledger is not as it is here."""


@pytest.fixture(scope="module")
def stock(moto: None) -> Api:  # noqa: ARG001  # Asked for its tables.
    """The ledger that refuses, and that is as before after each refusal."""
    api = stocked(Api(Client(app), "contract"))
    api.project()
    return api


@pytest.fixture(autouse=True)
def strong() -> Iterator[None]:
    """A stage that may read the event table: elsewhere it refuses some routes altogether."""
    with using(replace(settings(), strong_reads=True)):
        yield


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that finds the projection behind says so at once."""
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", 0.0)


def send(api: Api, method: str, path: str, body: object, headers: dict[str, str]) -> HTTPResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {} if method == "GET" else {"Content-Type": "application/json"}
    return api.request(
        method, f"/ledgers/{api.ledger}{path}", headers={**sent, **headers}, body=raw
    )


def assert_answers(reply: HTTPResponse, expected: dict[str, Any]) -> None:
    """The whole problem, and its status in both places."""
    [status] = [status for status, codes in PROMISED.items() if expected["code"] in codes]
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert (reply.status_code, json.loads(reply.body)) == (status, {**expected, "status": status})
    assert reply.headers.get("Retry-After") == ("1" if status == 503 else None)


def path_of(route: str) -> tuple[str, str]:
    """The method and a path of this route."""
    method, path = route.split()
    return method, path.replace("{account}", "alice").replace("{transaction}", "held")


def declared() -> set[tuple[str, str]]:
    """Each route with each code that it says it refuses with."""
    return {
        (f"{route.method} {route.path.removeprefix('/ledgers/{ledger}')}", code)
        for route in routes()
        for code in route.errors
    }


def test_the_codes_are_those_that_clients_were_promised() -> None:
    assert {code: status for status, codes in PROMISED.items() for code in codes} == STATUS


def test_every_code_that_a_route_declares_is_met_here() -> None:
    met = {(case.route, case.code) for case in CASES}
    # The outcome is unknown to the gateway, where it loses the reply to a write; and nothing is
    # attempted where clocks are apart (tests/commands/test_clocks.py).
    of_time = {"not_attempted", "outcome_unknown"}
    met |= {(route, code) for route in WRITES for code in OF_ANY_WRITE.keys() | of_time}
    # Which are said of each account by itself.
    met -= {(OPEN_SEVERAL, code) for code in of_time | {"contention"}}

    assert declared() - IMPOSSIBLE - ELSEWHERE.keys() == met


def test_every_code_there_is_is_met_somewhere() -> None:
    met = {case.code for case in CASES} | OF_ANY_WRITE.keys() | OF_NO_ROUTE.keys()
    met |= {code for _, code in ELSEWHERE}

    assert met | {"validation_failed"} == STATUS.keys()
    for where in (*OF_NO_ROUTE.values(), *ELSEWHERE.values()):
        path, _, name = where.partition("::")
        assert re.search(rf"^def {name}\(", Path(path).read_text(), re.MULTILINE), where


def test_the_routes_of_a_ledger_are_those_asked_here() -> None:
    of_ledgers = {
        f"{route.method} {route.path.removeprefix('/ledgers/{ledger}')}"
        for route in routes()
        if route.path.startswith("/ledgers/")
    }

    assert {*WRITES, *READS} == of_ledgers


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.route} {case.code}")
def test_a_refusal_says_what_is_wrong_and_with_what_figures(stock: Api, case: Case) -> None:
    method = case.route.split()[0]

    reply = send(stock, method, case.path, case.body, case.headers)

    assert_answers(reply, case.problem)


@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize(
    ("code", "body", "headers"),
    [
        ("malformed_json", b"{", {}),
        ("request_too_large", b"{}".ljust(262_145), {}),
        ("unsupported_media_type", {}, {"Content-Type": "text/plain"}),
    ],
)
def test_a_body_that_no_route_takes_is_refused_by_each(
    stock: Api, route: str, code: str, body: object, headers: dict[str, str]
) -> None:
    reply = send(stock, *path_of(route), body, headers)

    assert_answers(reply, Case(route, code, "", None, OF_ANY_WRITE[code]).problem)


SOUND: dict[str, dict[str, object]] = {
    "POST /accounts": {"asset": "USD/2", "normal_balance": "debit"},
    "PATCH /accounts/{account}": {"max_balance": "5000"},
    "POST /transactions": {
        "entries": [
            {"account": "cash", "direction": "debit", "amount": 1},
            {"account": "alice", "direction": "credit", "amount": 1},
        ]
    },
    "POST /transactions/batch": {"transactions": [{}]},
    "POST /accounts/batch": {"accounts": [{}]},
}


@pytest.mark.parametrize("route", [route for route in WRITES if route != OPEN_SEVERAL])
def test_any_write_that_loses_every_race_asks_to_be_tried_again(
    stock: Api, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Contended(DynamoStore):
        def append(self, *_: object) -> None:
            raise Busy("ThrottlingException")

    executor = Executor(Contended(), backoff=Backoff(deadline=-1.0))
    monkeypatch.setattr(write, "executor", lambda: executor)
    method, path = path_of(route)
    body = SOUND.get(route, {})
    if path.endswith("/batch"):
        body = {"transactions": [SOUND["POST /transactions"]]}
    paths = {
        "/accounts/alice/unfreeze": "/accounts/iced/unfreeze",
        "/accounts/alice/close": "/accounts/carol/close",
        "/transactions/held/reverse": "/transactions/refill/reverse",
    }

    reply = send(stock, method, paths.get(path, path), body, {})

    assert_answers(reply, Case(route, "contention", "", None, OF_ANY_WRITE["contention"]).problem)


@pytest.mark.parametrize("route", [*WRITES, *READS])
def test_a_parameter_that_a_route_does_not_know_is_named(stock: Api, route: str) -> None:
    method, path = path_of(route)

    reply = send(stock, method, f"{path}?surprise=1", {}, {})

    detail = "surprise: is not a parameter here"
    assert_answers(reply, Case(route, "validation_failed", "", None, detail, at="surprise").problem)


@pytest.mark.parametrize("route", WRITES)
def test_a_field_that_a_route_does_not_know_is_named(stock: Api, route: str) -> None:
    body = SOUND.get(route, {})
    reply = send(stock, *path_of(route), {"surprise": 1, **body}, {})

    detail = "surprise: unknown field"
    assert_answers(reply, Case(route, "validation_failed", "", None, detail, at="surprise").problem)


@pytest.mark.parametrize("route", [*WRITES, *READS])
def test_no_route_takes_another_method(stock: Api, route: str) -> None:
    _, path = path_of(route)

    reply = send(stock, "DELETE", path, {}, {})

    detail = "this path does not take that method"
    assert_answers(reply, Case(route, "method_not_allowed", "", None, detail).problem)
    assert route.split()[0] in reply.headers["Allow"]


@pytest.mark.parametrize("route", WRITES)
def test_what_nobody_foresaw_is_said_alike(
    stock: Api, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(write, "executor", fail)
    body = SOUND.get(route, {})

    reply = send(stock, *path_of(route), body, {})

    detail = (
        "something went wrong on our side; send the request again: "
        "with the same id or Idempotency-Key it is done once"
    )
    assert_answers(reply, Case(route, "internal_error", "", None, detail).problem)


@pytest.mark.parametrize("route", [OPEN, CHANGE, UNFREEZE])
def test_what_is_done_and_cannot_be_read_again_has_an_unknown_outcome(
    stock: Api, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Busy("ThrottlingException")

    monkeypatch.setattr(account_requests, "account_of", fail)
    # What the accounts have already, so that the ledger stays as it is.
    bodies: dict[str, object] = {
        OPEN: {"id": "alice", "asset": "USD/2", "normal_balance": "credit"},
        CHANGE: {"max_balance": None},
        UNFREEZE: {},
    }

    reply = send(stock, *path_of(route), bodies[route], {})

    detail = (
        "it may have been written, or not; send the request again: "
        "with the same id or Idempotency-Key it is done once"
    )
    assert_answers(reply, Case(route, "outcome_unknown", "", None, detail).problem)


@pytest.mark.parametrize("half", [WRITE, ACCOUNTS, JOURNAL])
def test_the_gateway_says_the_rest_alike(half: str) -> None:
    problems = answers(Stage(half, "test", (half,), {})).values()

    for problem in problems:
        assert problem.code in PROMISED[problem.status]
        expected = Case("", problem.code, "", None, problem.detail).problem
        assert json.loads(problem.body()) == {**expected, "status": problem.status}
    assert {"unauthorized", "not_found", "rate_limited"} <= {problem.code for problem in problems}


def test_after_all_that_was_refused_the_books_are_as_they_were(stock: Api) -> None:
    before = stock.get("/transactions?limit=200").body, stock.get("/accounts?limit=200").body
    for case in CASES:
        send(stock, case.route.split()[0], case.path, case.body, case.headers)
    stock.project()

    assert (
        stock.get("/transactions?limit=200").body,
        stock.get("/accounts?limit=200").body,
    ) == before
