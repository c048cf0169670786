"""Times over HTTP: a balance at an instant, a statement of a period, entries and their versions."""

from itertools import pairwise
from typing import Any

import pytest
from chalice.test import Client

from app import app
from tests.http.api import Api, assert_problem
from tests.http.clock import Clock

OPENED, FIRST, HELD, POSTED, LAST = (f"2026-11-01T12:00:0{second}.000000Z" for second in range(5))
BEFORE_FIRST, BEFORE_LAST = "2026-11-01T12:00:00.999999Z", "2026-11-01T12:00:03.999999Z"


@pytest.fixture(scope="module")
def past(moto: None) -> Api:  # noqa: ARG001  # Asked for its tables.
    """Alice is given 100; 40 of it are held, 30 of those posted; then she is given 5: a second
    apart each.
    """
    with pytest.MonkeyPatch.context() as patch:
        clock, api = Clock(patch), Api(Client(app), "periods-past")
        api.open("cash", normal_balance="debit", min_balance=None)
        api.open("alice")
        clock.goes_on(seconds=1)
        api.transfer("first", "cash", "alice", 100, reference="gift")
        clock.goes_on(seconds=1)
        api.hold("h", "alice", "cash", 40)
        clock.goes_on(seconds=1)
        api.post("/transactions/h/post", {"amount": 30})
        clock.goes_on(seconds=1)
        api.transfer("last", "cash", "alice", 5, effective_at="2026-01-01T00:00:00Z")
        api.project()
    return api


@pytest.mark.parametrize(
    ("at", "posted", "version"),
    [
        ("2026-11-01T11:59:59.999999Z", "0", 0),
        (OPENED, "0", 1),
        (BEFORE_FIRST, "0", 1),
        (FIRST, "100", 2),
        (HELD, "100", 3),
        (POSTED, "70", 4),
        (BEFORE_LAST, "70", 4),
        (LAST, "75", 5),
        ("2120-01-01T00:00:00.000000Z", "75", 5),
    ],
)
def test_a_balance_is_the_one_after_the_last_event_at_or_before_its_time(
    past: Api, at: str, posted: str, version: int
) -> None:
    reply = past.get(f"/accounts/alice/balance?at={at}")

    assert (reply.status_code, reply.json_body) == (
        200,
        {
            "account": "alice",
            "asset": "USD/2",
            "at": at,
            "posted": posted,
            "version": version,
            "final": False,
        },
    )


@pytest.mark.parametrize(
    ("start", "end", "opening", "closing", "transactions"),
    [
        (OPENED, "2120-01-01T00:00:00.000000Z", "0", "75", ["first", "h", "last"]),
        (FIRST, LAST, "0", "70", ["first", "h"]),
        (HELD, LAST, "100", "70", ["h"]),
        (POSTED, LAST, "100", "70", ["h"]),
        (BEFORE_LAST, LAST, "70", "70", []),
        (LAST, LAST, "70", "70", []),
        (LAST, "2120-01-01T00:00:00.000000Z", "70", "75", ["last"]),
        ("2020-01-01T00:00:00.000000Z", FIRST, "0", "0", []),
    ],
)
def test_a_period_takes_what_was_recorded_from_its_start_and_before_its_end(
    past: Api, start: str, end: str, opening: str, closing: str, transactions: list[str]
) -> None:
    statement = past.get(f"/accounts/alice/statement?from={start}&to={end}").json_body

    assert (statement["from"], statement["to"]) == (start, end)
    assert (statement["opening_balance"], statement["closing_balance"]) == (opening, closing)
    assert [each["transaction"] for each in statement["entries"]] == transactions
    assert (statement["account"], statement["asset"]) == ("alice", "USD/2")


@pytest.mark.parametrize("path", ["/accounts/alice/statement", "/transactions"])
def test_a_period_that_begins_after_its_end_is_refused(past: Api, path: str) -> None:
    for query, why in (
        (f"from={LAST}&to={FIRST}", "is later than to"),
        ("from=9999-01-01T00:00:00Z", "is later than now"),
    ):
        problem = assert_problem(past.get(f"{path}?{query}"), 400, "validation_failed")
        assert problem["errors"] == [{"field": "from", "detail": why}]


def test_a_period_before_the_account_begins_and_ends_at_once(past: Api) -> None:
    end = "2026-10-31T00:00:00.000000Z"

    statement = past.get(f"/accounts/alice/statement?to={end}").json_body

    assert (statement["from"], statement["to"], statement["entries"]) == (end, end, [])
    assert (statement["opening_balance"], statement["closing_balance"]) == ("0", "0")


def test_a_statement_is_of_everything_until_now_unless_it_says_otherwise(past: Api) -> None:
    statement = past.get("/accounts/alice/statement").json_body

    assert statement["from"] == OPENED
    assert statement["to"] > LAST
    assert (statement["opening_balance"], statement["closing_balance"]) == ("0", "75")
    assert statement["next_cursor"] is None
    balances = ["0", *(each["balance_after"] for each in statement["entries"])]
    moved = [int(after) - int(before) for before, after in pairwise(balances)]
    assert moved == [100, -30, 5]


def test_every_page_of_a_statement_is_of_the_same_period(past: Api) -> None:
    query = f"from={FIRST}&to=2120-01-01T00:00:00Z&limit=1"
    pages: list[Any] = [past.get(f"/accounts/alice/statement?{query}").json_body]
    while pages[-1]["next_cursor"]:
        cursor = pages[-1]["next_cursor"]
        pages.append(past.get(f"/accounts/alice/statement?limit=1&cursor={cursor}").json_body)

    assert [[each["transaction"] for each in page["entries"]] for page in pages] == [
        ["first"],
        ["h"],
        ["last"],
    ]
    for page in pages:
        assert page | {"entries": [], "next_cursor": None} == pages[0] | {
            "entries": [],
            "next_cursor": None,
        }


def test_an_entry_is_what_moved_the_balance_and_its_version_is_the_accounts(past: Api) -> None:
    entries = past.get("/accounts/alice/entries").json_body["entries"]

    assert entries[0] == {
        "version": 2,
        "transaction": "first",
        "direction": "credit",
        "amount": "100",
        "balance_after": "100",
        "recorded_at": FIRST,
        "effective_at": FIRST,
        "reference": "gift",
    }
    # The account's third event is a hold, which moves nothing.
    assert [each["version"] for each in entries] == [2, 4, 5]
    assert [each["recorded_at"] for each in entries] == [FIRST, POSTED, LAST]
    assert entries[1]["effective_at"] == POSTED
    assert entries[2]["effective_at"] == "2026-01-01T00:00:00.000000Z"
    down = past.get("/accounts/alice/entries?order=desc").json_body["entries"]
    assert down == entries[::-1]


@pytest.mark.usefixtures("moto")
def test_accounts_are_listed_by_id_and_by_how_it_begins() -> None:
    api = Api(Client(app), "periods-accounts")
    for id in ("customers:b", "Z", "customers:a", "customers", "customersX", "a"):
        api.open(id)
    api.project()

    for prefix, found in (
        ("", ["Z", "a", "customers", "customers:a", "customers:b", "customersX"]),
        ("customers:", ["customers:a", "customers:b"]),
        ("customers", ["customers", "customers:a", "customers:b", "customersX"]),
        ("nobody", []),
    ):
        listed = api.get(f"/accounts?prefix={prefix}").json_body
        assert [each["id"] for each in listed["accounts"]] == found
        assert listed["next_cursor"] is None


@pytest.mark.usefixtures("moto")
@pytest.mark.parametrize("normal", ["debit", "credit"])
def test_limits_and_balances_are_counted_on_the_accounts_normal_side(
    ledger: str, normal: str
) -> None:
    api = Api(Client(app), ledger)
    api.open("world", min_balance=None)
    api.open("it", normal_balance=normal, min_balance="-5", max_balance="10")

    def move(id: str, amount: int, *, inwards: bool) -> Any:
        debit = ("it", "world") if inwards == (normal == "debit") else ("world", "it")
        return api.transfer(id, *debit, amount)

    assert_problem(move("a", 11, inwards=True), 422, "balance_limit_exceeded")
    assert move("b", 10, inwards=True).status_code == 201
    assert_problem(move("c", 16, inwards=False), 422, "insufficient_funds")
    assert move("d", 15, inwards=False).status_code == 201
    api.project()
    shown = api.get("/accounts/it").json_body
    assert (shown["posted"], shown["available"]) == ("-5", "-5")


@pytest.mark.usefixtures("moto")
@pytest.mark.parametrize("normal", ["debit", "credit"])
def test_what_is_pending_is_shown_by_side_and_available_is_less_what_is_to_go_out(
    ledger: str, normal: str
) -> None:
    api = Api(Client(app), ledger)
    api.open("world", min_balance=None)
    api.open("it", normal_balance=normal, min_balance=None)
    api.hold("a", "it", "world", 3)
    api.hold("b", "world", "it", 5)
    api.project()

    shown = api.get("/accounts/it").json_body

    assert (shown["pending_debits"], shown["pending_credits"]) == ("3", "5")
    assert (shown["posted"], shown["available"]) == ("0", "-5" if normal == "debit" else "-3")


def test_the_trial_balance_counts_what_was_posted_and_nothing_that_is_held(past: Api) -> None:
    assert past.get("/trial-balance").json_body == {
        "ledger": "periods-past",
        "as_of": LAST,
        "events": 2 + 2 * 4,
        "settled": True,
        "assets": [{"asset": "USD/2", "debits": "135", "credits": "135", "balanced": True}],
    }
