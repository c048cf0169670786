"""Refusals of one transaction that is wrong in several ways: which one is said."""

from typing import Any

import pytest

from tests.http.api import Api, assert_problem


def line(account: str, direction: str, amount: object, **more: object) -> dict[str, object]:
    return {"account": account, "direction": direction, "amount": amount, **more}


OUT = line("alice", "debit", 5000)


@pytest.fixture
def house(funded: Api) -> Api:
    """Accounts of every kind that refuses."""
    for id in ("frozen", "closed"):
        funded.open(id)
    funded.open("full", max_balance="0")
    funded.open("euros", asset="EUR/2", min_balance=None)
    funded.open("yen", asset="JPY/0", min_balance=None)
    funded.post("/accounts/frozen/freeze", {})
    funded.post("/accounts/closed/freeze", {})
    funded.post("/accounts/closed/close", {})
    return funded


@pytest.mark.parametrize(
    ("entries", "status", "code", "figure"),
    [
        # What is wrong with the request itself comes first: the books are not even asked.
        ([line("nobody", "debit", 1), line("cash", "credit", 0)], 400, "invalid_amount", None),
        ([line("nobody", "debit", 1)] * 97, 413, "too_many_entries", None),
        # Then, entry by entry, accounts that are not there and assets that are not theirs,
        (
            [line("cash", "debit", 1, asset="EUR/2"), line("nobody", "credit", 1)],
            *(422, "asset_mismatch", ("account", "cash")),
        ),
        (
            [line("nobody", "debit", 1), line("cash", "credit", 1, asset="EUR/2")],
            *(404, "account_not_found", ("account", "nobody")),
        ),
        ([OUT, line("nobody", "credit", 1)], 404, "account_not_found", ("account", "nobody")),
        # then the balance of each asset, in the order of the alphabet,
        ([OUT, line("frozen", "credit", 1)], 422, "unbalanced_transaction", ("asset", "USD/2")),
        (
            [line("yen", "debit", 1), line("cash", "debit", 1), line("euros", "debit", 1)],
            *(422, "unbalanced_transaction", ("asset", "EUR/2")),
        ),
        # then, entry by entry, what each account says: closed, frozen, short, full.
        (
            [line("cash", "debit", 1), line("closed", "credit", 1)],
            *(422, "account_closed", ("account", "closed")),
        ),
        ([OUT, line("frozen", "credit", 5000)], 422, "insufficient_funds", ("account", "alice")),
        (
            [line("frozen", "credit", 5000), OUT],
            *(422, "account_frozen", ("account", "frozen")),
        ),
        (
            [line("full", "credit", 5000), OUT],
            *(422, "balance_limit_exceeded", ("account", "full")),
        ),
    ],
)
@pytest.mark.parametrize("more", [{}, {"pending": {"timeout_seconds": 60}}])
def test_of_several_things_that_are_wrong_the_first_is_said(
    house: Api,
    entries: list[dict[str, Any]],
    status: int,
    code: str,
    figure: tuple[str, str] | None,
    more: dict[str, Any],
) -> None:
    reply = house.post("/transactions", {"id": "t", "entries": entries, **more})

    problem = assert_problem(reply, status, code)
    if figure is not None:
        name, value = figure
        assert problem[name] == value


def test_an_id_that_was_used_is_said_before_anything_of_the_books(house: Api) -> None:
    reply = house.post(
        "/transactions", {"id": "first", "entries": [OUT, line("nobody", "credit", 1)]}
    )

    assert_problem(reply, 422, "idempotency_key_reused")


def test_a_transaction_that_was_done_is_answered_whatever_its_accounts_refuse_now(
    house: Api,
) -> None:
    done = house.transfer("t", "alice", "cash", "1000")
    house.post("/accounts/alice/close", {})

    again = house.transfer("t", "alice", "cash", "1000")

    assert (again.status_code, again.body) == (200, done.body)


@pytest.mark.parametrize("asset", [None, "USD/2"])
def test_of_the_content_is_an_asset_that_is_not_the_accounts(house: Api, asset: str | None) -> None:
    credit = line("cash", "credit", 1)
    house.post("/transactions", {"id": "t", "entries": [line("alice", "debit", 1), credit]})

    named = {"id": "t", "entries": [line("alice", "debit", "1", asset=asset), credit]}
    assert house.post("/transactions", named).status_code == 200
    wrong = {"id": "t", "entries": [line("alice", "debit", 1, asset="EUR/2"), credit]}
    assert_problem(house.post("/transactions", wrong), 422, "idempotency_key_reused")


def test_entries_take_effect_in_their_order_each_within_the_limits(house: Api) -> None:
    gives = [line("cash", "debit", 9), line("frozen", "credit", 9)]
    house.post("/accounts/frozen/unfreeze", {})
    takes = [line("frozen", "debit", 9), line("cash", "credit", 9)]

    assert_problem(
        house.post("/transactions", {"id": "t", "entries": [*takes, *gives]}),
        *(422, "insufficient_funds"),
    )
    reply = house.post("/transactions", {"id": "t", "entries": [*gives, *takes]})
    assert [each["balance_after"] for each in reply.json_body["entries"]] == [
        "1009",
        "9",
        "0",
        "1000",
    ]


@pytest.mark.parametrize("tag", ['"1"', "1"])
def test_a_stale_version_is_said_before_anything_else_of_an_account(house: Api, tag: str) -> None:
    stale = {"If-Match": tag}

    breach = {"max_balance": "1"}
    assert_problem(house.patch("/accounts/closed", breach, stale), 409, "version_conflict")
    assert_problem(house.patch("/accounts/alice", breach, stale), 409, "version_conflict")
    # But after what is wrong with the request itself, and after what is not there.
    assert_problem(house.patch("/accounts/alice", {"surprise": 1}, stale), 400, "validation_failed")
    absent = house.patch("/accounts/nobody", breach, stale)
    assert_problem(absent, 404, "account_not_found")
