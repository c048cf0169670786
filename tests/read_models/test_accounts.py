"""Which accounts are there, in the order of their ids, page by page?"""

import random

import msgspec
import pytest

from chalicelib.domain.errors import AccountNotFound, LedgerNotFound, ProjectionBehind
from chalicelib.http.bodies import AccountBody
from chalicelib.http.problems import Problem
from chalicelib.read_models.balances.queries import GetAccount, ListAccounts
from chalicelib.read_models.balances.table import BUCKETS
from chalicelib.tables import bucket_of
from tests.ask import ask
from tests.books import Bookkeeper

pytestmark = pytest.mark.usefixtures("moto")

IDS = sorted(
    [f"customers:{number}" for number in range(12)]
    # Every character that may be in an id, on both sides of what follows a prefix.
    + [
        "a",
        "a-",
        "a.",
        "a0",
        "a:",
        "aZ",
        "a_",
        "az",
        "A",
        "0",
        "Z",
        "z",
        "a" * 128,
        "alice",
        "cash",
    ]
)


def fill(books: Bookkeeper) -> Bookkeeper:
    """These books, with an account of each id, opened in no order and told."""
    for id in random.Random(3).sample(IDS, len(IDS)):
        books.open(id)
    books.tell()
    return books


@pytest.fixture(scope="module")
def filled(moto: None) -> str:  # noqa: ARG001  # Asked for its tables.
    """A ledger with an account of each id, for tests that only read."""
    return fill(Bookkeeper("accounts-filled")).ledger


def pages(
    ledger: str, limit: int, prefix: str | None = None, cursor: str | None = None
) -> list[list[str]]:
    """The ids on each page, from a cursor to the end."""
    found = []
    while True:
        query = ListAccounts(ledger=ledger, prefix=prefix, limit=limit, cursor=cursor)
        answer = ask(query)
        found.append([account.id for account in answer.accounts])
        cursor = answer.next_cursor
        if cursor is None:
            return found
        assert len(found) < 50, "a listing without an end"


def test_the_ids_of_these_tests_are_in_every_bucket() -> None:
    assert {bucket_of(id, BUCKETS) for id in IDS} == set(range(BUCKETS))


def test_accounts_are_listed_by_id_over_all_buckets(filled: str) -> None:
    assert pages(filled, limit=200) == [IDS]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, len(IDS) - 1, len(IDS), len(IDS) + 1])
def test_paging_to_the_end_visits_every_account_once(filled: str, limit: int) -> None:
    found = pages(filled, limit)

    assert found == [IDS[start : start + limit] for start in range(0, len(IDS), limit)]


@pytest.mark.parametrize("limit", [3, 50])
@pytest.mark.parametrize("prefix", ["customers:", "customers:1", "a", "a-", "z", "nobody", ""])
def test_a_prefix_lists_the_ids_that_begin_with_it(filled: str, prefix: str, limit: int) -> None:
    expected = [id for id in IDS if id.startswith(prefix)]

    found = pages(filled, limit, prefix)

    assert [id for page in found for id in page] == expected
    assert all(len(page) == limit for page in found[:-1])


def test_accounts_opened_between_pages_disturb_nothing(ledger: str) -> None:
    books = fill(Bookkeeper(ledger))
    first = ask(ListAccounts(ledger=ledger, limit=10))
    for id in ["0a", "a-a", "customers:00", "customers:1a", "zz"]:
        books.open(id)
    books.tell()

    rest = pages(ledger, 10, cursor=first.next_cursor)

    met = [account.id for account in first.accounts] + [id for page in rest for id in page]
    assert met == sorted({*IDS, "customers:00", "customers:1a", "zz"})


def test_a_cursor_remembers_its_prefix(filled: str) -> None:
    first = ask(ListAccounts(ledger=filled, prefix="customers:", limit=10))

    [rest] = pages(filled, 10, cursor=first.next_cursor)

    assert [account.id for account in first.accounts] + rest == [
        id for id in IDS if id.startswith("customers:")
    ]


@pytest.mark.parametrize("prefix", ["customers:1", "a", ""])
def test_a_cursor_is_not_for_another_prefix(filled: str, prefix: str) -> None:
    first = ask(ListAccounts(ledger=filled, prefix="customers:", limit=10))

    with pytest.raises(Problem) as refused:
        pages(filled, 10, prefix, first.next_cursor)

    assert refused.value.code == "invalid_cursor"


def test_a_ledger_without_accounts_is_not_found(ledger: str) -> None:
    with pytest.raises(LedgerNotFound):
        pages(ledger, 50)


def test_an_account_is_shown_with_all_that_is_known_of_it(books: Bookkeeper) -> None:
    books.pay_in("t1", 700)
    books.tell()

    found = ask(GetAccount(ledger=books.ledger, account="alice", min_version=2))

    assert msgspec.to_builtins(found) == {
        "id": "alice",
        "ledger": books.ledger,
        "asset": "USD/2",
        "normal_balance": "credit",
        "min_balance": None,
        "max_balance": None,
        "posted": "700",
        "pending_debits": "0",
        "pending_credits": "0",
        "available": "700",
        "frozen": {"debits": False, "credits": False},
        "state": "open",
        "metadata": {"name": "Alice"},
        "version": 2,
        "opened_at": "2026-11-01T12:30:16.000250Z",
        "recorded_at": "2026-11-01T12:30:17.000250Z",
    }


def test_a_listing_shows_each_account_as_it_is_shown_alone(books: Bookkeeper) -> None:
    books.pay_in("t1", 700)
    books.tell()

    listed: list[AccountBody] = ask(ListAccounts(ledger=books.ledger)).accounts

    assert listed == [ask(GetAccount(ledger=books.ledger, account=id)) for id in ("alice", "cash")]


def test_an_account_that_nobody_opened_is_not_found(books: Bookkeeper) -> None:
    with pytest.raises(AccountNotFound):
        ask(GetAccount(ledger=books.ledger, account="bob"))


@pytest.mark.parametrize(("account", "min_version"), [("alice", 3), ("bob", 1)])
def test_a_version_that_is_not_here_yet_is_not_answered(
    books: Bookkeeper, account: str, min_version: int
) -> None:
    books.pay_in("t1", 700)
    books.tell()

    with pytest.raises(ProjectionBehind) as behind:
        ask(GetAccount(ledger=books.ledger, account=account, min_version=min_version))

    assert behind.value.min_version == min_version
