"""Replays: the same request again gets the same answer, and a dry run leaves no trace."""

import re

from tests.http.api import Api, assert_problem
from tests.http.cases import moving
from tests.http.test_api import ACCOUNT_FIELDS, TRANSACTION_FIELDS

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_a_replayed_transaction_is_the_first_answer_byte_for_byte(funded: Api) -> None:
    fields = {"reference": "r", "metadata": {"b": "1", "a": "2"}}
    first = funded.transfer("t", "alice", "cash", "300", **fields)
    assert funded.transfer("later", "alice", "cash", "200").status_code == 201

    again = funded.transfer("t", "alice", "cash", "300", **fields)

    assert again.body == first.body
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


def test_a_transaction_that_would_be_refused_now_is_still_replayed(funded: Api) -> None:
    first = funded.transfer("t", "alice", "cash", "1000")
    assert_problem(funded.transfer("t2", "alice", "cash", "1"), 422, "insufficient_funds")

    assert funded.transfer("t", "alice", "cash", "1000").body == first.body


def test_other_content_under_a_used_id_is_not_replayed(funded: Api) -> None:
    funded.transfer("t", "alice", "cash", "5", reference="r", effective_at="2026-11-01T00:00:00Z")
    for fields in (
        {"reference": "r"},
        {"reference": "other", "effective_at": "2026-11-01T00:00:00Z"},
        {"reference": "r", "effective_at": "2026-11-01T00:00:00Z", "metadata": {"k": "v"}},
    ):
        reply = funded.transfer("t", "alice", "cash", "5", **fields)
        assert assert_problem(reply, 422, "idempotency_key_reused")["transaction"] == "t"
    same = {"reference": "r", "effective_at": "2026-11-01T05:45:00.000+05:45"}
    assert funded.transfer("t", "alice", "cash", 5, **same).status_code == 200


def test_a_key_that_is_not_the_id_is_refused_by_name(funded: Api) -> None:
    entries = moving("alice", "cash", 5, id="t")

    reply = funded.post("/transactions", entries, {"Idempotency-Key": "other"})

    problem = assert_problem(reply, 400, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == ["Idempotency-Key"]


def test_a_key_that_is_the_id_is_taken(funded: Api) -> None:
    funded.transfer("t", "alice", "cash", "5")
    entries = [
        {"account": "alice", "direction": "debit", "amount": "5"},
        {"account": "cash", "direction": "credit", "amount": "5"},
    ]

    for body in ({"id": "t", "entries": entries}, {"entries": entries}):
        reply = funded.post("/transactions", body, {"Idempotency-Key": "t"})
        assert (reply.status_code, reply.headers["Idempotency-Replayed"]) == (200, "true")


def test_an_account_that_is_opened_again_is_answered_as_it_is_now(funded: Api) -> None:
    body = {
        "id": "alice",
        "asset": "USD/2",
        "normal_balance": "credit",
        "min_balance": 0,
        "metadata": {"name": "Alice"},
    }

    again = funded.post("/accounts", body)

    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.headers["Location"] == f"/ledgers/{funded.ledger}/accounts/alice"
    assert again.json_body.keys() == ACCOUNT_FIELDS
    assert (again.json_body["posted"], again.json_body["version"]) == ("1000", 2)
    assert again.json_body["metadata"] == {"name": "Alice"}


def test_the_server_makes_the_ids_that_are_left_out(funded: Api) -> None:
    account = funded.post("/accounts", {"asset": "USD/2", "normal_balance": "credit"})
    transaction = funded.transfer(None, "cash", account.json_body["id"], "7")

    for kind, reply in (("accounts", account), ("transactions", transaction)):
        id = reply.json_body["id"]
        assert UUID.fullmatch(id)
        assert reply.headers["Location"] == f"/ledgers/{funded.ledger}/{kind}/{id}"
    funded.project()
    for reply in (account, transaction):
        path = reply.headers["Location"].removeprefix(f"/ledgers/{funded.ledger}")
        assert funded.get(path).json_body["id"] == reply.json_body["id"]


def test_a_dry_run_answers_as_the_real_one_would(funded: Api) -> None:
    body = {
        "id": "t",
        "reference": "r",
        "effective_at": "2026-11-01T00:00:00.000000Z",
        "entries": [
            {"account": "alice", "direction": "debit", "amount": 400},
            {"account": "cash", "direction": "credit", "amount": "400", "asset": "USD/2"},
        ],
        "metadata": {"k": "v"},
    }

    dry = funded.post("/transactions?dry_run=true", body).json_body
    wet = funded.post("/transactions?dry_run=false", body)

    assert dry.keys() == {*TRANSACTION_FIELDS, "dry_run"}
    assert wet.status_code == 201
    assert dry == {**wet.json_body, "dry_run": True, "recorded_at": dry["recorded_at"]}


def test_a_dry_run_is_refused_as_the_real_one_would_be(funded: Api) -> None:
    lines = [
        {"account": "alice", "direction": "debit", "amount": 1001},
        {"account": "cash", "direction": "credit", "amount": 1001},
    ]

    reply = funded.post("/transactions?dry_run=true", {"entries": lines})

    assert_problem(reply, 422, "insufficient_funds")


def test_a_dry_run_of_what_was_done_is_its_first_answer(funded: Api) -> None:
    first = funded.transfer("t", "alice", "cash", "300").json_body
    lines = [
        {"account": "alice", "direction": "debit", "amount": "300"},
        {"account": "cash", "direction": "credit", "amount": "300"},
    ]

    reply = funded.post("/transactions?dry_run=true", {"id": "t", "entries": lines})

    assert (reply.status_code, reply.json_body) == (200, {**first, "dry_run": True})


def test_a_dry_run_leaves_no_trace(funded: Api) -> None:
    lines = [
        {"account": "alice", "direction": "debit", "amount": "300"},
        {"account": "cash", "direction": "credit", "amount": "300"},
    ]
    reply = funded.post("/transactions?dry_run=true", {"id": "t", "entries": lines})
    assert reply.json_body["entries"][0]["balance_after"] == "700"

    funded.project()

    assert_problem(funded.get("/transactions/t"), 404, "transaction_not_found")
    assert funded.get("/accounts/alice").json_body["posted"] == "1000"
    [usd] = funded.get("/trial-balance").json_body["assets"]
    assert (usd["debits"], usd["credits"]) == ("1000", "1000")
