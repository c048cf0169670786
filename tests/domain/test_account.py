"""The account: opening it, its sides and its limits."""

import pytest
from msgspec.structs import replace

from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.account.decide import decide
from chalicelib.domain.account.events import AccountOpened, EntryPosted, Event
from chalicelib.domain.account.state import Account, evolve
from chalicelib.domain.errors import (
    AccountExists,
    BalanceLimitExceeded,
    InsufficientFunds,
    InvalidAmount,
    InvalidField,
)
from chalicelib.domain.fields import Direction
from chalicelib.domain.postings import Line, Posting, book, posted_entries
from tests.domain.books import NOW, opening

OTHER_SIDE: dict[Direction, Direction] = {"debit": "credit", "credit": "debit"}
BOTH_SIDES: list[Direction] = ["debit", "credit"]


def opened(command: OpenAccount) -> Account:
    """The account that the command opens."""
    [event] = decide(command, None, NOW)
    return evolve(None, event)


def entry(direction: Direction, amount: int) -> Posting:
    """An entry on the account `cash`."""
    [posting] = posted_entries([Line("cash", direction, amount)], "order-77", NOW, "invoice 1009")
    return posting


def booked(account: Account, *entries: Posting) -> list[Event]:
    """The events of these entries on the account."""
    return book(entries, {"cash": account}).events["cash"]


def after(account: Account, *entries: Posting) -> Account:
    """The account when these entries have been made."""
    for event in booked(account, *entries):
        account = evolve(account, event)
    return account


def holding(account: Account, direction: Direction, amount: int) -> Account:
    """The account with this much pending on one side."""
    if direction == "debit":
        return replace(account, pending_debits=amount)
    return replace(account, pending_credits=amount)


def test_opening_an_account_records_all_that_was_asked() -> None:
    command = opening(min_balance=-5, max_balance=10**30, metadata={"name": "Till 1"})

    assert decide(command, None, NOW) == [
        AccountOpened(
            asset="USD/2",
            normal_balance="debit",
            min_balance=-5,
            max_balance=10**30,
            metadata={"name": "Till 1"},
            fingerprint=command.fingerprint,
            opened_at=NOW,
        )
    ]


def test_an_opened_account_is_empty_and_at_its_first_version() -> None:
    account = opened(opening(normal_balance="credit", min_balance=-5, max_balance=9))

    assert (account.version, account.metadata_version, account.opened_at) == (1, 1, NOW)
    assert (account.asset, account.normal_balance) == ("USD/2", "credit")
    assert (account.min_balance, account.max_balance) == (-5, 9)
    assert (account.debits, account.credits, account.posted, account.available) == (0, 0, 0, 0)
    assert (account.frozen_debits, account.frozen_credits, account.closed) == (False, False, False)


def test_opening_an_open_account_again_changes_nothing() -> None:
    command = opening(metadata={"a": "1", "b": "2"})
    moved = after(opened(command), entry("debit", 100))

    assert decide(opening(metadata={"b": "2", "a": "1"}), moved, NOW) == []


@pytest.mark.parametrize(
    "other",
    [
        opening(asset="USD/3"),
        opening(normal_balance="credit"),
        opening(min_balance=None),
        opening(min_balance=-1),
        opening(max_balance=0),
        opening(metadata={"name": "Till 1"}),
    ],
    ids=["asset", "normal balance", "no minimum", "minimum", "maximum", "metadata"],
)
def test_opening_an_open_account_with_other_content_is_refused(other: OpenAccount) -> None:
    with pytest.raises(AccountExists) as refused:
        decide(other, opened(opening()), NOW)

    assert refused.value.account == "cash"


@pytest.mark.parametrize(("low", "high"), [(1, None), (1, 5), (None, -1), (-5, -1)])
def test_an_account_whose_limits_leave_no_room_for_nothing_is_not_opened(
    low: int | None, high: int | None
) -> None:
    with pytest.raises(BalanceLimitExceeded) as refused:
        decide(opening(min_balance=low, max_balance=high), None, NOW)

    figures = refused.value
    assert (figures.account, figures.balance) == ("cash", 0)
    assert (figures.min_balance, figures.max_balance) == (low, high)


def test_an_account_may_be_held_at_exactly_nothing() -> None:
    account = opened(opening(min_balance=0, max_balance=0))

    with pytest.raises(BalanceLimitExceeded):
        after(account, entry("debit", 1))
    with pytest.raises(InsufficientFunds):
        after(account, entry("credit", 1))


def test_a_minimum_above_the_maximum_is_refused() -> None:
    with pytest.raises(InvalidField) as refused:
        opening(min_balance=2, max_balance=1)

    assert (refused.value.where, refused.value.code) == ("min_balance", "validation_failed")


@pytest.mark.parametrize(
    ("low", "high", "where"),
    [(-(10**30) - 1, None, "min_balance"), (0, 10**30 + 1, "max_balance")],
)
def test_a_limit_beyond_10_to_the_30_is_refused(low: int, high: int | None, where: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        opening(min_balance=low, max_balance=high)

    assert refused.value.where == where


def test_no_history_begins_with_an_entry() -> None:
    [event] = booked(opened(opening()), entry("debit", 1))

    with pytest.raises(ValueError, match="first event opens"):
        evolve(None, event)


def test_an_entry_records_its_transaction_and_when_it_counts() -> None:
    assert booked(opened(opening()), entry("debit", 700)) == [
        EntryPosted(
            transaction="order-77",
            direction="debit",
            amount=700,
            effective_at=NOW,
            reference="invoice 1009",
        )
    ]


@pytest.mark.parametrize("normal", BOTH_SIDES)
def test_the_normal_side_adds_and_the_other_takes_away(normal: Direction) -> None:
    account = opened(opening(normal_balance=normal))
    account = after(account, entry(normal, 1000), entry(OTHER_SIDE[normal], 300))

    totals = {"debit": account.debits, "credit": account.credits}
    assert (totals[normal], totals[OTHER_SIDE[normal]]) == (1000, 300)
    assert (account.posted, account.available, account.version) == (700, 700, 3)


@pytest.mark.parametrize("normal", BOTH_SIDES)
def test_the_whole_balance_can_be_spent_and_not_one_more(normal: Direction) -> None:
    account = after(opened(opening(normal_balance=normal)), entry(normal, 500))

    with pytest.raises(InsufficientFunds) as refused:
        after(account, entry(OTHER_SIDE[normal], 501))

    figures = refused.value
    assert (figures.account, figures.available) == ("cash", 500)
    assert (figures.min_balance, figures.asked) == (0, 501)
    assert after(account, entry(OTHER_SIDE[normal], 500)).posted == 0


@pytest.mark.parametrize(("low", "most"), [(-250, 250), (-(10**30), 10**30)])
def test_an_overdraft_ends_exactly_at_its_minimum(low: int, most: int) -> None:
    account = opened(opening(min_balance=low))

    assert after(account, entry("credit", most)).posted == low
    with pytest.raises(InsufficientFunds) as refused:
        after(account, entry("credit", most), entry("credit", 1))
    assert (refused.value.available, refused.value.min_balance, refused.value.asked) == (
        low,
        low,
        1,
    )


def test_an_account_without_a_minimum_goes_as_low_as_it_is_taken() -> None:
    account = opened(opening(min_balance=None))

    drained = after(account, *[entry("credit", 10**30)] * 3)

    assert drained.posted == -3 * 10**30


@pytest.mark.parametrize("normal", BOTH_SIDES)
def test_an_account_fills_exactly_to_its_maximum(normal: Direction) -> None:
    account = opened(opening(normal_balance=normal, max_balance=900))

    with pytest.raises(BalanceLimitExceeded) as refused:
        after(account, entry(normal, 901))

    figures = refused.value
    assert (figures.account, figures.balance, figures.max_balance) == ("cash", 901, 900)
    assert after(account, entry(normal, 900)).posted == 900


@pytest.mark.parametrize("normal", BOTH_SIDES)
def test_what_is_held_to_go_out_cannot_be_spent(normal: Direction) -> None:
    account = after(opened(opening(normal_balance=normal)), entry(normal, 500))
    held = holding(account, OTHER_SIDE[normal], 200)

    assert (held.posted, held.available, held.pending_out, held.pending_in) == (500, 300, 200, 0)
    assert after(held, entry(OTHER_SIDE[normal], 300)).available == 0
    with pytest.raises(InsufficientFunds) as refused:
        after(held, entry(OTHER_SIDE[normal], 301))
    assert (refused.value.available, refused.value.asked) == (300, 301)


@pytest.mark.parametrize("normal", BOTH_SIDES)
def test_what_is_held_to_come_in_takes_its_room_below_the_maximum(normal: Direction) -> None:
    account = opened(opening(normal_balance=normal, max_balance=900))
    held = holding(account, normal, 200)

    assert (held.available, held.pending_in, held.pending_out) == (0, 200, 0)
    assert after(held, entry(normal, 700)).posted == 700
    with pytest.raises(BalanceLimitExceeded) as refused:
        after(held, entry(normal, 701))
    assert refused.value.balance == 901
