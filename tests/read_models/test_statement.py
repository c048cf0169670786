"""What happened from one time up to another?"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from chalicelib.domain.errors import AccountNotFound, InvalidField, ProjectionBehind
from chalicelib.domain.fields import rfc3339
from chalicelib.http.problems import Problem
from chalicelib.read_models.statements.queries import AccountStatement, Statement
from tests.ask import ask
from tests.books import Bookkeeper, later
from tests.domain.books import NOW

pytestmark = pytest.mark.usefixtures("moto")

OPENED = later(seconds=1)
"""When Alice's account was opened; then she paid in 10, 20, 30, 40, 50, a second apart each."""
COUNT = 5
TICK = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def five(moto: None) -> str:  # noqa: ARG001  # Asked for its tables.
    """A ledger in which Alice paid in five times, for tests that only read."""
    books = Bookkeeper("statement-five")
    books.open_till()
    for number in range(1, COUNT + 1):
        books.pay_in(f"t{number}", number * 10)
    books.tell()
    return books.ledger


def paid(number: int) -> datetime:
    """When Alice paid in for the first, second, third … time."""
    return OPENED + timedelta(seconds=number)


def statement(
    ledger: str,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Statement:
    """Alice's statement."""
    query = AccountStatement(
        ledger=ledger, account="alice", from_=start, to=end, limit=limit, cursor=cursor
    )
    answer: Statement = ask(query)
    return answer


def figures(found: Statement) -> tuple[str, list[str], str]:
    """Opening balance, amounts, closing balance."""
    return found.opening_balance, [each.amount for each in found.entries], found.closing_balance


def test_a_statement_of_no_period_is_of_everything_until_now(five: str) -> None:
    before = datetime.now(UTC)

    found = statement(five)

    assert figures(found) == ("0", ["10", "20", "30", "40", "50"], "150")
    assert (found.account, found.asset, found.next_cursor) == ("alice", "USD/2", None)
    assert found.from_ == rfc3339(OPENED)
    newest = paid(COUNT) + TICK
    assert max(newest, before) <= datetime.fromisoformat(found.to)
    assert datetime.fromisoformat(found.to) <= max(newest, datetime.now(UTC))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (paid(2), paid(4), ("10", ["20", "30"], "60")),
        (paid(2) - TICK, paid(4) - TICK, ("10", ["20", "30"], "60")),
        (paid(2) + TICK, paid(4) + TICK, ("30", ["30", "40"], "100")),
        (paid(2), paid(2) + TICK, ("10", ["20"], "30")),
        (paid(2) + TICK, paid(3), ("30", [], "30")),
        (paid(2), paid(2), ("10", [], "10")),
        (OPENED, paid(1), ("0", [], "0")),
        (OPENED - TICK, OPENED, ("0", [], "0")),
        (NOW - timedelta(days=9), NOW - timedelta(days=8), ("0", [], "0")),
        (NOW - timedelta(days=9), paid(2), ("0", ["10"], "10")),
        (paid(5), later(days=9), ("100", ["50"], "150")),
        (later(days=8), later(days=9), ("150", [], "150")),
        (None, paid(3), ("0", ["10", "20"], "30")),
        (paid(4), None, ("60", ["40", "50"], "150")),
    ],
)
def test_a_period_takes_what_was_recorded_from_its_start_and_before_its_end(
    five: str, start: datetime | None, end: datetime | None, expected: tuple[str, list[str], str]
) -> None:
    found = statement(five, start, end)

    assert figures(found) == expected
    assert found.next_cursor is None
    assert found.from_ == rfc3339(start or OPENED)
    assert end is None or found.to == rfc3339(end)


def test_periods_that_follow_one_another_fit_together(five: str) -> None:
    edges = [NOW, paid(1), paid(2) + TICK, paid(2) + 2 * TICK, paid(5) - TICK, later(days=1)]

    found = [statement(five, start, end) for start, end in pairwise(edges)]

    assert found[0].opening_balance == "0"
    assert found[-1].closing_balance == "150"
    for earlier, later_one in pairwise(found):
        assert earlier.closing_balance == later_one.opening_balance
    assert [each.amount for part in found for each in part.entries] == [
        "10", "20", "30", "40", "50",
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_every_page_of_a_statement_says_the_same_of_its_period(five: str, limit: int) -> None:
    pages = [statement(five, paid(2), later(days=1), limit)]
    while cursor := pages[-1].next_cursor:
        pages.append(statement(five, limit=limit, cursor=cursor))
        assert len(pages) < 50, "a listing without an end"

    amounts = [[each.amount for each in page.entries] for page in pages]
    expected = ["20", "30", "40", "50"]
    assert amounts == [expected[start : start + limit] for start in range(0, 4, limit)]
    for page in pages:
        assert (page.opening_balance, page.closing_balance) == ("10", "150")
        assert (page.from_, page.to) == (rfc3339(paid(2)), rfc3339(later(days=1)))


def test_what_is_recorded_between_pages_does_not_change_the_statement(ledger: str) -> None:
    books = Bookkeeper(ledger)
    books.open_till()
    for number in range(1, 4):
        books.pay_in(f"t{number}", number)
    books.tell()
    first = statement(ledger, limit=2)
    books.pay_in("t4", 4)
    books.tell()

    rest = statement(ledger, limit=2, cursor=first.next_cursor)

    assert [each.amount for each in [*first.entries, *rest.entries]] == ["1", "2", "3"]
    assert first.closing_balance == rest.closing_balance == "6"
    assert rest.next_cursor is None
    assert first.to == rest.to


def test_a_cursor_goes_with_its_own_period_only(five: str) -> None:
    cursor = statement(five, paid(2), paid(5), limit=1).next_cursor

    assert figures(statement(five, paid(2), paid(5), 9, cursor))[1] == ["30", "40"]
    for start, end in [(paid(1), None), (None, paid(4)), (paid(2) + TICK, paid(5))]:
        with pytest.raises(Problem) as refused:
            statement(five, start, end, cursor=cursor)
        assert refused.value.code == "invalid_cursor"


def test_a_period_may_be_given_in_any_time_zone(five: str) -> None:
    shifted = "2026-11-01T18:15:18.000250+05:45"

    found = statement(five, datetime.fromisoformat(shifted), paid(4))

    assert found.from_ == rfc3339(paid(2))
    assert figures(found) == ("10", ["20", "30"], "60")


def test_a_period_that_ends_before_it_begins_is_refused(five: str) -> None:
    with pytest.raises(InvalidField) as refused:
        statement(five, paid(2), paid(2) - TICK)

    assert refused.value.where == "from"


@pytest.mark.parametrize("place", ["from", "to"])
def test_a_period_of_times_without_an_offset_is_refused(five: str, place: str) -> None:
    naive = paid(2).replace(tzinfo=None)

    with pytest.raises(InvalidField) as refused:
        statement(five, *((naive, None) if place == "from" else (None, naive)))

    assert refused.value.where == place


def test_an_account_that_nobody_opened_has_no_statement(five: str) -> None:
    with pytest.raises(AccountNotFound):
        ask(AccountStatement(ledger=five, account="bob"))


def test_a_statement_up_to_a_version_that_is_not_here_yet_is_not_shown(books: Bookkeeper) -> None:
    books.pay_in("t1", 1)
    books.tell()

    for account, min_version in [("alice", 3), ("bob", 1)]:
        with pytest.raises(ProjectionBehind):
            ask(AccountStatement(ledger=books.ledger, account=account, min_version=min_version))
    found = ask(AccountStatement(ledger=books.ledger, account="alice", min_version=2))
    assert found.closing_balance == "1"
