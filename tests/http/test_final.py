"""Final: what a statement or a balance at a time says of whether it can still change."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.fields import rfc3339
from chalicelib.events.clocks import ARRIVES_WITHIN
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.settings import read_again, settings
from tests.http.api import Api, assert_problem
from tests.http.clock import NOON, Clock

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the ledger."""
    return Clock(monkeypatch)


@pytest.fixture
def strong(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stage that may read the event table."""
    monkeypatch.setenv("TWOFOLD_STRONG_READS", "1")
    read_again()
    settings()
    yield
    monkeypatch.undo()
    read_again()
    settings()


@pytest.fixture
def ended(clock: Clock, strong: None, funded: Api) -> Api:  # noqa: ARG001  # Asked for what they set.
    """A ledger in which something happened in the second after noon, and nothing since."""
    clock.goes_on(seconds=1)
    funded.transfer("t", "alice", "cash", "1")
    funded.project()
    return funded


END = rfc3339(NOON + timedelta(seconds=2))


def said(api: Api, how: str = "&consistency=strong", account: str = "alice") -> tuple[Any, Any]:
    """What a balance at the end and a statement up to it say."""
    balance = api.get(f"/accounts/{account}/balance?at={END}{how}")
    statement = api.get(f"/accounts/{account}/statement?to={END}{how}")
    assert (balance.status_code, statement.status_code) == (200, 200)
    assert balance.json_body["posted"] == statement.json_body["closing_balance"]
    return balance.json_body["final"], statement.json_body["final"]


def test_what_ended_long_enough_ago_is_final(ended: Api, clock: Clock) -> None:
    clock.now = NOON + timedelta(seconds=2) + ARRIVES_WITHIN

    assert said(ended) == (False, False)
    clock.now += MICROSECOND
    assert said(ended) == (True, True)


def test_what_was_not_read_strongly_is_never_final(ended: Api, clock: Clock) -> None:
    clock.goes_on(days=1)

    assert said(ended, "") == said(ended, "&consistency=eventual") == (False, False)


def test_what_ends_now_is_never_final(ended: Api, clock: Clock) -> None:
    clock.goes_on(days=1)

    for path in ("balance", "statement"):
        reply = ended.get(f"/accounts/alice/{path}?consistency=strong")
        assert reply.json_body["final"] is False


def test_a_strong_statement_waits_for_all_that_is_recorded(ended: Api, clock: Clock) -> None:
    ended.transfer("u", "alice", "cash", "1")
    clock.goes_on(days=1)
    path = f"/accounts/alice/statement?to={END}"

    # The last transfer was recorded within the period, and no projector has seen it.
    assert ended.get(path).json_body["closing_balance"] == "999"
    problem = assert_problem(ended.get(f"{path}&consistency=strong"), 503, "projection_behind")
    assert problem["min_version"] == "4"
    ended.project()
    statement = ended.get(f"{path}&consistency=strong").json_body
    assert (statement["closing_balance"], statement["final"]) == ("998", True)


def test_every_page_says_of_its_statement_what_the_first_did(ended: Api, clock: Clock) -> None:
    path = f"/accounts/alice/statement?to={END}&limit=1&consistency=strong"
    early = ended.get(path).json_body
    clock.goes_on(days=1)
    late = ended.get(path).json_body

    for first, final in ((early, False), (late, True)):
        assert first["final"] is final
        for how in ("", "&consistency=strong"):
            cursor = first["next_cursor"]
            page = ended.get(f"/accounts/alice/statement?limit=1&cursor={cursor}{how}").json_body
            assert page["final"] is final


def test_an_append_that_was_under_way_lands_in_no_final_period(
    ended: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    append = DynamoStore.append

    def delayed(self: DynamoStore, *appends: Any) -> None:
        # It was stamped within the period, and is under way while that is read.
        clock.goes_on(seconds=4)
        answers.append(said(ended))
        append(self, *appends)

    monkeypatch.setattr(DynamoStore, "append", delayed)
    ended.transfer("late", "alice", "cash", "1")
    monkeypatch.undo()
    ended.project()

    statement = ended.get(f"/accounts/alice/statement?to={END}").json_body
    assert statement["closing_balance"] == "998"
    assert answers == [(False, False)]


def test_a_striped_account_is_final_once_all_its_stripes_have_arrived(
    ended: Api, clock: Clock
) -> None:
    ended.open("hot", stripes=3)
    ended.project()
    ended.transfer("h", "cash", "hot", "7")
    clock.goes_on(days=1)
    path = f"/accounts/hot/statement?to={END}&consistency=strong"

    assert_problem(ended.get(path), 503, "projection_behind")
    ended.project()
    assert said(ended, account="hot") == (True, True)


def test_a_strong_read_of_an_account_that_is_not_there_knows_it(ended: Api) -> None:
    for path in ("balance", "entries", "statement"):
        reply = ended.get(f"/accounts/nobody/{path}?consistency=strong&min_version=7")
        assert_problem(reply, 404, "account_not_found")


def test_a_stage_that_has_no_strong_reads_says_so(funded: Api) -> None:
    for path in ("balance", "entries", "statement"):
        reply = funded.get(f"/accounts/alice/{path}?consistency=strong")
        problem = assert_problem(reply, 400, "validation_failed")
        assert [error["field"] for error in problem["errors"]] == ["consistency"]
