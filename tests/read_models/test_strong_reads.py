"""Strong reads: one account or transaction, looked up in the event table itself."""

from collections.abc import Iterator

import pytest

from chalicelib.domain.errors import (
    AccountNotFound,
    InvalidField,
    ProjectionBehind,
    TransactionNotFound,
)
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.store import Append
from chalicelib.read_models.balances.queries import GetAccount
from chalicelib.read_models.transactions.queries import GetTransaction
from chalicelib.settings import read_again, settings
from tests.ask import ask
from tests.books import Bookkeeper, deliver

pytestmark = pytest.mark.usefixtures("moto")


@pytest.fixture
def strong(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stage that may read the event table."""
    monkeypatch.setenv("TWOFOLD_STRONG_READS", "1")
    read_again()
    yield
    monkeypatch.undo()
    read_again()
    settings()  # Read here, and not under what a test client later sets.


def write(books: Bookkeeper) -> None:
    """Appends what was recorded to the event table."""
    store = DynamoStore()
    for event in books.recorded:
        store.append(
            Append(stream=event.stream, expected_version=event.version - 1, events=[event])
        )


@pytest.mark.usefixtures("strong")
def test_a_strong_read_sees_what_no_projector_has_told(books: Bookkeeper) -> None:
    books.pay_in("t1", 5)
    write(books)
    with pytest.raises(AccountNotFound):
        ask(GetAccount(ledger=books.ledger, account="alice"))
    found = ask(GetAccount(ledger=books.ledger, account="alice", consistency="strong"))
    assert (found.posted, found.version) == ("5", 2)
    found = ask(GetTransaction(ledger=books.ledger, transaction="t1", consistency="strong"))
    assert found.entries[0].amount == "5"


@pytest.mark.usefixtures("strong")
def test_both_pictures_agree_once_the_projection_has_caught_up(books: Bookkeeper) -> None:
    for number in range(4):
        books.pay_in(f"t{number}", 10**number)
    write(books)
    deliver(books.recorded)
    for query in (
        GetAccount(ledger=books.ledger, account="alice"),
        GetTransaction(ledger=books.ledger, transaction="t3"),
    ):
        strongly = type(query)(
            **{
                name: getattr(query, name)
                for name in query.__struct_fields__
                if name != "consistency"
            },
            consistency="strong",
        )
        assert ask(strongly) == ask(query)


@pytest.mark.usefixtures("strong")
def test_a_strong_read_finds_nothing_where_nothing_is(books: Bookkeeper) -> None:
    books.pay_in("t1", 5)
    write(books)
    with pytest.raises(AccountNotFound):
        ask(GetAccount(ledger=books.ledger, account="nobody", consistency="strong"))
    with pytest.raises(TransactionNotFound):
        ask(GetTransaction(ledger=books.ledger, transaction="never", consistency="strong"))
    with pytest.raises(ProjectionBehind):
        ask(GetAccount(ledger=books.ledger, account="alice", min_version=9, consistency="strong"))


def test_a_stage_without_strong_reads_refuses_them(books: Bookkeeper) -> None:
    with pytest.raises(InvalidField, match="consistency"):
        ask(GetAccount(ledger=books.ledger, account="alice", consistency="strong"))
    with pytest.raises(InvalidField, match="consistency"):
        ask(GetTransaction(ledger=books.ledger, transaction="t", consistency="strong"))
