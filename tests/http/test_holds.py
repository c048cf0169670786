"""Pending transactions: made, posted wholly or in part, voided, and expired to the microsecond."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.fields import rfc3339
from tests.http.api import Api, assert_problem
from tests.http.clock import NOON, Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the Write API."""
    return Clock(monkeypatch)


def account(api: Api, id: str) -> Any:
    """An account as its room has it, once everything has been projected."""
    api.project()
    return api.get(f"/accounts/{id}").json_body


def figures(api: Api, id: str) -> tuple[str, str, str, str]:
    """Posted, pending debits, pending credits and available."""
    shown = account(api, id)
    return (
        shown["posted"],
        shown["pending_debits"],
        shown["pending_credits"],
        shown["available"],
    )


def test_a_hold_sets_the_amount_aside_and_moves_nothing(clock: Clock, funded: Api) -> None:
    clock.goes_on(seconds=1)
    held = funded.hold("h", "alice", "cash", "400")

    assert held["state"] == "pending"
    assert held["expires_at"] == rfc3339(clock.now.replace(minute=10))
    assert [entry["balance_after"] for entry in held["entries"]] == ["1000", "1000"]
    assert figures(funded, "alice") == ("1000", "400", "0", "600")
    assert figures(funded, "cash") == ("1000", "0", "400", "600")
    problem = assert_problem(
        funded.transfer("t", "alice", "cash", "601"), 422, "insufficient_funds"
    )
    assert (problem["available"], problem["asked"]) == ("600", "601")
    assert funded.get("/transactions/h").json_body == held


@pytest.mark.parametrize("pending", [{"timeout_seconds": None}, {}])
def test_a_hold_without_a_timeout_never_expires(
    clock: Clock, funded: Api, pending: dict[str, None]
) -> None:
    made = funded.transfer("h", "alice", "cash", "400", pending=pending).json_body
    clock.goes_on(days=3650)

    assert (made["state"], made["expires_at"]) == ("pending", None)
    assert funded.post("/transactions/h/post", {}).json_body["state"] == "posted"


def test_a_posted_transaction_says_nothing_of_expiry(funded: Api) -> None:
    made = funded.transfer("t", "alice", "cash", "1").json_body

    assert "expires_at" not in made
    assert "resolved_at" not in made


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "600", True, 315_360_001])
def test_a_timeout_is_a_whole_number_of_seconds_up_to_ten_years(
    funded: Api, seconds: object
) -> None:
    reply = funded.transfer("h", "alice", "cash", "1", pending={"timeout_seconds": seconds})

    assert_problem(reply, 400, "validation_failed")


@pytest.mark.parametrize("body", [b"", {}])
def test_a_hold_is_posted_as_a_whole(clock: Clock, funded: Api, body: object) -> None:
    held = funded.hold("h", "alice", "cash", "400")
    clock.goes_on(seconds=5)

    reply = funded.post("/transactions/h/post", body)

    assert reply.status_code == 200
    posted = reply.json_body
    assert (posted["state"], posted["version"]) == ("posted", 2)
    assert posted["recorded_at"] == held["recorded_at"]
    assert posted["resolved_at"] == rfc3339(clock.now)
    assert [
        (entry["account"], entry["amount"], entry["version"], entry["balance_after"])
        for entry in posted["entries"]
    ] == [("alice", "400", 4, "600"), ("cash", "400", 4, "600")]
    assert figures(funded, "alice") == ("600", "0", "0", "600")
    assert funded.get("/transactions/h?min_version=2").json_body == posted


def test_a_hold_is_posted_in_part_and_the_rest_is_free(funded: Api) -> None:
    funded.hold("h", "alice", "cash", "400")

    posted = funded.post("/transactions/h/post", {"amount": "300"}).json_body

    assert [entry["amount"] for entry in posted["entries"]] == ["300", "300"]
    assert figures(funded, "alice") == ("700", "0", "0", "700")
    entries = funded.get("/accounts/alice/entries").json_body["entries"]
    assert [(entry["transaction"], entry["amount"]) for entry in entries] == [
        ("first", "1000"),
        ("h", "300"),
    ]


def test_no_more_is_posted_than_is_held(funded: Api) -> None:
    funded.hold("h", "alice", "cash", "400")

    problem = assert_problem(
        funded.post("/transactions/h/post", {"amount": "401"}), 422, "exceeds_pending_amount"
    )

    assert (problem["held"], problem["asked"]) == ("400", "401")
    assert funded.post("/transactions/h/post", {"amount": "400"}).status_code == 200


def test_only_a_hold_of_two_entries_is_posted_in_part(funded: Api) -> None:
    body = {
        "id": "h",
        "pending": {"timeout_seconds": 60},
        "entries": [
            {"account": "alice", "direction": "debit", "amount": "3"},
            {"account": "cash", "direction": "credit", "amount": "2"},
            {"account": "cash", "direction": "credit", "amount": "1"},
        ],
    }
    assert funded.post("/transactions", body).status_code == 201

    problem = assert_problem(
        funded.post("/transactions/h/post", {"amount": "3"}), 400, "validation_failed"
    )
    assert [error["field"] for error in problem["errors"]] == ["amount"]
    assert funded.post("/transactions/h/post", {}).status_code == 200


@pytest.mark.parametrize("body", [b"", {}, {"reason": "out of stock"}])
def test_a_voided_hold_frees_all_of_it(clock: Clock, funded: Api, body: Any) -> None:
    held = funded.hold("h", "alice", "cash", "400")
    clock.goes_on(seconds=5)

    voided = funded.post("/transactions/h/void", body).json_body

    assert (voided["state"], voided["version"]) == ("voided", 2)
    assert voided["entries"] == held["entries"]
    assert voided.get("void_reason") == (body["reason"] if body else None)
    assert figures(funded, "alice") == ("1000", "0", "0", "1000")


@pytest.mark.parametrize("action", ["post", "void"])
def test_a_hold_is_resolved_once(funded: Api, action: str) -> None:
    funded.hold("h", "alice", "cash", "400")
    assert funded.post(f"/transactions/h/{action}", {}).status_code == 200

    for again in ("post", "void"):
        assert_problem(funded.post(f"/transactions/h/{again}", {}), 409, "transaction_not_pending")


@pytest.mark.parametrize(("action", "body"), [("post", {"amount": "7"}), ("void", {"reason": "x"})])
def test_with_its_key_a_resolution_is_answered_again(
    funded: Api, action: str, body: dict[str, str]
) -> None:
    funded.hold("h", "alice", "cash", "400")
    key = {"Idempotency-Key": "once"}
    first = funded.post(f"/transactions/h/{action}", body, key)
    again = funded.post(f"/transactions/h/{action}", body, key)
    other = funded.post(f"/transactions/h/{action}", {}, key)
    another = funded.post(f"/transactions/h/{action}", body, {"Idempotency-Key": "twice"})

    assert "Idempotency-Replayed" not in first.headers
    assert (again.status_code, again.json_body) == (200, first.json_body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert_problem(other, 422, "idempotency_key_reused")
    assert_problem(another, 409, "transaction_not_pending")


@pytest.mark.parametrize("action", ["post", "void"])
def test_until_the_last_microsecond_a_hold_can_be_resolved(
    clock: Clock, funded: Api, action: str
) -> None:
    clock.goes_on(seconds=1)
    funded.hold("h", "alice", "cash", "400", seconds=60)
    clock.goes_on(seconds=60, microseconds=-1)

    assert funded.post(f"/transactions/h/{action}", {}).status_code == 200


@pytest.mark.parametrize("action", ["post", "void"])
def test_at_the_instant_of_its_expiry_it_cannot_and_the_money_is_free(
    clock: Clock, funded: Api, action: str
) -> None:
    clock.goes_on(seconds=1)
    funded.hold("h", "alice", "cash", "400", seconds=60)
    clock.goes_on(seconds=60)

    problem = assert_problem(
        funded.post(f"/transactions/h/{action}", {}), 409, "transaction_not_pending"
    )
    assert problem["state"] == "expired"
    assert funded.transfer("t", "alice", "cash", "1000").status_code == 201
    funded.project()
    expired = funded.get("/transactions/h").json_body
    assert (expired["state"], expired["version"]) == ("expired", 2)
    assert expired["resolved_at"] == expired["expires_at"] == rfc3339(clock.now)
    assert figures(funded, "alice") == ("0", "0", "0", "0")


def test_what_does_not_exist_can_be_neither_posted_nor_voided(funded: Api) -> None:
    for action in ("post", "void", "reverse"):
        assert_problem(
            funded.post(f"/transactions/nothing/{action}", {}), 404, "transaction_not_found"
        )


def test_what_was_never_held_can_be_neither_posted_nor_voided(funded: Api) -> None:
    for action in ("post", "void"):
        problem = assert_problem(
            funded.post(f"/transactions/first/{action}", {}), 409, "transaction_not_pending"
        )
        assert problem["state"] == "posted"


def test_limits_count_a_hold_in_full_so_that_resolving_it_breaches_none(funded: Api) -> None:
    funded.open("bob", max_balance="500")
    funded.hold("h", "alice", "bob", "400")

    problem = assert_problem(
        funded.transfer("t", "alice", "bob", "101"), 422, "balance_limit_exceeded"
    )
    assert problem["balance"] == "501"
    assert funded.transfer("u", "alice", "bob", "100").status_code == 201
    assert_problem(
        funded.patch("/accounts/bob", {"max_balance": "499"}), 422, "balance_limit_exceeded"
    )
    assert funded.post("/transactions/h/post", {}).status_code == 200
    assert figures(funded, "bob") == ("500", "0", "0", "500")


def test_a_hold_that_is_sent_again_is_answered_again(clock: Clock, funded: Api) -> None:
    held = funded.hold("h", "alice", "cash", "400")
    funded.post("/transactions/h/post", {})

    again = funded.transfer("h", "alice", "cash", "400", pending={"timeout_seconds": 600})
    other = funded.transfer("h", "alice", "cash", "400", pending={"timeout_seconds": 601})
    posted = funded.transfer("h", "alice", "cash", "400")

    assert (again.status_code, again.json_body) == (200, held)
    assert_problem(other, 422, "idempotency_key_reused")
    assert_problem(posted, 422, "idempotency_key_reused")
    assert NOON <= datetime.fromisoformat(held["recorded_at"]) <= clock.now + timedelta(seconds=1)


def test_pending_transactions_are_listed_until_they_are_resolved(clock: Clock, funded: Api) -> None:
    held = []
    for number in range(5):
        clock.goes_on(seconds=1)
        held.append(funded.hold(f"h{number}", "alice", "cash", "1"))
    funded.post("/transactions/h1/post", {})
    funded.post("/transactions/h3/void", {})
    funded.project()

    page = funded.get("/transactions?state=pending&limit=2").json_body
    listed = page["transactions"]
    while page["next_cursor"]:
        page = funded.get(f"/transactions?cursor={page['next_cursor']}&limit=2").json_body
        listed += page["transactions"]

    assert listed == [held[0], held[2], held[4]]


@pytest.mark.parametrize("query", ["state=posted", "state=pending&reference=r", "state="])
def test_only_pending_is_listed_by_state_and_alone(funded: Api, query: str) -> None:
    assert_problem(funded.get(f"/transactions?{query}"), 400, "validation_failed")
