"""Arrivals: an entry that arrives while an account is read is in all of the answer, or in none."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal

import pytest

from chalicelib.read_models import reading
from chalicelib.read_models.statements import queries, rows
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
)
from tests.ask import ask
from tests.books import Bookkeeper, deliver, later

pytestmark = pytest.mark.usefixtures("moto")

Arrive = Callable[[int], None]


@pytest.fixture
def arrive_before(books: Bookkeeper, monkeypatch: pytest.MonkeyPatch) -> Arrive:
    """Payments of 1 and 10 for Alice are told, versions 2 and 3 of her account; one of 100,
    version 4, arrives during the next read, just before its round trip of this number.
    """
    for number in range(3):
        books.pay_in(f"t{number}", 10**number)
    latecomer = books.of("alice")[-1]
    books.tell_all_but(latecomer)
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", 2.0)

    def arrive_before(round_trip: int) -> None:
        def in_parallel(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
            found = []
            for number, item in enumerate(items):
                if number == round_trip:
                    deliver([latecomer])
                found.append(work(item))
            return found

        for module in (queries, rows):
            monkeypatch.setattr(module, "in_parallel", in_parallel)

    return arrive_before


@pytest.mark.parametrize(
    ("at", "round_trip"), [(None, 0), *((later(days=1), round_trip) for round_trip in range(3))]
)
def test_a_balance_is_of_the_version_it_was_asked_for(
    books: Bookkeeper, arrive_before: Arrive, at: datetime | None, round_trip: int
) -> None:
    arrive_before(round_trip)

    found = ask(AccountBalance(ledger=books.ledger, account="alice", at=at, min_version=4))

    assert (found.version, found.posted) == (4, "111")


@pytest.mark.parametrize("round_trip", [0, 1])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_entries_go_up_to_the_version_they_were_asked_for(
    books: Bookkeeper, arrive_before: Arrive, order: Literal["asc", "desc"], round_trip: int
) -> None:
    arrive_before(round_trip)

    found = ask(AccountEntries(ledger=books.ledger, account="alice", order=order, min_version=4))

    assert sorted(entry.version for entry in found.entries) == [2, 3, 4]


@pytest.mark.parametrize("round_trip", [0, 1, 2])
def test_a_statement_goes_up_to_the_version_it_was_asked_for(
    books: Bookkeeper, arrive_before: Arrive, round_trip: int
) -> None:
    arrive_before(round_trip)

    found = ask(AccountStatement(ledger=books.ledger, account="alice", min_version=4))

    assert [entry.amount for entry in found.entries] == ["1", "10", "100"]
    assert (found.opening_balance, found.closing_balance) == ("0", "111")


@pytest.mark.parametrize("round_trip", [0, 1, 2, 3, 4])
def test_the_balances_of_a_statement_differ_by_its_entries(
    books: Bookkeeper, arrive_before: Arrive, round_trip: int
) -> None:
    arrive_before(round_trip)

    # The latecomer was recorded before this period, in which nothing happened.
    found = ask(
        AccountStatement(
            ledger=books.ledger, account="alice", from_=later(days=1), to=later(days=2)
        )
    )

    assert found.entries == []
    assert found.opening_balance == found.closing_balance
