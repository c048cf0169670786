"""Freezing and closing: which entries an account refuses, and for how long."""

import pytest

from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    Command,
    FreezeAccount,
    UnfreezeAccount,
)
from chalicelib.domain.account.decide import decide
from chalicelib.domain.account.events import AccountClosed, AccountFrozen, AccountUnfrozen
from chalicelib.domain.errors import (
    AccountIsClosed,
    AccountIsFrozen,
    AccountNotEmpty,
    AccountNotFound,
    InsufficientFunds,
    VersionConflict,
)
from chalicelib.domain.fields import Direction
from chalicelib.domain.transaction.commands import HoldTransaction
from tests.domain.books import NOW, Books, credit, debit, opening, posting

OUT = debit("alice", 1), credit("cash", 1)
IN = credit("alice", 1), debit("cash", 1)


def freezing(debits: bool = True, credits: bool = True) -> FreezeAccount:
    return FreezeAccount(ledger="acme", account="alice", debits=debits, credits=credits)


def unfreezing(debits: bool = True, credits: bool = True) -> UnfreezeAccount:
    return UnfreezeAccount(ledger="acme", account="alice", debits=debits, credits=credits)


CLOSING = CloseAccount(ledger="acme", account="alice")


@pytest.fixture
def books() -> Books:
    """Alice has 5."""
    books = Books()
    books.do(opening("cash", min_balance=None))
    books.do(opening("alice", normal_balance="credit"))
    books.do(posting("first", debit("cash", 5), credit("alice", 5)))
    return books


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (freezing(), {"debit", "credit"}),
        (freezing(credits=False), {"debit"}),
        (freezing(debits=False), {"credit"}),
        (freezing(debits=False, credits=False), set()),
    ],
)
def test_a_frozen_account_refuses_entries_of_its_frozen_directions_only(
    books: Books, command: FreezeAccount, refused: set[Direction]
) -> None:
    assert books.do(command) == bool(refused)

    for side, entries in (("debit", OUT), ("credit", IN)):
        for attempt in (
            posting(f"t-{side}", *entries),
            HoldTransaction(ledger="acme", transaction=f"h-{side}", entries=entries),
        ):
            if side in refused:
                with pytest.raises(AccountIsFrozen) as frozen:
                    books.do(attempt)
                assert (frozen.value.account, frozen.value.direction) == ("alice", side)
            else:
                assert books.do(attempt)


def test_freezing_adds_to_what_is_frozen_and_unfreezing_takes_away(books: Books) -> None:
    books.do(freezing(credits=False))
    books.do(freezing())
    books.do(unfreezing(credits=False))

    assert books.account_events["alice"][2:] == [
        AccountFrozen(debits=True, credits=False),
        AccountFrozen(debits=False, credits=True),
        AccountUnfrozen(debits=True, credits=False),
    ]
    alice = books.accounts["alice"]
    assert (alice.frozen_debits, alice.frozen_credits, alice.version) == (False, True, 5)


@pytest.mark.parametrize(
    ("done", "again"),
    [
        ([freezing()], freezing()),
        ([freezing()], freezing(credits=False)),
        ([], unfreezing()),
        ([freezing(credits=False)], unfreezing(debits=False)),
        ([], freezing(debits=False, credits=False)),
        ([freezing()], unfreezing(debits=False, credits=False)),
    ],
)
def test_what_is_so_already_changes_nothing(
    books: Books, done: list[FreezeAccount], again: Command
) -> None:
    for command in done:
        books.do(command)

    assert not books.do(again)


def test_what_was_unfrozen_takes_entries_as_before(books: Books) -> None:
    books.do(freezing())
    books.do(unfreezing())

    assert books.do(posting("out", *OUT))
    assert books.do(posting("in", *IN))


def test_what_is_frozen_is_refused_before_what_is_not_there(books: Books) -> None:
    books.do(freezing())

    with pytest.raises(AccountIsFrozen):
        books.do(posting("t", debit("alice", 6), credit("cash", 6)))
    books.do(unfreezing())
    with pytest.raises(InsufficientFunds):
        books.do(posting("t", debit("alice", 6), credit("cash", 6)))


def test_a_frozen_account_may_be_changed_and_closed(books: Books) -> None:
    books.do(posting("t", debit("alice", 5), credit("cash", 5)))
    books.do(freezing())

    assert books.do(ChangeAccount(ledger="acme", account="alice", max_balance=7))
    assert books.do(CLOSING)
    assert books.account_events["alice"][-1] == AccountClosed()
    assert books.accounts["alice"].frozen_debits


def test_an_account_that_holds_something_is_not_closed(books: Books) -> None:
    with pytest.raises(AccountNotEmpty) as refused:
        books.do(CLOSING)

    figures = refused.value
    assert (figures.posted, figures.pending_debits, figures.pending_credits) == (5, 0, 0)


def test_an_account_that_is_overdrawn_is_not_closed(books: Books) -> None:
    with pytest.raises(AccountNotEmpty) as refused:
        books.do(CloseAccount(ledger="acme", account="cash"))

    assert refused.value.posted == 5


def test_a_closed_account_changes_no_more(books: Books) -> None:
    books.do(posting("t", debit("alice", 5), credit("cash", 5)))
    assert books.do(CLOSING)

    assert not books.do(CLOSING)
    for command in (freezing(), unfreezing(), ChangeAccount(ledger="acme", account="alice")):
        with pytest.raises(AccountIsClosed):
            books.do(command)
    for attempt in (
        posting("u", *IN),
        posting("u", *OUT),
        HoldTransaction(ledger="acme", transaction="h", entries=IN),
    ):
        with pytest.raises(AccountIsClosed) as refused:
            books.do(attempt)
        assert refused.value.account == "alice"
    assert not books.do(opening("alice", normal_balance="credit"))


def test_closed_is_said_before_frozen(books: Books) -> None:
    books.do(posting("t", debit("alice", 5), credit("cash", 5)))
    books.do(freezing())
    books.do(CLOSING)

    with pytest.raises(AccountIsClosed):
        books.do(posting("u", *IN))


def test_a_stale_version_is_said_before_anything_else_of_the_account(books: Books) -> None:
    books.do(posting("t", debit("alice", 5), credit("cash", 5)))
    books.do(CLOSING)
    change = ChangeAccount(ledger="acme", account="alice", max_balance=-1, if_version=3)

    with pytest.raises(VersionConflict) as refused:
        books.do(change)

    assert (refused.value.version, refused.value.if_version) == (4, 3)


@pytest.mark.parametrize(
    "command", [freezing(), unfreezing(), CLOSING, ChangeAccount(ledger="acme", account="alice")]
)
def test_an_account_that_nobody_opened_is_not_found(command: Command) -> None:
    with pytest.raises(AccountNotFound):
        decide(command, None, NOW)
