"""What was the posted balance at this time?"""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from chalicelib.domain.errors import AccountNotFound, InvalidField, ProjectionBehind
from chalicelib.domain.fields import rfc3339
from chalicelib.read_models.statements.queries import AccountBalance, Balance
from tests.ask import ask
from tests.books import Bookkeeper, later
from tests.domain.books import NOW, credit, debit

pytestmark = pytest.mark.usefixtures("moto")

OPENED = later(seconds=1)
PAID = [later(seconds=2), later(seconds=3), later(seconds=4)]
"""When Alice paid in 10, 20 and 30: versions 2, 3 and 4 of her account."""
TICK = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def three(moto: None) -> str:  # noqa: ARG001  # Asked for its tables.
    """A ledger in which Alice paid in three times, for tests that only read."""
    books = Bookkeeper("balance-three")
    books.open_till()
    for number, amount in enumerate([10, 20, 30]):
        books.pay_in(f"t{number}", amount)
    books.tell()
    return books.ledger


def balance(ledger: str, at: datetime | None, min_version: int = 0) -> Balance:
    """Alice's balance."""
    answer: Balance = ask(
        AccountBalance(ledger=ledger, account="alice", at=at, min_version=min_version)
    )
    return answer


@pytest.mark.parametrize(
    ("at", "posted", "version"),
    [
        (NOW - timedelta(days=400), "0", 0),
        (OPENED - TICK, "0", 0),
        (OPENED, "0", 1),
        (PAID[0] - TICK, "0", 1),
        (PAID[0], "10", 2),
        (PAID[0] + TICK, "10", 2),
        (PAID[1] - TICK, "10", 2),
        (PAID[1], "30", 3),
        (PAID[2], "60", 4),
        (later(days=400), "60", 4),
    ],
)
def test_a_balance_is_that_after_the_last_record_up_to_its_time(
    three: str, at: datetime, posted: str, version: int
) -> None:
    assert msgspec.to_builtins(balance(three, at)) == {
        "account": "alice",
        "asset": "USD/2",
        "at": rfc3339(at),
        "posted": posted,
        "version": version,
        "final": False,
    }


def test_a_balance_at_no_time_is_the_one_now(three: str) -> None:
    before = datetime.now(UTC)

    found = balance(three, None)

    assert (found.posted, found.version) == ("60", 4)
    at = datetime.fromisoformat(found.at)
    assert max(PAID[2], before) <= at <= max(PAID[2] + TICK, datetime.now(UTC))
    assert balance(three, at) == found


def test_of_several_entries_at_one_instant_the_last_one_counts(books: Bookkeeper) -> None:
    at = books.now
    books.post("t1", debit("cash", 9), credit("alice", 4), credit("alice", 5))
    books.tell()

    assert (balance(books.ledger, at).posted, balance(books.ledger, at).version) == ("9", 3)
    assert balance(books.ledger, at - TICK).posted == "0"


def test_the_balance_of_an_account_that_is_only_open_is_nothing(books: Bookkeeper) -> None:
    books.tell()

    assert (balance(books.ledger, None).posted, balance(books.ledger, None).version) == ("0", 1)


def test_a_time_without_an_offset_is_refused(three: str) -> None:
    with pytest.raises(InvalidField) as refused:
        balance(three, PAID[0].replace(tzinfo=None))

    assert refused.value.where == "at"


def test_an_account_that_nobody_opened_has_no_balance(three: str) -> None:
    with pytest.raises(AccountNotFound):
        ask(AccountBalance(ledger=three, account="bob"))


def test_a_balance_of_a_version_that_is_not_here_yet_is_not_shown(books: Bookkeeper) -> None:
    books.pay_in("t1", 1)
    books.tell()

    assert balance(books.ledger, None, min_version=2).posted == "1"
    for at in (None, OPENED):
        with pytest.raises(ProjectionBehind):
            balance(books.ledger, at, min_version=3)
    with pytest.raises(ProjectionBehind):
        ask(AccountBalance(ledger=books.ledger, account="bob", min_version=1))
