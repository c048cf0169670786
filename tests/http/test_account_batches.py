"""Accounts opened by one request, each on its own."""

import hashlib
import json
from typing import Any

import pytest

from chalicelib.backoff import Backoff
from chalicelib.commands import account_batch, routes
from chalicelib.commands.executor import Executor
from chalicelib.domain.errors import Contention
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.store import Busy
from tests.http.api import Api, assert_problem
from tests.http.cases import NOT_DIGITS

ACCOUNT = {"asset": "USD/2", "normal_balance": "credit"}


def opened(api: Api, *accounts: Any, **headers: str) -> list[Any]:
    """The results of a batch."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = api.post("/accounts/batch", {"accounts": accounts}, sent)
    assert reply.status_code == 200, reply.body
    found: list[Any] = reply.json_body["results"]
    return found


def named(id: str, **more: Any) -> dict[str, Any]:
    return {**ACCOUNT, "id": id, **more}


def test_a_hundred_accounts_are_opened_by_one_request(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine moto may take longer than a Lambda has.
    monkeypatch.setattr(account_batch, "PATIENCE_SECONDS", 600.0)
    accounts = [named(f"a{number:03d}", metadata={"n": str(number)}) for number in range(100)]

    results = opened(api, *accounts)

    assert [result["status"] for result in results] == [201] * 100
    assert [result["account"]["id"] for result in results] == [each["id"] for each in accounts]
    api.project()
    listed = api.get("/accounts?limit=200").json_body["accounts"]
    assert listed == [result["account"] for result in results]


def test_each_is_as_if_it_had_been_sent_alone(funded: Api) -> None:
    results = opened(
        funded,
        named("bob", min_balance="-5", max_balance=7),
        named("alice", metadata={"name": "Alice"}),
        named("alice", asset="EUR/2"),
        {**named("batch"), "min_balance": 0.5},
        named("spread", stripes=2, min_balance=None),
        "no account",
        named("bob", min_balance="-5", max_balance=7),
    )

    assert [result["status"] for result in results] == [201, 200, 409, 400, 201, 400, 200]
    assert [result.get("replayed", False) for result in results] == [
        *(False, True, False, False, False, False, True)
    ]
    assert results[0]["account"]["min_balance"] == "-5"
    assert results[1]["account"]["posted"] == "1000"
    assert results[2]["problem"]["code"] == "account_exists"
    assert results[3]["problem"]["errors"] == [
        {"field": "min_balance", "detail": NOT_DIGITS},
        {"field": "id", "detail": "batch is the name of a route, and no id"},
    ]
    assert results[4]["account"]["stripes"] == 2
    assert results[5]["problem"]["code"] == "validation_failed"


def test_of_one_id_the_first_counts(api: Api) -> None:
    results = opened(api, *[named("a", asset=asset) for asset in ("USD/2", "EUR/2", "USD/2")])

    assert [result["status"] for result in results] == [201, 409, 200]


@pytest.mark.parametrize("key", ["import", "k" * 127, "ann@example.com"])
def test_sent_again_with_its_key_a_batch_opens_nothing_twice(api: Api, key: str) -> None:
    accounts = [ACCOUNT, named("mine"), ACCOUNT]

    first = opened(api, *accounts, Idempotency_Key=key)
    again = opened(api, *accounts, Idempotency_Key=f'"{key}"')

    ids = [f"{key}:0", "mine", f"{key}:2"]
    if key != "import":
        ids = [
            id if id == "mine" else f"key-{hashlib.sha256(id.encode()).hexdigest()}" for id in ids
        ]
    assert [result["account"]["id"] for result in first] == ids
    assert [result["status"] for result in again] == [200] * 3
    assert [result["account"] for result in again] == [result["account"] for result in first]


def test_without_ids_and_key_each_gets_one(api: Api) -> None:
    ids = [result["account"]["id"] for result in opened(api, ACCOUNT, ACCOUNT)]

    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"accounts": []}, "accounts"),
        ({"accounts": {}}, "accounts"),
        ({}, "accounts"),
        ({"accounts": [ACCOUNT], "atomic": True}, "atomic"),
    ],
)
def test_a_batch_that_is_none_is_refused(api: Api, body: object, field: str) -> None:
    problem = assert_problem(api.post("/accounts/batch", body), 400, "validation_failed")

    assert [error["field"] for error in problem["errors"]] == [field]


def test_what_meets_contention_asks_for_the_batch_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object, **__: object) -> None:
        raise Contention

    with monkeypatch.context() as busy:
        busy.setattr(Executor, "execute", lose)
        reply = api.post("/accounts/batch", {"accounts": [named("a"), named("b")]})

    assert (reply.status_code, reply.headers["Retry-After"]) == (200, "1")
    assert [each["problem"]["code"] for each in reply.json_body["results"]] == ["contention"] * 2
    assert [each["status"] for each in opened(api, named("a"), named("b"))] == [201, 201]


def test_what_there_was_no_time_for_is_said_and_done_by_the_next(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.open("a")
    with monkeypatch.context() as late:
        late.setattr(account_batch, "PATIENCE_SECONDS", -1.0)
        reply = api.post("/accounts/batch", {"accounts": [named("a"), named("b")]})

    codes = [each["problem"]["code"] for each in reply.json_body["results"]]
    # An earlier request has opened the first: of that alone it is not known that nothing was done.
    assert codes == ["outcome_unknown", "not_attempted"]
    assert reply.headers["Retry-After"] == "1"
    assert [each["status"] for each in opened(api, named("a"), named("b"))] == [200, 201]


def test_what_was_opened_and_cannot_be_read_again_has_an_unknown_outcome(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Busy("ThrottlingException")

    executor = Executor(DynamoStore(), backoff=Backoff(deadline=-1.0), sleep=lambda _: None)
    monkeypatch.setattr(Executor, "retrying", fail)
    monkeypatch.setattr(routes, "executor", lambda: executor)

    reply = api.post("/accounts/batch", {"accounts": [named("a")]})

    assert [each["problem"]["code"] for each in reply.json_body["results"]] == ["outcome_unknown"]
    assert "account" not in json.loads(reply.body)["results"][0]
