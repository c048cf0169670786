"""Reads: parameters, paging to the end, and cursors that are not for this."""

from typing import Any
from urllib.parse import quote

import pytest
from chalice.test import Client

from app import app
from chalicelib.http.pagination import make_cursor
from tests.http.api import Api, assert_problem
from tests.http.test_api import ACCOUNT_FIELDS, ENTRY_FIELDS, TRANSACTION_FIELDS

LISTINGS = {
    "/accounts": ("accounts", ACCOUNT_FIELDS),
    "/accounts?prefix=customers:": ("accounts", ACCOUNT_FIELDS),
    "/accounts/cash/entries": ("entries", ENTRY_FIELDS),
    "/accounts/cash/entries?order=desc": ("entries", ENTRY_FIELDS),
    "/accounts/cash/statement": ("entries", ENTRY_FIELDS),
    "/accounts/cash/statement?from=2026-01-01T00:00:00Z": ("entries", ENTRY_FIELDS),
    "/transactions": ("transactions", TRANSACTION_FIELDS),
    "/transactions?reference=gift": ("transactions", TRANSACTION_FIELDS),
    "/transactions?from=2020-01-01T00:00:00Z&to=2120-01-01T00:00:00Z": (
        "transactions",
        TRANSACTION_FIELDS,
    ),
}


@pytest.fixture(scope="module")
def busy(moto: None) -> Api:  # noqa: ARG001  # Asked for its tables.
    """A ledger with four customers, each of whom was given 5, for tests that only read."""
    api = Api(Client(app), "reads-busy")
    api.open("cash", normal_balance="debit", min_balance=None)
    for number in range(4):
        api.open(f"customers:{number}")
        reply = api.transfer(f"t{number}", "cash", f"customers:{number}", 5, reference="gift")
        assert reply.status_code == 201
    api.project()
    return api


def follow(api: Api, path: str, limit: int) -> list[dict[str, Any]]:
    """The pages from the first to the last."""
    path += f"{'&' if '?' in path else '?'}limit={limit}"
    pages = []
    cursor = ""
    while cursor is not None:
        on = cursor and f"&cursor={cursor}"
        reply = api.get(f"{path}{on}")
        assert reply.status_code == 200, reply.body
        pages.append(reply.json_body)
        cursor = pages[-1]["next_cursor"]
        assert len(pages) < 50, "a listing without an end"
    return pages


@pytest.mark.parametrize("path", LISTINGS)
def test_a_listing_is_followed_to_its_end(busy: Api, path: str) -> None:
    rows, fields = LISTINGS[path]
    [whole] = follow(busy, path, 200)
    assert len(whole[rows]) >= 4

    pages = follow(busy, path, 3)

    assert [row for page in pages for row in page[rows]] == whole[rows]
    assert [len(page[rows]) for page in pages[:-1]] == [3] * (len(pages) - 1)
    for page in pages:
        assert page.keys() == whole.keys()
        assert all(row.keys() == fields for row in page[rows])


@pytest.mark.parametrize("path", LISTINGS)
@pytest.mark.parametrize("cursor", ["garbage", "!", "A", "é", "AAAAAAAAAAAA", "W10", "null"])
def test_a_cursor_that_was_not_ours_is_refused(busy: Api, path: str, cursor: str) -> None:
    sign = "&" if "?" in path else "?"

    reply = busy.get(f"{path}{sign}cursor={quote(cursor)}")

    assert_problem(reply, 400, "invalid_cursor")


@pytest.mark.parametrize("made_by", LISTINGS)
@pytest.mark.parametrize(
    "path", ["/accounts", "/accounts/cash/entries", "/accounts/cash/statement", "/transactions"]
)
def test_a_cursor_is_only_for_the_listing_that_made_it(busy: Api, made_by: str, path: str) -> None:
    sign = "&" if "?" in made_by else "?"
    cursor = busy.get(f"{made_by}{sign}limit=1").json_body["next_cursor"]

    reply = busy.get(f"{path}?cursor={cursor}")

    if made_by.partition("?")[0] == path:
        assert reply.status_code == 200
    else:
        assert_problem(reply, 400, "invalid_cursor")
    elsewhere = busy.request("GET", f"/ledgers/elsewhere{path}?cursor={cursor}")
    assert_problem(elsewhere, 400, "invalid_cursor")


def test_a_cursor_that_an_older_build_made_otherwise_is_refused(busy: Api) -> None:
    for path, of in (
        ("/accounts", ("accounts", busy.ledger)),
        ("/accounts/cash/entries", ("entries", busy.ledger, "cash")),
        ("/accounts/cash/statement", ("statement", busy.ledger, "cash")),
        ("/transactions", ("transactions", busy.ledger)),
    ):
        reply = busy.get(f"{path}?cursor={make_cursor('a', 'b', 'c', of=of)}")
        assert_problem(reply, 400, "invalid_cursor")


@pytest.mark.parametrize(
    ("balance", "until"), [("0", "x"), ("x", "1.1"), ("0", ""), ("0", ".".join(["1"] * 65))]
)
def test_a_cursor_that_was_made_up_is_refused(busy: Api, balance: str, until: str) -> None:
    of = ("statement", busy.ledger, "cash")
    period = ("2026", "2027", "USD/2", "0", "0", until, "~")
    made_up = make_cursor("2026#1", balance, *period, of=of)

    assert_problem(busy.get(f"/accounts/cash/statement?cursor={made_up}"), 400, "invalid_cursor")


@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "-1",
        "-0",
        "01",
        "201",
        "9" * 16,
        "1.0",
        "1.5",
        "1e2",
        "",
        "%20",
        "true",
        "null",
        "%D9%A1",
        "9" * 99,
    ],
)
def test_a_limit_that_is_no_number_from_1_to_200_is_refused(busy: Api, limit: str) -> None:
    for path in (
        "/accounts",
        "/accounts/cash/entries",
        "/accounts/cash/statement",
        "/transactions",
    ):
        problem = assert_problem(busy.get(f"{path}?limit={limit}"), 400, "validation_failed")
        [error] = problem["errors"]
        assert error["field"] == "limit"
        assert error["detail"].startswith("expected a whole number ")
        assert error["detail"].removeprefix("expected a whole number ") in (
            ">= 1",
            "<= 200",
            "of at most 16 digits, such as 7",
        )


@pytest.mark.parametrize(
    "version", ["-1", "-0", "01", "%201", "9" * 17, "1.0", "1e0", "", "one", "null"]
)
def test_a_version_that_is_no_whole_number_is_refused(busy: Api, version: str) -> None:
    for path in (
        "/accounts/cash",
        "/accounts/cash/balance",
        "/accounts/cash/entries",
        "/accounts/cash/statement",
        "/transactions/t1",
    ):
        problem = assert_problem(
            busy.get(f"{path}?min_version={version}"), 400, "validation_failed"
        )
        assert [error["field"] for error in problem["errors"]] == ["min_version"]


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-01", "12:00", "yesterday", "", "null", "0", "1793491200", "1793491200.5",
        "2026-11-01T00:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00%2B01:00",
    ],
)  # fmt: skip  # A list of times, not of lines.
def test_what_is_no_time_of_rfc_3339_is_refused(busy: Api, time: str) -> None:
    for path in (
        "/accounts/cash/balance?at",
        "/accounts/cash/statement?from",
        "/accounts/cash/statement?to",
        "/transactions?from",
        "/transactions?to",
    ):
        problem = assert_problem(busy.get(f"{path}={time}"), 400, "validation_failed")
        assert [error["field"] for error in problem["errors"]] == [path.partition("?")[2]]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/accounts?prefix=-a", "prefix"),
        ("/accounts?account=cash", "account"),
        ("/accounts/cash?surprise=1", "surprise"),
        ("/accounts/cash?account=customers:1", "account"),
        ("/accounts/cash/entries?order=", "order"),
        ("/accounts/cash/entries?order=ASC", "order"),
        ("/accounts/-cash/entries", "account"),
        ("/transactions?reference=" + "r" * 257, "reference"),
        ("/transactions/t1?ledger=elsewhere", "ledger"),
        ("/transactions/-t1", "transaction"),
        ("/trial-balance?surprise=1", "surprise"),
    ],
)
def test_a_parameter_that_is_not_as_it_should_be_is_named(busy: Api, path: str, field: str) -> None:
    problem = assert_problem(busy.get(path), 400, "validation_failed")

    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_ledger_that_cannot_be_named_so_is_refused(busy: Api) -> None:
    for path in ("accounts", "accounts/cash", "transactions", "transactions/t1", "trial-balance"):
        problem = assert_problem(
            busy.request("GET", f"/ledgers/-acme/{path}"), 400, "validation_failed"
        )
        assert [error["field"] for error in problem["errors"]] == ["ledger"]


def test_a_balance_says_the_time_it_was_asked_for(busy: Api) -> None:
    reply = busy.get("/accounts/cash/balance?at=2120-01-01T05:45:00.5%2B05:45&min_version=5")

    assert reply.json_body == {
        "account": "cash",
        "asset": "USD/2",
        "at": "2120-01-01T00:00:00.500000Z",
        "posted": "20",
        "version": 5,
        "final": False,
    }


def test_the_trial_balance_has_the_fields_of_the_contract(busy: Api) -> None:
    newest = busy.get("/transactions/t3").json_body
    assert busy.get("/trial-balance").json_body == {
        "ledger": busy.ledger,
        "as_of": newest["recorded_at"],
        "events": 5 + 4 * 2,
        "settled": True,
        "assets": [{"asset": "USD/2", "debits": "20", "credits": "20", "balanced": True}],
    }
