"""Edges: the most of everything is taken, and one more is refused; what may be left out, may."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.http.api import Api, assert_problem
from tests.http.cases import moving
from tests.http.clock import Clock

ACCOUNT = {"asset": "USD/2", "normal_balance": "credit"}
MOST_METADATA = {"k": "v" * (4096 - len('{"k":""}'))}
TEN_YEARS = 315_360_000


@pytest.mark.parametrize("id", ["a", "7", "A.b_c:d-e", "x" * 128])
def test_an_id_has_up_to_128_of_its_characters(funded: Api, id: str) -> None:
    assert funded.post("/accounts", {**ACCOUNT, "id": id}).status_code == 201
    assert funded.transfer(id, "cash", id, 1).status_code == 201
    funded.project()
    assert funded.get(f"/accounts/{id}").json_body["posted"] == "1"
    assert funded.get(f"/transactions/{id}").json_body["id"] == id


@pytest.mark.parametrize("id", ["", "x" * 129, "-a", ".a", "_a", ":a", "a b", "a/b", "é", "a\n"])
def test_what_is_no_id_is_refused(funded: Api, id: str) -> None:
    for path, body in (
        ("/accounts", {**ACCOUNT, "id": id}),
        ("/transactions", {**moving("cash", "alice", 1), "id": id}),
        ("/transactions/first/reverse", {"id": id}),
    ):
        problem = assert_problem(funded.post(path, body), 400, "validation_failed")
        assert [error["field"] for error in problem["errors"]] == ["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (moving("cash", "alice", 1, reference="é" * 256), None),
        (moving("cash", "alice", 1, reference="é" * 257), "reference"),
        (moving("cash", "alice", 1, metadata=MOST_METADATA), None),
        (moving("cash", "alice", 1, metadata={"kk": MOST_METADATA["k"]}), "metadata"),
        (moving("cash", "alice", 1, pending={"timeout_seconds": 1}), None),
        (moving("cash", "alice", 1, pending={"timeout_seconds": TEN_YEARS}), None),
        (
            moving("cash", "alice", 1, pending={"timeout_seconds": TEN_YEARS + 1}),
            "pending.timeout_seconds",
        ),
        (moving("cash", "alice", 1, pending={"seconds": 1}), "pending.seconds"),
        (moving("cash", "alice", 1, pending=600), "pending"),
        (moving("cash", "alice", 1, pending=None), None),
        (moving("cash", "alice", 1, reference=None, effective_at=None), None),
    ],
)
def test_the_most_of_a_transaction_is_taken_and_one_more_is_not(
    funded: Api, body: dict[str, Any], field: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It stands still, so that the shortest hold is still open when it is read.
    Clock(monkeypatch).now = datetime.now(UTC)
    reply = funded.post("/transactions", body)

    if field is None:
        assert reply.status_code == 201
        funded.project()
        assert funded.get("/transactions/new").json_body == reply.json_body
    else:
        problem = assert_problem(reply, 400, "validation_failed")
        assert [error["field"] for error in problem["errors"]] == [field]


def test_a_transaction_of_96_entries_is_whole_and_may_be_undone(funded: Api) -> None:
    lines = [
        *[{"account": "alice", "direction": "debit", "amount": 1}] * 95,
        {"account": "cash", "direction": "credit", "amount": 95},
    ]

    reply = funded.post("/transactions", {"id": "t", "entries": lines})

    assert [each["balance_after"] for each in reply.json_body["entries"][:95]] == [
        str(1000 - number) for number in range(1, 96)
    ]
    back = funded.post("/transactions/t/reverse", {})
    assert [each["version"] for each in back.json_body["entries"][1:]] == list(range(98, 193))


def test_several_assets_may_move_at_once(funded: Api) -> None:
    funded.open("euros", asset="EUR/2", min_balance=None)
    funded.open("points", asset="POINTS/0", min_balance=None)
    lines = [
        {"account": account, "direction": direction, "amount": amount}
        for account, amount in (("alice", 100), ("euros", 90), ("points", 1))
        for direction in ("debit", "credit")
    ]

    reply = funded.post("/transactions", {"entries": lines})

    assert [each["asset"] for each in reply.json_body["entries"]] == [
        *["USD/2"] * 2,
        *["EUR/2"] * 2,
        *["POINTS/0"] * 2,
    ]


@pytest.mark.parametrize("reason", ["", "r" * 257, 7])
def test_a_reason_has_1_to_256_characters(funded: Api, reason: object) -> None:
    funded.hold("h", "alice", "cash", 1)

    problem = assert_problem(
        funded.post("/transactions/h/void", {"reason": reason}), 400, "validation_failed"
    )

    assert [error["field"] for error in problem["errors"]] == ["reason"]
    whole = funded.post("/transactions/h/void", {"reason": "r" * 256}).json_body
    assert whole["void_reason"] == "r" * 256
    funded.project()
    assert funded.get("/transactions/h").json_body == whole


@pytest.mark.parametrize("key", ["", "no spaces", "k" * 256])
@pytest.mark.parametrize("action", ["post", "void"])
def test_a_key_of_a_resolution_is_one_too(funded: Api, action: str, key: str) -> None:
    funded.hold("h", "alice", "cash", 1)

    reply = funded.post(f"/transactions/h/{action}", {}, {"Idempotency-Key": key})

    problem = assert_problem(reply, 400, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == ["Idempotency-Key"]


def test_one_key_may_resolve_two_holds(funded: Api) -> None:
    for id in ("a", "b"):
        funded.hold(id, "alice", "cash", 1)
        reply = funded.post(f"/transactions/{id}/post", {}, {"Idempotency-Key": "key"})
        assert (reply.status_code, "Idempotency-Replayed" in reply.headers) == (200, False)


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/alice/freeze",
        "/accounts/alice/unfreeze",
        "/accounts/bob/close",
        "/transactions/h/post",
        "/transactions/h/void",
        "/transactions/first/reverse",
    ],
)
def test_an_action_needs_no_body(funded: Api, path: str) -> None:
    funded.open("bob")
    funded.hold("h", "alice", "cash", 1)
    funded.patch("/accounts/alice", {"min_balance": None})

    reply = funded.post(path, b"")

    assert reply.status_code in (200, 201), reply.body


@pytest.mark.parametrize("body", [{"debits": None}, {"debits": 1}, {"credits": "true"}, [], None])
@pytest.mark.parametrize("action", ["freeze", "unfreeze"])
def test_a_direction_is_true_or_false(funded: Api, action: str, body: object) -> None:
    reply = funded.post(f"/accounts/alice/{action}", body)

    assert_problem(reply, 400, "validation_failed")


def test_what_an_account_answers_bears_its_version_as_a_tag(api: Api) -> None:
    body = {**ACCOUNT, "id": "a"}
    asked = [
        api.post("/accounts", body),
        api.patch("/accounts/a", {"max_balance": "5"}),
        api.post("/accounts/a/freeze", {}),
        api.post("/accounts/a/unfreeze", {}),
        api.post("/accounts/a/close", {}),
        api.post("/accounts", body),
    ]
    api.project()
    asked.append(api.get("/accounts/a"))

    assert [each.headers["ETag"] for each in asked] == [f'"{n}"' for n in (1, 2, 3, 4, 5, 5, 5)]
    assert [each.json_body["version"] for each in asked] == [1, 2, 3, 4, 5, 5, 5]
