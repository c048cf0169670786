"""Listings over HTTP: by reference, by state, by time; each to its end, whatever is written."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from chalice.test import Client

from app import app
from tests.http.api import Api, assert_problem
from tests.http.clock import Clock


def filled(clock: Clock, api: Api) -> Api:
    """Seven transactions half a day apart, odd ones of an order, even ones pending."""
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("alice")
    for number in range(7):
        clock.goes_on(hours=12)
        more = {"reference": "order 7"} if number % 2 else {"pending": {"timeout_seconds": None}}
        assert api.transfer(f"t{number}", "cash", "alice", 1, **more).status_code == 201
    api.project()
    return api


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the Write API."""
    return Clock(monkeypatch)


@pytest.fixture
def days(clock: Clock, api: Api) -> Api:
    """Seven transactions, from midnight of 2 November on, in a ledger that goes on."""
    return filled(clock, api)


@pytest.fixture(scope="module")
def past(moto: None) -> Api:  # noqa: ARG001  # Asked for its tables.
    """Likewise in a ledger in which nothing more happens, for tests that only read."""
    with pytest.MonkeyPatch.context() as patch:
        return filled(Clock(patch), Api(Client(app), "listings-past"))


def ids(page: Any) -> list[str]:
    return [each["id"] for each in page["transactions"]]


def followed(api: Api, query: str, between: Callable[[], object] = lambda: None) -> list[str]:
    """The ids on all pages of two; something happens after each of them."""
    found, cursor = [], ""
    while cursor is not None:
        on = cursor and f"&cursor={cursor}"
        page = api.get(f"/transactions?limit=2{on}&{query}").json_body
        found += ids(page)
        cursor = page["next_cursor"]
        between()
        assert len(found) < 50, "a listing without an end"
    return found


LISTINGS = {
    "": ["t0", "t1", "t2", "t3", "t4", "t5", "t6"],
    "reference=order%207": ["t1", "t3", "t5"],
    "state=pending": ["t0", "t2", "t4", "t6"],
    "from=2026-11-03T00:00:00Z": ["t2", "t3", "t4", "t5", "t6"],
    "to=2026-11-03T00:00:00Z": ["t0", "t1"],
    "from=2026-11-02T12:00:00Z&to=2026-11-04T00:00:00Z": ["t1", "t2", "t3"],
    "reference=order%207&from=2026-11-02T12:00:00.000001Z": ["t3", "t5"],
    "reference=order%207&from=2026-11-02T12:00:00Z&to=2026-11-03T12:00:00.000001Z": ["t1", "t3"],
    "reference=order%208": [],
    "from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z": [],
}


@pytest.mark.parametrize("query", LISTINGS)
def test_transactions_are_listed_in_the_order_of_their_recording(past: Api, query: str) -> None:
    whole = past.get(f"/transactions?{query}").json_body

    assert (ids(whole), whole["next_cursor"]) == (LISTINGS[query], None)
    assert followed(past, query) == followed(past, f"order=asc&{query}") == LISTINGS[query]
    assert followed(past, f"order=desc&{query}") == LISTINGS[query][::-1]
    for listed in whole["transactions"]:
        assert listed == past.get(f"/transactions/{listed['id']}").json_body


@pytest.mark.parametrize("query", [query for query, found in LISTINGS.items() if len(found) > 2])
def test_what_is_written_meanwhile_hides_nothing_and_repeats_nothing(
    days: Api, clock: Clock, query: str
) -> None:
    written = iter(range(3))

    def write() -> None:
        number = next(written, None)
        if number is None:
            return
        clock.goes_on(hours=12)
        days.transfer(f"new-{number}", "cash", "alice", 1, reference="order 7")
        days.hold(f"held-{number}", "cash", "alice", 1)
        days.project()

    met = followed(days, query, write)

    assert [id for id in met if id.startswith("t")] == LISTINGS[query]
    assert len(met) == len(set(met))
    if "to=" in query:
        assert met == LISTINGS[query]


def test_a_hold_that_is_resolved_meanwhile_moves_no_other_out_of_sight(days: Api) -> None:
    def resolve() -> None:
        days.post("/transactions/t2/post", {})
        days.post("/transactions/t4/void", {})
        days.project()

    met = followed(days, "state=pending", resolve)

    assert met == ["t0", "t2", "t6"]


def test_a_resolved_hold_keeps_its_place_in_time_and_is_shown_as_it_is_now(days: Api) -> None:
    posted = days.post("/transactions/t2/post", {}).json_body
    days.project()

    listed = days.get("/transactions").json_body

    assert ids(listed) == LISTINGS[""]
    assert listed["transactions"][2] == posted
    assert ids(days.get("/transactions?state=pending").json_body) == ["t0", "t4", "t6"]


def test_a_reversal_is_listed_under_the_reference_of_what_it_reverses(days: Api) -> None:
    days.post("/transactions/t1/reverse", {"id": "back"})
    days.project()

    listed = days.get("/transactions?reference=order%207").json_body["transactions"]

    assert [each["id"] for each in listed] == ["t1", "t3", "t5", "back"]
    assert (listed[0]["reversed_by"], listed[3]["reverses"]) == ("back", "t1")


def test_an_expired_hold_that_nobody_has_released_is_not_listed_as_pending(
    clock: Clock, days: Api
) -> None:
    days.hold("h", "cash", "alice", 1, seconds=1)
    clock.goes_on(days=1)
    days.project()

    listed = days.get("/transactions?state=pending").json_body

    assert ids(listed) == ["t0", "t2", "t4", "t6"]
    assert days.get("/transactions/h").json_body["state"] == "expired"
    assert days.get("/accounts/alice").json_body["pending_credits"] == "4"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=pending&reference=order%207", "reference"),
        ("state=pending&from=2026-11-02T00:00:00Z", "from"),
        ("state=pending&to=2026-11-02T00:00:00Z", "to"),
        ("state=posted", "state"),
        ("state=", "state"),
        ("state=PENDING", "state"),
        ("reference=", "reference"),
        ("from=2026-11-03T00:00:00Z&to=2026-11-02T00:00:00Z", "from"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("min_version=1", "min_version"),
        ("order=up", "order"),
    ],
)
def test_a_listing_that_cannot_be_asked_for_says_why(api: Api, query: str, field: str) -> None:
    problem = assert_problem(api.get(f"/transactions?{query}"), 400, "validation_failed")

    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    "made_by", ["state=pending", "reference=order%207", "to=2026-11-04T00:00:00Z"]
)
@pytest.mark.parametrize(
    "query",
    ["state=pending", "reference=order%207", "reference=other", "from=2026-11-02T00:00:00Z"],
)
def test_a_cursor_goes_on_with_its_own_listing_only(past: Api, made_by: str, query: str) -> None:
    cursor = past.get(f"/transactions?limit=1&{made_by}").json_body["next_cursor"]

    reply = past.get(f"/transactions?cursor={cursor}&{query}")

    if query == made_by:
        assert reply.status_code == 200
    else:
        assert_problem(reply, 400, "invalid_cursor")


@pytest.mark.parametrize("reference", ["a/b", "100%", "é" * 256, "&state=pending", "#", " "])
def test_a_reference_may_be_any_text(api: Api, reference: str) -> None:
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("alice")
    posted = api.transfer("t", "cash", "alice", 1, reference=reference).json_body
    api.project()

    listed = api.get(f"/transactions?reference={quote(reference, safe='')}").json_body

    assert listed == {"transactions": [posted], "next_cursor": None}
