"""Listings of accounts and entries: 50 rows to a page, and to the end while others write."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.test import Client

from app import app
from tests.books import Bookkeeper
from tests.http.api import Api


@pytest.fixture(scope="module")
def many(moto: None) -> Api:  # noqa: ARG001  # Asked for its tables.
    """A ledger of 53 accounts, one of which has 52 entries."""
    books = Bookkeeper("listing-ends")
    books.open_till()
    for number in range(51):
        books.open(f"customer-{number:02}", "credit")
    for number in range(52):
        books.pay_in(f"t{number}", 1, reference="gift")
        books.tell()
    return Api(Client(app), "listing-ends")


@pytest.mark.parametrize(
    ("path", "rows", "size"),
    [
        ("/accounts", "accounts", 53),
        ("/accounts/alice/entries", "entries", 52),
        ("/accounts/alice/statement", "entries", 52),
        ("/transactions", "transactions", 52),
        ("/transactions?reference=gift", "transactions", 52),
    ],
)
def test_a_page_has_50_rows_unless_it_says_otherwise(
    many: Api, path: str, rows: str, size: int
) -> None:
    sign = "&" if "?" in path else "?"

    first = many.get(path).json_body
    rest = many.get(f"{path}{sign}cursor={first['next_cursor']}").json_body
    whole = many.get(f"{path}{sign}limit=200").json_body

    assert (len(first[rows]), len(rest[rows]), len(whole[rows])) == (50, size - 50, size)
    assert (rest["next_cursor"], whole["next_cursor"]) == (None, None)
    assert first[rows] + rest[rows] == whole[rows]


def pages(api: Api, path: str, between: Callable[[], object]) -> Iterator[Any]:
    """The pages of three rows; something happens after each."""
    cursor = ""
    while cursor is not None:
        on = cursor and f"&cursor={cursor}"
        page = api.get(f"{path}{'&' if '?' in path else '?'}limit=3{on}").json_body
        yield page
        cursor = page["next_cursor"]
        between()


@pytest.mark.parametrize(
    ("path", "rows", "key"),
    [
        ("/accounts", "accounts", "id"),
        ("/accounts?prefix=c", "accounts", "id"),
        ("/accounts/alice/entries", "entries", "version"),
        ("/accounts/alice/entries?order=desc", "entries", "version"),
        ("/accounts/alice/statement", "entries", "version"),
        ("/transactions", "transactions", "id"),
    ],
)
def test_rows_that_were_there_at_the_start_are_met_once_whatever_is_written(
    api: Api, path: str, rows: str, key: str
) -> None:
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("alice")
    for number in range(7):
        api.open(f"c{number}")
        api.transfer(f"t{number}", "cash", "alice", 1)
    api.project()
    there = [each[key] for each in api.get(path).json_body[rows]]
    written = iter(range(2))

    def write() -> None:
        number = next(written, None)
        if number is None:
            return
        api.open(f"b-{number}")
        api.open(f"c3-{number}")
        api.transfer(f"new-{number}", "cash", "alice", 1)
        api.hold(f"held-{number}", "alice", "cash", 1)
        api.project()

    met = [each[key] for page in pages(api, path, write) for each in page[rows]]

    assert [each for each in met if each in there] == there
    assert len(met) == len(set(met))
