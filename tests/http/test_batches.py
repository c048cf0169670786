"""Batches: all or none, or each on its own."""

from typing import Any

import pytest

from tests.http.api import Api, assert_problem


def moved(id: str | None, debit: str, credit: str, amount: str, **more: Any) -> dict[str, Any]:
    """A transaction of two entries."""
    named = {} if id is None else {"id": id}
    entries = [
        {"account": debit, "direction": "debit", "amount": amount},
        {"account": credit, "direction": "credit", "amount": amount},
    ]
    return {**named, "entries": entries, **more}


def batch(api: Api, *transactions: Any, atomic: bool = True, **headers: str) -> list[Any]:
    """The results of a batch."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"atomic": atomic, "transactions": transactions}
    reply = api.post("/transactions/batch", body, sent)
    assert reply.status_code == 200, reply.body
    found: list[Any] = reply.json_body["results"]
    return found


def codes(results: list[Any]) -> list[tuple[int, str | None]]:
    """The status of each result, and the code of its problem."""
    return [(each["status"], each.get("problem", {}).get("code")) for each in results]


@pytest.fixture
def wallets(funded: Api) -> Api:
    """A ledger in which Alice has 1000 and Bob nothing."""
    funded.open("bob")
    return funded


def test_several_transactions_on_one_account_are_chained_in_their_order(wallets: Api) -> None:
    results = batch(wallets, moved("a", "alice", "bob", "1000"), moved("b", "bob", "alice", "1000"))

    assert codes(results) == [(201, None), (201, None)]
    versions = [
        entry["version"]
        for result in results
        for entry in result["transaction"]["entries"]
        if entry["account"] == "alice"
    ]
    assert versions == [3, 4]
    wallets.project()
    assert wallets.get("/transactions/b").json_body == results[1]["transaction"]


def test_of_an_atomic_batch_with_one_refused_nothing_is_written(wallets: Api) -> None:
    results = batch(
        wallets,
        moved("a", "alice", "bob", "600"),
        moved("b", "alice", "bob", "401"),
        moved("c", "alice", "bob", "1"),
    )

    assert codes(results) == [
        (424, "batch_aborted"),
        (422, "insufficient_funds"),
        (424, "batch_aborted"),
    ]
    assert results[1]["problem"]["available"] == "400"
    wallets.project()
    assert wallets.get("/accounts/alice").json_body["version"] == 2


def test_independent_transactions_have_each_their_own_result(wallets: Api) -> None:
    results = batch(
        wallets,
        moved("a", "alice", "bob", "600"),
        moved("b", "alice", "bob", "401"),
        {"id": "c", "entries": "none"},
        moved("d", "alice", "nobody", "1"),
        moved("e", "alice", "bob", "400", pending={"timeout_seconds": 60}),
        atomic=False,
    )

    assert codes(results) == [
        (201, None),
        (422, "insufficient_funds"),
        (400, "validation_failed"),
        (404, "account_not_found"),
        (201, None),
    ]
    assert results[4]["transaction"]["state"] == "pending"


@pytest.mark.parametrize("atomic", [True, False])
def test_an_id_twice_in_one_batch_is_done_once(wallets: Api, atomic: bool) -> None:
    same = moved("a", "alice", "bob", "1")

    results = batch(wallets, same, same, atomic=atomic)
    other = batch(wallets, moved("b", "alice", "bob", "1"), moved("b", "alice", "bob", "2"))

    assert codes(results) == [(201, None), (200, None)]
    assert results[1] == {"status": 200, "transaction": results[0]["transaction"], "replayed": True}
    assert codes(other) == [(424, "batch_aborted"), (422, "idempotency_key_reused")]


def test_a_batch_that_is_sent_again_is_answered_again(wallets: Api) -> None:
    transactions = [moved("a", "alice", "bob", "1"), moved("b", "alice", "bob", "2")]
    first = batch(wallets, *transactions)
    again = batch(wallets, *transactions)

    assert codes(again) == [(200, None), (200, None)]
    assert [each["transaction"] for each in again] == [each["transaction"] for each in first]


def test_transactions_without_ids_take_theirs_from_the_key_of_the_batch(wallets: Api) -> None:
    transactions = [moved(None, "alice", "bob", "1"), moved("mine", "alice", "bob", "1")]
    first = batch(wallets, *transactions, Idempotency_Key="key")
    again = batch(wallets, *transactions, Idempotency_Key="key")
    unnamed = batch(wallets, moved(None, "alice", "bob", "1"))

    assert [each["transaction"]["id"] for each in first] == ["key:0", "mine"]
    assert codes(again) == [(200, None), (200, None)]
    assert len(unnamed[0]["transaction"]["id"]) == 36


def test_a_batch_is_atomic_unless_it_says_otherwise(wallets: Api) -> None:
    body = {"transactions": [moved("a", "alice", "bob", "1"), moved("b", "bob", "alice", "2")]}

    results = wallets.post("/transactions/batch", body).json_body["results"]

    assert codes(results) == [(424, "batch_aborted"), (422, "insufficient_funds")]


def test_an_atomic_batch_has_at_most_99_events(wallets: Api) -> None:
    fits = [moved(f"t{number}", "alice", "bob", "1") for number in range(33)]

    too_many = wallets.post(
        "/transactions/batch", {"transactions": [*fits, moved("t33", "alice", "bob", "1")]}
    )
    results = batch(wallets, *fits)

    problem = assert_problem(too_many, 413, "batch_too_large")
    assert (problem["size"], problem["most"], problem["of"]) == ("102", "99", "events")
    assert codes(results) == [(201, None)] * 33


def test_an_independent_batch_has_at_most_100_transactions(wallets: Api) -> None:
    body = {"atomic": False, "transactions": [{}] * 101}

    problem = assert_problem(wallets.post("/transactions/batch", body), 413, "batch_too_large")
    assert (problem["size"], problem["of"]) == ("101", "transactions")
    assert len(batch(wallets, *[{}] * 100, atomic=False)) == 100


def test_a_batch_of_nothing_is_refused(wallets: Api) -> None:
    problem = assert_problem(
        wallets.post("/transactions/batch", {"transactions": []}), 400, "validation_failed"
    )
    assert [error["field"] for error in problem["errors"]] == ["transactions"]
