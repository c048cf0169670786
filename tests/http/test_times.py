"""Times of requests and of holds: what is finer than a microsecond is cut off, never rounded, and a
hold that was not told otherwise takes effect when it is posted.
"""

from typing import Any

import pytest

from chalicelib.domain.fields import rfc3339
from tests.http.api import Api
from tests.http.clock import Clock

YEARS_END = "2026-12-31T23:59:59.999999Z"
FINER = [
    "2026-12-31T23:59:59.9999999Z",  # As .NET writes it.
    "2026-12-31T23:59:59.999999999Z",  # As Go and Java do.
    "2026-12-31T23:59:59.9999995Z",
    "2027-01-01T01:59:59.999999999999+02:00",
]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the ledger."""
    return Clock(monkeypatch)


def entry_of(api: Api, account: str, transaction: str) -> Any:
    """The entry of a transaction on an account, once everything has been projected."""
    api.project()
    entries = api.get(f"/accounts/{account}/entries").json_body["entries"]
    return next(each for each in entries if each["transaction"] == transaction)


@pytest.mark.parametrize("time", FINER)
def test_a_time_finer_than_a_microsecond_is_cut_off(funded: Api, time: str) -> None:
    made = funded.transfer("t", "alice", "cash", "1", effective_at=time).json_body

    assert made["effective_at"] == YEARS_END
    assert entry_of(funded, "alice", "t")["effective_at"] == YEARS_END
    again = funded.transfer("t", "alice", "cash", "1", effective_at=YEARS_END)
    assert (again.status_code, again.json_body) == (200, made)


@pytest.mark.parametrize("time", FINER)
def test_so_is_that_of_a_hold_and_of_a_reversal(funded: Api, time: str) -> None:
    held = funded.transfer("h", "alice", "cash", "1", effective_at=time, pending={}).json_body
    back = funded.post("/transactions/first/reverse", {"id": "back", "effective_at": time})

    assert held["effective_at"] == YEARS_END
    assert funded.post("/transactions/h/post", {}).json_body["effective_at"] == YEARS_END
    # Alice has not enough left for the reversal before the hold is posted back.
    assert back.status_code == 422
    funded.transfer("gift", "cash", "alice", "1")
    back = funded.post("/transactions/first/reverse", {"id": "back", "effective_at": time})
    assert back.json_body["effective_at"] == YEARS_END


@pytest.mark.parametrize("time", [each.replace("+", "%2B") for each in FINER])
def test_so_are_the_times_of_a_query(funded: Api, time: str) -> None:
    funded.project()

    balance = funded.get(f"/accounts/alice/balance?at={time}").json_body
    statement = funded.get(f"/accounts/alice/statement?from={time}&to={time}").json_body

    assert balance["at"] == YEARS_END
    assert (statement["from"], statement["to"]) == (YEARS_END, YEARS_END)
    assert funded.get(f"/transactions?from={time}&to={YEARS_END}").status_code == 200


def test_a_hold_takes_effect_when_it_is_posted(clock: Clock, funded: Api) -> None:
    held = funded.hold("h", "alice", "cash", "400")
    clock.goes_on(seconds=5)

    posted = funded.post("/transactions/h/post", {"amount": "300"}).json_body

    assert held["effective_at"] == held["recorded_at"]
    assert posted["effective_at"] == posted["resolved_at"] == rfc3339(clock.now)
    assert posted["recorded_at"] == held["recorded_at"]
    for account in ("alice", "cash"):
        assert entry_of(funded, account, "h")["effective_at"] == posted["effective_at"]
    assert funded.get("/transactions/h").json_body == posted


def test_a_hold_that_says_when_it_takes_effect_does_so_then(clock: Clock, funded: Api) -> None:
    at = "2026-10-01T00:00:00.000000Z"
    funded.transfer("h", "alice", "cash", "400", effective_at=at, pending={})
    clock.goes_on(seconds=5)

    posted = funded.post("/transactions/h/post", {}).json_body

    assert posted["effective_at"] == at
    assert entry_of(funded, "alice", "h")["effective_at"] == at


def test_a_reversal_of_a_posted_hold_is_not_effective_before_the_posting(
    clock: Clock, funded: Api
) -> None:
    held = funded.hold("h", "alice", "cash", "400")
    clock.goes_on(seconds=5)
    posted = funded.post("/transactions/h/post", {}).json_body

    early = funded.post("/transactions/h/reverse", {"effective_at": held["recorded_at"]})
    back = funded.post("/transactions/h/reverse", {"effective_at": posted["effective_at"]})

    assert (early.status_code, back.status_code) == (400, 201)
    assert back.json_body["effective_at"] == posted["effective_at"]


def test_a_hold_that_is_voided_or_expires_never_takes_effect(clock: Clock, funded: Api) -> None:
    held = funded.hold("h", "alice", "cash", "400")
    clock.goes_on(seconds=5)

    voided = funded.post("/transactions/h/void", {}).json_body

    assert voided["effective_at"] == held["effective_at"]
    funded.project()
    entries = funded.get("/accounts/alice/entries").json_body["entries"]
    assert [each["transaction"] for each in entries] == ["first"]
