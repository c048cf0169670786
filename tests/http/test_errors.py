"""Every code of the contract that can occur, each by a request that earns it."""

import json
from typing import Any

import pytest

from chalicelib.commands import executor
from chalicelib.commands import routes as write
from chalicelib.domain.errors import Contention
from chalicelib.http.problems import Problem, internal_error, outcome_unknown, unavailable
from chalicelib.read_models import reading
from tests.http.api import Api, assert_problem

ACCOUNT = {"id": "bob", "asset": "USD/2", "normal_balance": "credit"}


def entries(*lines: tuple[str, str, object]) -> dict[str, object]:
    return {
        "entries": [
            {"account": account, "direction": direction, "amount": amount}
            for account, direction, amount in lines
        ]
    }


@pytest.mark.parametrize("body", [b"", b"{", b"nope", b'{"id": "\xff"}', b'{"id": NaN}'])
def test_a_body_that_is_no_json_is_malformed(api: Api, body: bytes) -> None:
    assert_problem(api.post("/accounts", body), 400, "malformed_json")


def test_a_body_of_absurd_depth_is_malformed(api: Api) -> None:
    body = b'{"min_balance": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert_problem(api.post("/accounts", body), 400, "malformed_json")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surprise": 1}, "surprise"),
        ({"asset": 1}, "asset"),
        ({"asset": "USD"}, "asset"),
        ({"normal_balance": "left"}, "normal_balance"),
        ({"id": "no spaces"}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"metadata": {"k": 1}}, "metadata.k"),
        ({"metadata": {"k": "v" * 4096}}, "metadata"),
        ({"min_balance": "5", "max_balance": "4"}, "min_balance"),
    ],
)
def test_a_field_that_is_not_as_it_should_be_is_named(
    api: Api, change: dict[str, Any], field: str
) -> None:
    problem = assert_problem(api.post("/accounts", {**ACCOUNT, **change}), 400, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_missing_field_is_named(api: Api) -> None:
    problem = assert_problem(api.post("/accounts", {"asset": "USD/2"}), 400, "validation_failed")
    assert problem["errors"][0]["field"] == "normal_balance"


@pytest.mark.parametrize(
    "path",
    [
        "/accounts?limit=0",
        "/accounts?limit=201",
        "/accounts?limit=ten",
        "/accounts?surprise=1",
        "/accounts?ledger=other",
        "/accounts/alice?min_version=-1",
        "/accounts/alice/entries?order=up",
        "/accounts/alice/balance?at=yesterday",
        "/accounts/alice/balance?at=2026-01-01T00:00:00",
        "/accounts/alice/statement?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "/accounts/no%20spaces",
        "/transactions?reference=",
        "/trial-balance?at=2026-01-01T00:00:00Z",
    ],
)
def test_a_query_that_cannot_be_asked_is_refused(api: Api, path: str) -> None:
    problem = assert_problem(api.get(path), 400, "validation_failed")
    assert problem["errors"]


@pytest.mark.parametrize(
    "amount", ["1.0", "1e3", "true", "null", '"\u0661\u0662"', '" 1"', '"+1"', '"01"', '"1.0"',
               "-1", "0", '"-1"', '"0"', "[]", "{}", str(10**30 + 1), f'"{10**30 + 1}"', "9" * 400],
)  # fmt: skip  # A list of amounts, not of lines.
def test_what_is_no_amount_is_an_invalid_amount(api: Api, amount: str) -> None:
    lines = json.dumps(entries(("cash", "debit", "AMOUNT"), ("alice", "credit", 1)))
    body = lines.replace('"AMOUNT"', amount).encode()
    problem = assert_problem(api.post("/transactions", body), 400, "invalid_amount")
    assert problem["errors"][0]["field"] == "entries[0].amount"


@pytest.mark.parametrize("limit", [1.5, True, "1e3", str(-(10**30) - 1)])
def test_what_is_no_limit_is_an_invalid_amount(api: Api, limit: object) -> None:
    reply = api.post("/accounts", {**ACCOUNT, "min_balance": limit})
    assert_problem(reply, 400, "invalid_amount")


def test_a_cursor_opens_only_the_listing_it_was_made_for(funded: Api) -> None:
    funded.project()
    cursor = funded.get("/accounts?limit=1").json_body["next_cursor"]
    assert funded.get(f"/accounts?limit=1&cursor={cursor}").status_code == 200
    for path in (
        "/accounts?cursor=garbage",
        "/accounts?cursor=!!!",
        f"/accounts?prefix=a&cursor={cursor}",
        f"/transactions?cursor={cursor}",
        f"/accounts/alice/entries?cursor={cursor}",
    ):
        assert_problem(funded.get(path), 400, "invalid_cursor")
    elsewhere = funded.request("GET", f"/ledgers/other/accounts?cursor={cursor}")
    assert_problem(elsewhere, 400, "invalid_cursor")


def test_what_is_not_there_is_not_found(funded: Api) -> None:
    funded.project()
    for path in ("", "/balance", "/entries", "/statement"):
        assert_problem(funded.get(f"/accounts/nobody{path}"), 404, "account_not_found")
    assert_problem(funded.get("/transactions/never"), 404, "transaction_not_found")
    problem = assert_problem(funded.transfer("t", "cash", "nobody", 1), 404, "account_not_found")
    assert problem["account"] == "nobody"


def test_a_taken_id_with_other_content_is_a_conflict(funded: Api) -> None:
    reply = funded.post("/accounts", {**ACCOUNT, "id": "alice", "asset": "EUR/2"})
    assert_problem(reply, 409, "account_exists")
    assert_problem(funded.transfer("first", "cash", "alice", 7), 422, "idempotency_key_reused")


def test_a_transaction_has_at_most_96_entries(api: Api) -> None:
    lines = [("cash", "debit", 1), ("alice", "credit", 1)] * 48
    assert_problem(api.post("/transactions", entries(*lines)), 404, "account_not_found")
    lines.append(("cash", "debit", 1))
    assert_problem(api.post("/transactions", entries(*lines)), 413, "too_many_entries")


def test_a_body_is_at_most_256_kilobytes(api: Api) -> None:
    body = json.dumps({**ACCOUNT, "metadata": {"k": "v" * 262_144}}).encode()
    assert_problem(api.post("/accounts", body), 413, "request_too_large")


def test_the_books_refuse_with_their_figures(funded: Api) -> None:
    funded.open("full", max_balance="10")
    funded.open("euros", asset="EUR/2")

    problem = assert_problem(
        funded.transfer("t1", "alice", "cash", 1001), 422, "insufficient_funds"
    )
    assert (problem["available"], problem["asked"]) == ("1000", "1001")
    problem = assert_problem(
        funded.transfer("t2", "cash", "full", 11), 422, "balance_limit_exceeded"
    )
    assert (problem["balance"], problem["max_balance"]) == ("11", "10")
    assert_problem(funded.transfer("t3", "cash", "euros", 1), 422, "unbalanced_transaction")
    assert_problem(
        funded.post("/transactions", entries(("cash", "debit", 2), ("alice", "credit", 1))),
        422,
        "unbalanced_transaction",
    )
    wrong = entries(("cash", "debit", 1), ("alice", "credit", 1))
    wrong["entries"][0]["asset"] = "EUR/2"  # type: ignore[index]  # A list, as made above.
    assert_problem(funded.post("/transactions", wrong), 422, "asset_mismatch")


def test_a_method_or_a_media_type_that_is_not_taken_is_a_problem_too(api: Api) -> None:
    reply = api.request("DELETE", f"/ledgers/{api.ledger}/accounts")
    assert_problem(reply, 405, "method_not_allowed")
    assert reply.headers["Allow"]
    reply = api.post("/accounts", ACCOUNT, {"Content-Type": "text/plain"})
    assert_problem(reply, 415, "unsupported_media_type")


def test_contention_asks_to_try_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object, **__: object) -> None:
        raise Contention

    monkeypatch.setattr(executor.Executor, "execute", lose)
    reply = api.post("/accounts", ACCOUNT)
    assert_problem(reply, 503, "contention")
    assert reply.headers["Retry-After"] == "1"


def test_a_version_that_has_not_arrived_asks_to_try_again(
    funded: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", 0)
    funded.project()
    for path in (
        "/accounts/alice?min_version=3",
        "/accounts/nobody?min_version=1",
        "/accounts/alice/balance?min_version=3",
        "/accounts/alice/entries?min_version=3",
        "/accounts/alice/statement?min_version=3",
        "/transactions/first?min_version=2",
        "/transactions/never?min_version=1",
    ):
        reply = funded.get(path)
        assert_problem(reply, 503, "projection_behind")
        assert reply.headers["Retry-After"] == "1"


def test_what_nobody_foresaw_says_nothing_of_our_inside(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(write, "executor", fail)
    reply = api.post("/accounts", ACCOUNT)
    assert_problem(reply, 500, "internal_error")
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body


def test_each_503_says_what_became_of_a_write() -> None:
    assert (outcome_unknown().status, outcome_unknown().headers["Retry-After"]) == (503, "1")
    assert (unavailable().status, unavailable().headers["Retry-After"]) == (503, "1")
    assert "may have been written" in outcome_unknown().detail
    assert "nothing was written" in unavailable().detail


@pytest.mark.parametrize("problem", [outcome_unknown(), internal_error()], ids=lambda it: it.code)
def test_where_a_write_may_have_been_done_the_answer_says_how_to_find_out(
    problem: Problem,
) -> None:
    assert "with the same id or Idempotency-Key it is done once" in problem.detail
    assert "nothing is lost" not in problem.detail
