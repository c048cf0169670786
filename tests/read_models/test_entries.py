"""What happened on this account, oldest first or newest first?"""

from typing import Literal

import msgspec
import pytest

from chalicelib.domain.errors import AccountNotFound, ProjectionBehind
from chalicelib.http.problems import Problem
from chalicelib.read_models.statements.queries import AccountEntries, AccountStatement
from tests.ask import ask
from tests.books import Bookkeeper
from tests.domain.books import credit, debit

pytestmark = pytest.mark.usefixtures("moto")

Order = Literal["asc", "desc"]
COUNT = 7
AMOUNTS = [str(amount) for amount in range(1, COUNT + 1)]


@pytest.fixture(scope="module")
def seven(moto: None) -> str:  # noqa: ARG001  # Asked for its tables.
    """A ledger in which Alice paid in seven times, for tests that only read."""
    return pay_in_seven(Bookkeeper("entries-seven")).ledger


def pay_in_seven(books: Bookkeeper) -> Bookkeeper:
    """These books, with payments of 1, 2, 3 … for Alice, told."""
    books.open_till()
    for amount in range(1, COUNT + 1):
        books.pay_in(f"t{amount}", amount, reference=f"invoice {amount}")
    books.tell()
    return books


def pages(
    ledger: str, limit: int, order: Order | None = None, cursor: str | None = None
) -> list[list[str]]:
    """The amounts on each page of Alice's entries, from a cursor to the end."""
    found = []
    while True:
        answer = ask(
            AccountEntries(ledger=ledger, account="alice", order=order, limit=limit, cursor=cursor)
        )
        found.append([entry.amount for entry in answer.entries])
        cursor = answer.next_cursor
        if cursor is None:
            return found
        assert len(found) < 50, "a listing without an end"


def cut(amounts: list[str], limit: int) -> list[list[str]]:
    return [amounts[start : start + limit] for start in range(0, len(amounts), limit)]


@pytest.mark.parametrize("limit", [1, 2, 3, COUNT - 1, COUNT, COUNT + 1, 200])
def test_entries_are_paged_oldest_first_to_the_end(seven: str, limit: int) -> None:
    assert pages(seven, limit) == pages(seven, limit, "asc") == cut(AMOUNTS, limit)


@pytest.mark.parametrize("limit", [1, 2, 3, COUNT - 1, COUNT, COUNT + 1, 200])
def test_entries_are_paged_newest_first_to_the_end(seven: str, limit: int) -> None:
    assert pages(seven, limit, "desc") == cut(AMOUNTS[::-1], limit)


def test_an_entry_says_what_it_did_to_the_account(seven: str) -> None:
    found = ask(AccountEntries(ledger=seven, account="alice", limit=2))

    assert msgspec.to_builtins(found.entries[1]) == {
        "version": 3,
        "transaction": "t2",
        "direction": "credit",
        "amount": "2",
        "balance_after": "3",
        "recorded_at": "2026-11-01T12:30:18.000250Z",
        "effective_at": "2026-11-01T12:30:18.000250Z",
        "reference": "invoice 2",
    }


def test_both_entries_of_one_transaction_are_there_in_their_order(books: Bookkeeper) -> None:
    books.post("t1", credit("alice", 5), debit("cash", 7), credit("alice", 3), debit("alice", 1))
    books.tell()

    found = ask(AccountEntries(ledger=books.ledger, account="alice")).entries

    assert [(each.version, each.direction, each.balance_after) for each in found] == [
        (2, "credit", "5"),
        (3, "credit", "8"),
        (4, "debit", "7"),
    ]
    assert len({each.recorded_at for each in found}) == 1


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_entries_of_one_instant_are_paged_apart(books: Bookkeeper, order: Order) -> None:
    amounts = [3, 1, 2]
    books.post("t1", debit("cash", 6), *[credit("alice", amount) for amount in amounts])
    books.tell()

    found = pages(books.ledger, 1, order)

    assert found == [[str(each)] for each in (amounts if order == "asc" else amounts[::-1])]


def test_entries_posted_between_pages_come_at_the_end_of_oldest_first(ledger: str) -> None:
    books = pay_in_seven(Bookkeeper(ledger))
    first = ask(AccountEntries(ledger=ledger, account="alice", limit=3))
    books.pay_in("t8", 8)
    books.tell()

    assert pages(ledger, 3, cursor=first.next_cursor) == [["4", "5", "6"], ["7", "8"]]


def test_entries_posted_between_pages_do_not_show_in_newest_first(ledger: str) -> None:
    books = pay_in_seven(Bookkeeper(ledger))
    first = ask(AccountEntries(ledger=ledger, account="alice", order="desc", limit=3))
    books.pay_in("t8", 8)
    books.tell()

    assert pages(ledger, 3, cursor=first.next_cursor) == [["4", "3", "2"], ["1"]]
    assert pages(ledger, 3, "desc", first.next_cursor) == [["4", "3", "2"], ["1"]]


@pytest.mark.parametrize(("made_for", "order"), [("asc", "desc"), ("desc", "asc")])
def test_a_cursor_is_not_for_the_other_order(seven: str, made_for: Order, order: Order) -> None:
    first = ask(AccountEntries(ledger=seven, account="alice", order=made_for, limit=3))

    with pytest.raises(Problem) as refused:
        pages(seven, 3, order, first.next_cursor)

    assert refused.value.code == "invalid_cursor"


def test_a_cursor_is_for_one_account_of_one_ledger_and_for_entries(seven: str) -> None:
    cursor = ask(AccountEntries(ledger=seven, account="alice", limit=3)).next_cursor
    for query in (
        AccountEntries(ledger=seven, account="cash", cursor=cursor),
        AccountEntries(ledger="another", account="alice", cursor=cursor),
        AccountStatement(ledger=seven, account="alice", cursor=cursor),
    ):
        with pytest.raises(Problem) as refused:
            ask(query)
        assert refused.value.code == "invalid_cursor"


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_an_account_that_is_only_open_has_no_entries(books: Bookkeeper, order: Order) -> None:
    books.tell()

    assert pages(books.ledger, 50, order) == [[]]


def test_an_account_that_nobody_opened_has_no_entries_to_show(books: Bookkeeper) -> None:
    books.tell()

    with pytest.raises(AccountNotFound):
        ask(AccountEntries(ledger=books.ledger, account="bob"))


@pytest.mark.parametrize(("account", "min_version"), [("alice", 2), ("bob", 1)])
def test_entries_up_to_a_version_that_is_not_here_yet_are_not_shown(
    books: Bookkeeper, account: str, min_version: int
) -> None:
    books.tell()

    with pytest.raises(ProjectionBehind) as behind:
        ask(AccountEntries(ledger=books.ledger, account=account, min_version=min_version))

    assert behind.value.min_version == min_version
