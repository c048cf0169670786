"""Holds: made, posted in whole or in part, voided, expired to the microsecond; resolved once."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.account.events import EntryHeld, HeldEntryPosted, HeldEntryReleased
from chalicelib.domain.errors import (
    ExceedsPendingAmount,
    IdempotencyKeyReused,
    InvalidField,
    TransactionNotFound,
    TransactionNotPending,
)
from chalicelib.domain.transaction.commands import (
    MAX_TIMEOUT_SECONDS,
    ExpireHold,
    HoldTransaction,
    PostHold,
    Resolving,
    VoidHold,
)
from chalicelib.domain.transaction.decide import Decision
from chalicelib.domain.transaction.events import (
    HoldExpired,
    HoldPosted,
    HoldVoided,
    Resolution,
    TransactionHeld,
)
from tests.domain.books import NOW, Books, credit, debit, posting
from tests.domain.holding import books_of_alice_and_bob, holding

EXPIRY = NOW + timedelta(seconds=60)
TICK = timedelta(microseconds=1)

POST = PostHold(ledger="acme", transaction="h", key="k")
VOID = VoidHold(ledger="acme", transaction="h", key="k", reason="out of stock")
EXPIRE = ExpireHold(ledger="acme", transaction="h")


@pytest.fixture
def books() -> Books:
    """Alice has 1000 and Bob may have 5000."""
    return books_of_alice_and_bob()


@pytest.fixture
def held(books: Books) -> Books:
    """400 of it are held for Bob, for a minute."""
    books.do(holding(debit("alice", 400), credit("bob", 400), reference="order 7"))
    return books


def pending(books: Books, account: str) -> tuple[int, int]:
    """Pending debits and credits."""
    return books.accounts[account].pending_debits, books.accounts[account].pending_credits


def test_a_hold_sets_money_aside_and_moves_none(held: Books) -> None:
    alice, bob = held.accounts["alice"], held.accounts["bob"]

    assert (alice.posted, alice.pending_out, alice.available, alice.version) == (1000, 400, 600, 3)
    assert (bob.posted, bob.pending_in, bob.available, bob.version) == (0, 400, 0, 2)
    assert [one.expires_at for one in (*alice.expiring, *bob.expiring)] == [EXPIRY, EXPIRY]
    assert held.account_events["alice"][-1] == EntryHeld(
        transaction="h", direction="debit", amount=400, expires_at=EXPIRY
    )
    [event] = held.transaction_events["h"]
    assert isinstance(event, TransactionHeld)
    assert (event.state, event.is_hold, event.expires_at) == ("pending", True, EXPIRY)
    assert (event.created_at, event.effective_at, event.resolution) == (NOW, NOW, None)
    assert [(entry.version, entry.balance_after) for entry in event.entries] == [(3, 1000), (2, 0)]


def test_all_of_a_hold_is_posted(held: Books) -> None:
    at = EXPIRY - TICK

    assert held.do(POST, at)

    event = held.transaction_events["h"][-1]
    assert isinstance(event, HoldPosted)
    assert event.resolution == Resolution(at=at, fingerprint=POST.fingerprint, key="k")
    assert (event.created_at, event.expires_at, event.reference) == (NOW, EXPIRY, "order 7")
    assert event.effective_at == at
    assert [(e.amount, e.version, e.balance_after) for e in event.entries] == [
        (400, 4, 600),
        (400, 3, 400),
    ]
    assert held.posted() == {"cash": 1000, "alice": 600, "bob": 400}
    assert pending(held, "alice") == pending(held, "bob") == (0, 0)
    assert held.accounts["alice"].expiring == ()
    assert held.account_events["bob"][-1] == HeldEntryPosted(
        transaction="h",
        direction="credit",
        amount=400,
        released=0,
        effective_at=at,
        reference="order 7",
        expires=True,
    )


def test_a_hold_that_an_older_build_made_takes_effect_when_it_was_made(held: Books) -> None:
    [made] = held.transaction_events["h"]
    held.transaction_events["h"] = [replace(made, effective_when_posted=False)]

    held.do(POST, EXPIRY - TICK)

    assert held.transaction_events["h"][-1].effective_at == NOW


@pytest.mark.parametrize("amount", [1, 399, 400])
def test_part_of_a_hold_is_posted_and_the_rest_is_free(held: Books, amount: int) -> None:
    held.do(PostHold(ledger="acme", transaction="h", amount=amount))

    assert held.posted() == {"cash": 1000, "alice": 1000 - amount, "bob": amount}
    assert pending(held, "alice") == pending(held, "bob") == (0, 0)
    posted = held.account_events["alice"][-1]
    assert isinstance(posted, HeldEntryPosted)
    assert (posted.amount, posted.released) == (amount, 400 - amount)


def test_more_than_was_held_is_not_posted(held: Books) -> None:
    with pytest.raises(ExceedsPendingAmount) as refused:
        held.do(PostHold(ledger="acme", transaction="h", amount=401))

    assert (refused.value.held, refused.value.asked) == (400, 401)


@pytest.mark.parametrize("amount", [1, 3, 9])
def test_only_a_hold_of_two_entries_is_posted_in_part(books: Books, amount: int) -> None:
    books.do(holding(debit("alice", 3), credit("bob", 2), credit("cash", 1)))

    with pytest.raises(InvalidField) as refused:
        books.do(PostHold(ledger="acme", transaction="h", amount=amount))

    assert refused.value.where == "amount"
    assert books.do(PostHold(ledger="acme", transaction="h"))


@pytest.mark.parametrize(
    ("command", "at", "kind"), [(VOID, NOW, HoldVoided), (EXPIRE, EXPIRY, HoldExpired)]
)
def test_a_hold_that_comes_to_nothing_frees_all_of_it(
    held: Books, command: Resolving, at: datetime, kind: type[object]
) -> None:
    [before] = held.transaction_events["h"]

    held.do(command, at)

    event = held.transaction_events["h"][-1]
    assert type(event) is kind
    assert event.entries == before.entries
    assert event.resolution is not None
    assert event.resolution.reason == ("out of stock" if command is VOID else None)
    assert held.posted() == {"cash": 1000, "alice": 1000, "bob": 0}
    assert pending(held, "alice") == pending(held, "bob") == (0, 0)
    assert held.account_events["alice"][-1] == HeldEntryReleased(
        transaction="h", direction="debit", amount=400, expires=True
    )


@pytest.mark.parametrize("command", [POST, VOID])
@pytest.mark.parametrize("late", [timedelta(0), TICK, timedelta(days=900)])
def test_at_its_expiry_and_after_it_a_hold_can_only_expire(
    held: Books, command: Resolving, late: timedelta
) -> None:
    with pytest.raises(TransactionNotPending) as refused:
        held.do(command, EXPIRY + late)

    assert (refused.value.transaction, refused.value.state) == ("h", "expired")
    assert held.do(EXPIRE, EXPIRY + late)


def test_before_its_expiry_a_hold_does_not_expire(held: Books) -> None:
    assert held.decide(EXPIRE, EXPIRY - TICK) == Decision()


def test_a_hold_without_a_timeout_never_does(books: Books) -> None:
    books.do(holding(debit("alice", 1), credit("bob", 1), seconds=None))
    far = NOW + timedelta(days=365_000)

    assert books.accounts["alice"].expiring == ()
    assert books.decide(EXPIRE, far) == Decision()
    assert books.do(POST, far)


@pytest.mark.parametrize("first", [POST, VOID, EXPIRE])
def test_a_hold_is_resolved_once(held: Books, first: Resolving) -> None:
    held.do(first, EXPIRY if first is EXPIRE else NOW)
    before = dict(held.accounts)

    for again in (
        PostHold(ledger="acme", transaction="h"),
        VoidHold(ledger="acme", transaction="h"),
        PostHold(ledger="acme", transaction="h", key="other"),
    ):
        with pytest.raises(TransactionNotPending):
            held.do(again)
    assert held.decide(EXPIRE, EXPIRY) == Decision()
    assert held.accounts == before


@pytest.mark.parametrize("command", [POST, VOID])
def test_with_its_key_a_resolution_that_is_asked_again_changes_nothing(
    held: Books, command: Resolving
) -> None:
    held.do(command)

    assert held.decide(command, EXPIRY + TICK) == Decision()


@pytest.mark.parametrize(
    "other",
    [
        VoidHold(ledger="acme", transaction="h", key="k"),
        PostHold(ledger="acme", transaction="h", key="k", amount=399),
        # All of it, said in another way, is other content: a client sends what it sent before.
        PostHold(ledger="acme", transaction="h", key="k", amount=400),
    ],
)
def test_a_key_is_not_used_for_another_resolution(held: Books, other: Resolving) -> None:
    held.do(POST)

    with pytest.raises(IdempotencyKeyReused):
        held.do(other)


@pytest.mark.parametrize("command", [POST, VOID, EXPIRE])
def test_what_is_not_there_is_not_resolved(books: Books, command: Resolving) -> None:
    with pytest.raises(TransactionNotFound):
        books.do(command)


@pytest.mark.parametrize("key", [None, "k"])
def test_what_was_never_held_is_not_resolved(books: Books, key: str | None) -> None:
    with pytest.raises(TransactionNotPending) as refused:
        books.do(PostHold(ledger="acme", transaction="first", key=key))

    assert refused.value.state == "posted"


def test_the_same_hold_again_changes_nothing_whatever_became_of_it(held: Books) -> None:
    command = holding(debit("alice", 400), credit("bob", 400), reference="order 7")
    assert held.decide(command) == Decision()
    held.do(POST)

    assert held.decide(command) == Decision()


@pytest.mark.parametrize(
    "other",
    [
        holding(debit("alice", 400), credit("bob", 400), reference="order 7", seconds=61),
        holding(debit("alice", 400), credit("bob", 400), reference="order 7", seconds=None),
        posting("h", debit("alice", 400), credit("bob", 400), reference="order 7"),
    ],
    ids=["timeout", "no timeout", "posted at once"],
)
def test_the_id_of_a_hold_is_not_used_for_other_content(
    held: Books, other: HoldTransaction
) -> None:
    with pytest.raises(IdempotencyKeyReused):
        held.do(other)


@pytest.mark.parametrize("seconds", [0, -1, MAX_TIMEOUT_SECONDS + 1, True, 1.0, "60"])
def test_a_timeout_is_a_whole_number_of_seconds_up_to_ten_years(seconds: int) -> None:
    with pytest.raises(InvalidField) as refused:
        holding(debit("alice", 1), credit("bob", 1), seconds=seconds)

    assert refused.value.where == "pending.timeout_seconds"
    holding(debit("alice", 1), credit("bob", 1), seconds=MAX_TIMEOUT_SECONDS)


@pytest.mark.parametrize("reason", ["", "r" * 257])
def test_a_reason_has_1_to_256_characters(reason: str) -> None:
    with pytest.raises(InvalidField) as refused:
        VoidHold(ledger="acme", transaction="h", reason=reason)

    assert refused.value.where == "reason"
    VoidHold(ledger="acme", transaction="h", reason="r" * 256)
