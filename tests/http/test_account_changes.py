"""Accounts: changed on a condition, frozen by direction, closed when empty."""

import pytest

from tests.http.api import Api, assert_problem

OPEN = {"debits": False, "credits": False}


def test_limits_and_metadata_are_changed_and_the_rest_stays(funded: Api) -> None:
    reply = funded.patch("/accounts/alice", {"min_balance": "-5000", "metadata": {"tier": "2"}})

    assert reply.status_code == 200
    body = reply.json_body
    assert (body["min_balance"], body["max_balance"]) == ("-5000", None)
    assert (body["metadata"], body["version"], body["posted"]) == ({"tier": "2"}, 3, "1000")
    assert reply.headers["ETag"] == '"3"'
    funded.project()
    assert funded.get("/accounts/alice").json_body == body
    assert funded.get("/accounts/alice").headers["ETag"] == '"3"'
    assert funded.transfer("t", "alice", "cash", "6000").status_code == 201


def test_a_change_that_changes_nothing_writes_nothing(funded: Api) -> None:
    for body in ({"min_balance": "0"}, {"max_balance": None}, {"metadata": {"name": "Alice"}}):
        assert funded.patch("/accounts/alice", body).json_body["version"] == 2


def test_a_limit_is_lifted_by_null(funded: Api) -> None:
    assert funded.patch("/accounts/alice", {"min_balance": None}).json_body["min_balance"] is None


@pytest.mark.parametrize("tag", ['"2"', "2", "*"])
def test_a_change_is_made_to_the_version_it_was_meant_for(funded: Api, tag: str) -> None:
    reply = funded.patch("/accounts/alice", {"max_balance": "5000"}, {"If-Match": tag})

    assert (reply.status_code, reply.json_body["version"]) == (200, 3)


def test_a_stale_change_is_a_conflict_even_if_it_would_change_nothing(funded: Api) -> None:
    for body in ({"max_balance": "5000"}, {"metadata": {"name": "Alice"}}):
        problem = assert_problem(
            funded.patch("/accounts/alice", body, {"If-Match": '"1"'}), 409, "version_conflict"
        )
        assert (problem["version"], problem["if_version"]) == ("2", "1")


@pytest.mark.parametrize(
    "tag",
    [
        "seven",
        '"0"',
        "-1",
        '"2',
        '2"',
        '"2", "3"',
        "",
        "01",
        '"01"',
        "1e3",
        "1.0",
        "true",
        "\uff11",
        "9" * 17,
    ],
)
def test_what_is_no_version_is_refused(funded: Api, tag: str) -> None:
    problem = assert_problem(
        funded.patch("/accounts/alice", {"metadata": {}}, {"If-Match": tag}),
        400,
        "validation_failed",
    )

    assert problem["errors"] == [{"field": "If-Match", "detail": 'expected a version, such as "7"'}]


@pytest.mark.parametrize("body", [{"min_balance": "1001"}, {"max_balance": "999"}])
def test_a_limit_that_the_present_state_breaches_is_refused(
    funded: Api, body: dict[str, str]
) -> None:
    assert_problem(funded.patch("/accounts/alice", body), 422, "balance_limit_exceeded")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"asset": "EUR/2"}, "validation_failed"),
        ({"id": "bob"}, "validation_failed"),
        ({"min_balance": 1.5}, "invalid_amount"),
        ({"min_balance": "2", "max_balance": "1"}, "validation_failed"),
        ({"metadata": {"k": 1}}, "validation_failed"),
        ({"metadata": {"k": "v" * 4096}}, "validation_failed"),
    ],
)
def test_what_cannot_be_changed_is_refused(funded: Api, body: object, code: str) -> None:
    assert_problem(funded.patch("/accounts/alice", body), 400, code)


@pytest.mark.parametrize("body", [b"", {}, {"debits": True, "credits": True}])
def test_a_frozen_account_refuses_entries_until_it_is_unfrozen(funded: Api, body: object) -> None:
    frozen = funded.post("/accounts/alice/freeze", body)

    assert frozen.json_body["frozen"] == {"debits": True, "credits": True}
    for debit, credit in (("alice", "cash"), ("cash", "alice")):
        problem = assert_problem(funded.transfer("t", debit, credit, "1"), 422, "account_frozen")
        assert problem["account"] == "alice"
    assert funded.post("/accounts/alice/unfreeze", body).json_body["frozen"] == OPEN
    assert funded.transfer("t", "alice", "cash", "1").status_code == 201


def test_an_account_is_frozen_by_direction(funded: Api) -> None:
    body = {"debits": True, "credits": False}
    assert funded.post("/accounts/alice/freeze", body).json_body["frozen"] == body

    assert_problem(funded.transfer("t", "alice", "cash", "1"), 422, "account_frozen")
    assert_problem(funded.transfer("h", "alice", "cash", "1", pending={}), 422, "account_frozen")
    assert funded.transfer("u", "cash", "alice", "1").status_code == 201
    both = funded.post("/accounts/alice/freeze", {"credits": True}).json_body
    assert both["frozen"] == {"debits": True, "credits": True}
    half = funded.post("/accounts/alice/unfreeze", {"credits": True}).json_body
    assert half["frozen"] == body


def test_what_is_frozen_already_is_not_written_again(funded: Api) -> None:
    first = funded.post("/accounts/alice/freeze", {"debits": True}).json_body
    again = funded.post("/accounts/alice/freeze", {"debits": True}).json_body

    assert again == first


def test_what_was_held_before_a_freeze_is_still_resolved(funded: Api) -> None:
    funded.hold("h", "alice", "cash", "400")
    funded.post("/accounts/alice/freeze", {})

    assert funded.post("/transactions/h/post", {}).status_code == 200


def test_an_empty_account_is_closed_for_good(funded: Api) -> None:
    funded.transfer("t", "alice", "cash", "1000")
    closed = funded.post("/accounts/alice/close", {})

    assert (closed.status_code, closed.json_body["state"]) == (200, "closed")
    assert funded.post("/accounts/alice/close", b"").json_body == closed.json_body
    assert_problem(funded.transfer("u", "cash", "alice", "1"), 422, "account_closed")
    assert_problem(funded.patch("/accounts/alice", {"metadata": {}}), 422, "account_closed")
    assert_problem(funded.post("/accounts/alice/freeze", {}), 422, "account_closed")
    assert_problem(funded.post("/accounts/alice/unfreeze", {}), 422, "account_closed")
    funded.project()
    assert funded.get("/accounts/alice").json_body == closed.json_body


def test_an_account_that_holds_something_or_for_which_something_is_pending_stays_open(
    funded: Api,
) -> None:
    problem = assert_problem(funded.post("/accounts/alice/close", {}), 409, "account_not_empty")
    assert problem["posted"] == "1000"
    funded.open("bob")
    funded.hold("h", "alice", "bob", "1")
    problem = assert_problem(funded.post("/accounts/bob/close", {}), 409, "account_not_empty")
    assert problem["pending_credits"] == "1"


def test_what_is_not_there_cannot_be_changed(api: Api) -> None:
    assert_problem(api.patch("/accounts/nobody", {"metadata": {}}), 404, "account_not_found")
    for action in ("freeze", "unfreeze", "close"):
        assert_problem(api.post(f"/accounts/nobody/{action}", {}), 404, "account_not_found")
