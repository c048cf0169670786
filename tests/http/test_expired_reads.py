"""Reads of holds: at the instant of its expiry a hold is expired and its money free, in every read,
though nothing has released it.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.holds import MOST_LISTED
from chalicelib.settings import read_again, settings
from tests.http.api import Api
from tests.http.clock import Clock

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the ledger."""
    return Clock(monkeypatch)


@pytest.fixture(params=["eventual", "strong"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """How it is read: eventually consistent and strong."""
    monkeypatch.setenv("TWOFOLD_STRONG_READS", "1")
    read_again()
    settings()
    yield f"consistency={request.param}"
    monkeypatch.undo()
    read_again()
    settings()


def read(api: Api, path: str, how: str) -> Any:
    """What a read answers once everything has been projected."""
    api.project()
    reply = api.get(f"{path}?{how}")
    assert reply.status_code == 200, reply.body
    return reply.json_body


def figures(api: Api, account: str, how: str) -> tuple[str, str, str, str]:
    """Posted, pending debits, pending credits and available."""
    shown = read(api, f"/accounts/{account}", how)
    return (
        shown["posted"],
        shown["pending_debits"],
        shown["pending_credits"],
        shown["available"],
    )


def listed(api: Api, query: str) -> list[tuple[str, str]]:
    """The ids and states of the transactions of a listing."""
    api.project()
    found = api.get(f"/transactions?{query}").json_body["transactions"]
    return [(each["id"], each["state"]) for each in found]


def until_expiry_of(clock: Clock, held: Any) -> None:
    """Lets time go on to the last microsecond before a hold expires."""
    clock.now = clock.now.fromisoformat(held["expires_at"]) - MICROSECOND


def test_money_is_free_at_the_instant_of_expiry_and_not_before(
    clock: Clock, funded: Api, how: str
) -> None:
    before = read(funded, "/accounts/alice", how)
    until_expiry_of(clock, funded.hold("h", "alice", "cash", "400", 60))

    assert figures(funded, "alice", how) == ("1000", "400", "0", "600")
    assert figures(funded, "cash", how) == ("1000", "0", "400", "600")
    clock.now += MICROSECOND
    assert figures(funded, "alice", how) == ("1000", "0", "0", "1000")
    assert figures(funded, "cash", how) == ("1000", "0", "0", "1000")
    now = read(funded, "/accounts/alice", how)
    changed = {name for name in now if now[name] != before[name]}
    assert changed == {"version", "recorded_at"}
    assert now in funded.get("/accounts").json_body["accounts"]


def test_money_that_was_to_come_in_is_not_expected_any_more(
    clock: Clock, funded: Api, how: str
) -> None:
    until_expiry_of(clock, funded.hold("h", "cash", "alice", "400", 60))

    assert figures(funded, "alice", how) == ("1000", "0", "400", "1000")
    clock.now += MICROSECOND
    assert figures(funded, "alice", how) == ("1000", "0", "0", "1000")


def test_a_transaction_is_expired_at_its_instant_and_not_before(
    clock: Clock, funded: Api, how: str
) -> None:
    held = funded.hold("h", "alice", "cash", "400", 60)
    until_expiry_of(clock, held)

    assert read(funded, "/transactions/h", how) == held
    clock.now += MICROSECOND
    assert read(funded, "/transactions/h", how) == {**held, "state": "expired"}


def test_what_has_expired_is_not_listed_as_pending(clock: Clock, funded: Api) -> None:
    for number in range(5):
        funded.hold(f"h{number}", "alice", "cash", "1", 60 + number)
    until_expiry_of(clock, funded.hold("last", "alice", "cash", "1", None) | {"expires_at": STAMP})

    names = ["h2", "h3", "h4", "last"]
    assert listed(funded, "state=pending") == [(name, "pending") for name in names]
    page = funded.get("/transactions?state=pending&limit=1").json_body
    seen = [page["transactions"][0]["id"]]
    while page["next_cursor"]:
        cursor = page["next_cursor"]
        page = funded.get(f"/transactions?state=pending&limit=1&cursor={cursor}").json_body
        seen += [each["id"] for each in page["transactions"]]
    assert seen == names
    assert listed(funded, "from=2026-11-01T00:00:00Z") == [
        ("first", "posted"), ("h0", "expired"), ("h1", "expired"),
        *((name, "pending") for name in names),
    ]  # fmt: skip  # Two by two.


STAMP = "2026-11-01T12:01:01.500000Z"


def test_a_hold_that_never_expires_stays_pending(clock: Clock, funded: Api, how: str) -> None:
    funded.hold("h", "alice", "cash", "400", None)
    funded.hold("short", "alice", "cash", "100", 1)
    clock.goes_on(days=3650)

    assert figures(funded, "alice", how) == ("1000", "400", "0", "600")
    assert listed(funded, "state=pending") == [("h", "pending")]


def test_a_striped_account_is_worth_what_its_stripes_are_now(
    clock: Clock, funded: Api, how: str
) -> None:
    funded.open("hot", stripes=3)
    for number in range(6):
        held = funded.hold(f"h{number}", "cash", "hot", "10", 60)
    funded.transfer("t", "cash", "hot", "7")
    clock.now = clock.now.fromisoformat(held["expires_at"]) + MICROSECOND

    assert figures(funded, "hot", how) == ("7", "0", "0", "7")


def test_what_is_released_reads_as_it_did_at_its_expiry(
    clock: Clock, funded: Api, how: str
) -> None:
    funded.hold("h", "alice", "cash", "400", 60)
    clock.goes_on(seconds=61)
    before = figures(funded, "alice", how)

    # It takes the money that the hold set aside, and so releases it.
    assert funded.transfer("t", "alice", "cash", "1000").status_code == 201

    assert before == ("1000", "0", "0", "1000")
    assert figures(funded, "alice", how) == ("0", "0", "0", "0")
    assert read(funded, "/transactions/h", how)["state"] == "expired"


def test_a_change_of_an_account_answers_without_what_has_expired(clock: Clock, funded: Api) -> None:
    funded.hold("h", "alice", "cash", "400", 60)
    clock.goes_on(seconds=61)

    changed = funded.patch("/accounts/alice", {"metadata": {"k": "v"}}).json_body

    assert (changed["pending_debits"], changed["available"]) == ("0", "1000")


def test_as_many_holds_at_once_as_a_state_lists_are_exact(
    clock: Clock, funded: Api, how: str
) -> None:
    holds = [
        {
            "id": f"h{number}",
            "entries": [
                {"account": "alice", "direction": "debit", "amount": "10"},
                {"account": "cash", "direction": "credit", "amount": "10"},
            ],
            "pending": {"timeout_seconds": 60 + number},
        }
        for number in range(MOST_LISTED)
    ]
    funded.post("/transactions/batch", {"atomic": True, "transactions": holds})
    funded.project()
    clock.now += timedelta(seconds=59.5)

    shown = []
    for _ in range(MOST_LISTED + 1):
        shown.append(funded.get(f"/accounts/alice?{how}").json_body["pending_debits"])
        clock.now += timedelta(seconds=1)

    assert shown == [str(10 * left) for left in range(MOST_LISTED, -1, -1)]
