"""Reversal: the opposite entries, once, under the same rules as any transaction."""

import pytest

from chalicelib.domain.fields import rfc3339
from tests.http.api import Api, assert_problem
from tests.http.clock import Clock


def test_a_reversal_is_a_transaction_with_the_opposite_entries(funded: Api) -> None:
    reply = funded.post("/transactions/first/reverse", {"id": "back"})

    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/ledgers/{funded.ledger}/transactions/back"
    body = reply.json_body
    assert (body["state"], body["reverses"], body["reference"]) == ("posted", "first", "gift")
    assert body["metadata"] == {}
    assert [(e["account"], e["direction"], e["amount"]) for e in body["entries"]] == [
        ("alice", "debit", "1000"),
        ("cash", "credit", "1000"),
    ]
    funded.project()
    original = funded.get("/transactions/first").json_body
    assert (original["state"], original["version"], original["reversed_by"]) == (
        "posted",
        2,
        "back",
    )
    assert funded.get("/accounts/alice").json_body["posted"] == "0"
    assert funded.get("/transactions/back").json_body == body


def test_a_transaction_is_reversed_once(funded: Api) -> None:
    first = funded.post("/transactions/first/reverse", {"id": "back"})
    again = funded.post("/transactions/first/reverse", {"id": "back"})
    other = funded.post("/transactions/first/reverse", {"id": "back-too"})

    assert (again.status_code, again.json_body) == (200, first.json_body)
    assert again.headers["Idempotency-Replayed"] == "true"
    problem = assert_problem(other, 409, "already_reversed")
    assert problem["reversed_by"] == "back"


def test_the_id_of_a_reversal_may_come_in_a_header_or_from_the_server(funded: Api) -> None:
    named = funded.post("/transactions/first/reverse", b"", {"Idempotency-Key": "key-1"})
    made = funded.post("/transactions/key-1/reverse", {})

    assert named.json_body["id"] == "key-1"
    assert made.json_body["reverses"] == "key-1"
    assert len(made.json_body["id"]) == 36


def test_an_id_that_another_transaction_has_is_not_taken_for_a_reversal(funded: Api) -> None:
    funded.transfer("t", "alice", "cash", "1")

    assert_problem(
        funded.post("/transactions/first/reverse", {"id": "t"}), 422, "idempotency_key_reused"
    )


def test_only_what_is_posted_is_reversed(funded: Api) -> None:
    funded.hold("pending", "alice", "cash", "1")
    funded.hold("voided", "alice", "cash", "1")
    funded.post("/transactions/voided/void", {})

    for id in ("pending", "voided"):
        problem = assert_problem(
            funded.post(f"/transactions/{id}/reverse", {}), 409, "transaction_not_posted"
        )
        assert problem["state"] == id


def test_of_a_partly_posted_hold_what_was_posted_is_reversed(funded: Api) -> None:
    funded.hold("h", "alice", "cash", "400")
    funded.post("/transactions/h/post", {"amount": "300"})

    body = funded.post("/transactions/h/reverse", {"id": "back"}).json_body

    assert [entry["amount"] for entry in body["entries"]] == ["300", "300"]
    funded.project()
    assert funded.get("/accounts/alice").json_body["posted"] == "1000"
    assert funded.get("/transactions/h").json_body["version"] == 3


def test_a_reversal_obeys_limits_like_any_transaction(funded: Api) -> None:
    funded.transfer("spent", "alice", "cash", "1000")

    assert_problem(
        funded.post("/transactions/first/reverse", {"id": "back"}), 422, "insufficient_funds"
    )
    assert funded.post("/transactions/spent/reverse", {}).status_code == 201
    assert funded.post("/transactions/first/reverse", {"id": "back"}).status_code == 201


def test_a_reversal_may_be_reversed(funded: Api) -> None:
    funded.post("/transactions/first/reverse", {"id": "back"})

    again = funded.post("/transactions/back/reverse", {"id": "forth"})

    assert (again.status_code, again.json_body["reverses"]) == (201, "back")
    funded.project()
    assert funded.get("/accounts/alice").json_body["posted"] == "1000"


def test_a_reversal_counts_from_when_it_is_said_to_or_from_now(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("alice", min_balance=None)
    later = "2027-01-01T00:00:00.000000Z"
    api.transfer("t", "alice", "cash", "1", effective_at="2026-12-01T00:00:00.000000Z")
    early = api.post("/transactions/t/reverse", {"effective_at": "2026-11-30T00:00:00Z"})
    said = api.post("/transactions/t/reverse", {"id": "back", "effective_at": later})
    unsaid = api.post("/transactions/back/reverse", {"id": "forth"})
    api.transfer("u", "alice", "cash", "1")
    now = api.post("/transactions/u/reverse", {})

    problem = assert_problem(early, 400, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == ["effective_at"]
    assert said.json_body["effective_at"] == later
    assert unsaid.json_body["effective_at"] == later
    assert now.json_body["effective_at"] == now.json_body["recorded_at"] >= rfc3339(clock.now)
