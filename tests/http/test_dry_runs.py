"""Dry runs: decided on the books as they are, and as they would be; and nothing is written."""

from typing import Any
from unittest.mock import ANY

import pytest

from chalicelib.events.table import EventItem
from tests.http.api import Api, assert_problem
from tests.http.cases import moving
from tests.http.clock import Clock


def dry(api: Api, body: dict[str, Any], **headers: str) -> Any:
    """What a dry run of a transaction is answered."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.post("/transactions?dry_run=true", body, sent)


def written(api: Api) -> int:
    """How many events this ledger has."""
    return sum(1 for item in EventItem.scan() if item.stream.startswith(f"{api.ledger}/"))


def test_a_dry_run_of_a_hold_shows_it_and_sets_nothing_aside(funded: Api) -> None:
    before = written(funded)

    reply = dry(funded, moving("alice", "cash", 400, pending={"timeout_seconds": 600}))

    assert reply.status_code == 200
    body = reply.json_body
    assert (body["dry_run"], body["state"], body["version"]) == (True, "pending", 1)
    assert body["expires_at"] is not None
    assert [(each["version"], each["balance_after"]) for each in body["entries"]] == [
        (3, "1000"),
        (3, "1000"),
    ]
    assert "Location" not in reply.headers
    assert "Idempotency-Replayed" not in reply.headers
    assert written(funded) == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (moving("alice", "cash", 1001), 422, "insufficient_funds"),
        (moving("alice", "nobody", 1), 404, "account_not_found"),
        (moving("alice", "cash", 0), 400, "invalid_amount"),
        ({**moving("cash", "alice", 7), "id": "first"}, 422, "idempotency_key_reused"),
    ],
)
def test_a_dry_run_is_refused_as_the_real_one_would_be_and_writes_nothing(
    funded: Api, body: dict[str, Any], status: int, code: str
) -> None:
    before = written(funded)
    real = funded.post("/transactions", body)

    reply = dry(funded, body)

    assert_problem(reply, status, code)
    assert reply.body == real.body
    assert written(funded) == before


def test_a_dry_run_takes_its_id_from_the_header_and_leaves_it_free(funded: Api) -> None:
    body = moving("alice", "cash", 5)
    del body["id"]

    reply = dry(funded, body, Idempotency_Key="key-1")

    assert reply.json_body["id"] == "key-1"
    assert funded.transfer("key-1", "cash", "alice", 9).status_code == 201


def test_a_dry_run_of_what_was_held_and_resolved_is_the_first_answer(funded: Api) -> None:
    held = funded.hold("new", "alice", "cash", "400")
    funded.post("/transactions/new/void", {})

    reply = dry(funded, moving("alice", "cash", 400, pending={"timeout_seconds": 600}))

    assert (reply.status_code, reply.json_body) == (200, {**held, "dry_run": True})


def test_a_dry_run_counts_on_money_whose_hold_has_expired_and_leaves_it_held(
    funded: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    clock.goes_on(days=365)
    funded.hold("h", "alice", "cash", "1000", seconds=60)
    clock.goes_on(seconds=60)
    before = written(funded)

    reply = dry(funded, moving("alice", "cash", 1000))
    real = funded.post("/transactions", moving("alice", "cash", 1000))

    assert before == written(funded) - 3 - 3  # Released, and posted: three events each.
    # The real one came a microsecond later, after the release.
    times = {"recorded_at": ANY, "effective_at": ANY}
    assert reply.json_body == {**real.json_body, "dry_run": True, **times}
    assert [each["version"] for each in real.json_body["entries"]] == [5, 5]


@pytest.mark.parametrize("value", ["", "1", "True", "yes", "null"])
def test_a_dry_run_is_asked_for_by_true_or_false(funded: Api, value: str) -> None:
    reply = funded.post(f"/transactions?dry_run={value}", moving("alice", "cash", 1))

    problem = assert_problem(reply, 400, "validation_failed")
    assert problem["errors"] == [{"field": "dry_run", "detail": "expected true or false"}]


@pytest.mark.parametrize(
    "path",
    [
        "/transactions/batch",
        "/transactions/first/reverse",
        "/transactions/first/post",
        "/transactions/first/void",
        "/accounts/alice/freeze",
        "/accounts",
    ],
)
def test_only_a_new_transaction_is_run_dry(funded: Api, path: str) -> None:
    problem = assert_problem(funded.post(f"{path}?dry_run=true", {}), 400, "validation_failed")

    assert problem["errors"] == [{"field": "dry_run", "detail": "is not a parameter here"}]
