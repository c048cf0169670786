"""Holes: while a row is missing, the account's history is not told, rather than told wrongly.

Alice is opened (version 1) and pays in five times (2 to 6), a second apart.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest

from chalicelib.domain.errors import ProjectionBehind
from chalicelib.events.recorded import Recorded
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
)
from chalicelib.read_models.statements.table import StatementRow, partition
from tests.ask import ask
from tests.books import Bookkeeper, deliver, later

pytestmark = pytest.mark.usefixtures("moto")

TICK = timedelta(microseconds=1)


@pytest.fixture
def alice(books: Bookkeeper) -> list[Recorded]:
    """What happened to Alice; nothing of it is told."""
    for number in range(5):
        books.pay_in(f"t{number}", 10**number)
    return books.of("alice")


def at(version: int) -> datetime:
    """When a version of Alice's account was recorded."""
    return later(seconds=version)


def all_but(events: Iterable[Recorded], *versions: int) -> list[Recorded]:
    return [event for event in events if event.version not in versions]


def assert_behind_until_told(missing: Recorded, question: Callable[[], Any]) -> None:
    """Now the question is not answered, and it is once the missing event is told."""
    with pytest.raises(ProjectionBehind):
        question()
    deliver([missing])
    question()


def tell_entries(ledger: str, order: Literal["asc", "desc"], limit: int, told: list[int]) -> None:
    """Reads Alice's entries page by page to the end, and adds the version of each to `told`."""
    query = AccountEntries(ledger=ledger, account="alice", order=order, limit=limit)
    while True:
        found = ask(query)
        told += [entry.version for entry in found.entries]
        if found.next_cursor is None:
            return
        assert len(told) < 50, "a listing without an end"
        query = AccountEntries(
            ledger=ledger, account="alice", limit=limit, cursor=found.next_cursor
        )


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 5, 50])
@pytest.mark.parametrize("missing", [(2,), (4,), (1, 2), (4, 5)])
def test_entries_are_not_told_past_a_missing_one(
    books: Bookkeeper,
    alice: list[Recorded],
    missing: tuple[int, ...],
    limit: int,
    order: Literal["asc", "desc"],
) -> None:
    deliver(all_but(alice, *missing))

    told: list[int] = []
    with pytest.raises(ProjectionBehind):
        tell_entries(books.ledger, order, limit, told)

    versions = [2, 3, 4, 5, 6] if order == "asc" else [6, 5, 4, 3, 2]
    assert told == versions[: len(told)]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("gone", [(3,), (3, 4, 5, 6)])
def test_a_cursor_whose_own_row_is_missing_tells_nothing(
    books: Bookkeeper,
    alice: list[Recorded],
    gone: tuple[int, ...],
    order: Literal["asc", "desc"],
) -> None:
    deliver(alice)
    limit = 2 if order == "asc" else 4
    first = ask(AccountEntries(ledger=books.ledger, account="alice", order=order, limit=limit))
    assert first.entries[-1].version == 3
    forget(books.ledger, *gone)

    with pytest.raises(ProjectionBehind):
        ask(AccountEntries(ledger=books.ledger, account="alice", cursor=first.next_cursor))


@pytest.mark.parametrize("gone", [(3,), (3, 4, 5, 6)])
def test_a_statement_whose_cursor_has_lost_its_row_tells_nothing(
    books: Bookkeeper, alice: list[Recorded], gone: tuple[int, ...]
) -> None:
    deliver(alice)
    first = ask(AccountStatement(ledger=books.ledger, account="alice", limit=2))
    forget(books.ledger, *gone)

    with pytest.raises(ProjectionBehind):
        ask(AccountStatement(ledger=books.ledger, account="alice", cursor=first.next_cursor))


def forget(ledger: str, *versions: int) -> None:
    """Deletes rows of Alice, as a replica that is behind would not have them."""
    for row in list(StatementRow.query(partition(ledger, "alice"))):
        if row.version in versions:
            row.delete()


@pytest.mark.parametrize(
    ("missing", "start", "end"),
    [
        pytest.param(1, None, None, id="the opening"),
        pytest.param(1, at(3), at(5), id="the opening, long before the period"),
        pytest.param(3, None, None, id="in the middle"),
        pytest.param(3, at(3), at(5), id="the first of the period"),
        pytest.param(4, at(3), at(6), id="in the middle of the period"),
        pytest.param(4, at(3), at(4) + TICK, id="the last of the period"),
        pytest.param(3, at(4), at(6), id="the last before the period"),
        pytest.param(3, at(3) + TICK, at(4), id="the last before an empty period"),
        pytest.param(3, at(3), at(3) + TICK, id="the only one of the period"),
    ],
)
def test_a_statement_is_not_told_while_one_it_counts_on_is_missing(
    books: Bookkeeper,
    alice: list[Recorded],
    missing: int,
    start: datetime | None,
    end: datetime | None,
) -> None:
    deliver(all_but(alice, missing))

    query = AccountStatement(ledger=books.ledger, account="alice", from_=start, to=end)

    assert_behind_until_told(alice[missing - 1], lambda: ask(query))


def test_a_statement_is_not_told_past_a_hole_on_a_later_page(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver(all_but(alice, 5))
    first = ask(AccountStatement(ledger=books.ledger, account="alice", limit=1))
    assert [entry.version for entry in first.entries] == [2]

    second = AccountStatement(
        ledger=books.ledger, account="alice", limit=2, cursor=first.next_cursor
    )

    assert_behind_until_told(alice[4], lambda: ask(second))


@pytest.mark.parametrize("moment", [at(3), at(4) - TICK])
def test_a_balance_is_not_told_while_the_entry_that_made_it_is_missing(
    books: Bookkeeper, alice: list[Recorded], moment: datetime
) -> None:
    deliver(all_but(alice, 3))

    query = AccountBalance(ledger=books.ledger, account="alice", at=moment)

    assert_behind_until_told(alice[2], lambda: ask(query))


def test_a_balance_before_the_opening_is_not_told_while_the_opening_is_missing(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver(all_but(alice, 1))

    query = AccountBalance(ledger=books.ledger, account="alice", at=at(1) - TICK)

    assert_behind_until_told(alice[0], lambda: ask(query))


def test_a_balance_between_two_that_are_there_needs_nothing_else(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver(all_but(alice, 2, 5))

    found = ask(AccountBalance(ledger=books.ledger, account="alice", at=at(3)))

    assert (found.posted, found.version) == ("11", 3)
