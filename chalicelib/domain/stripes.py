"""Stripes: an account whose entries are spread over several streams, so that many can write it.

One stream takes one write after the other. A striped account has a stream of its own, for what is
done to the account itself, and one per stripe, each an account with totals but without limits: no
entry has to ask what the other stripes hold. The account is worth the sum. A limit would have to
ask, which is why a striped account has none. (Sharded counters, as in Google's "Building Scalable
Web Apps with Google App Engine", B. Slatkin, 2008.)
"""

from collections.abc import Iterable, Sequence
from typing import assert_never

from msgspec.structs import replace

from chalicelib.domain.account.events import (
    AccountChanged,
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    EntryHeld,
    EntryPosted,
    Event,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.account.state import Account

MAX_STRIPES = 64
"""What is done to all stripes is one append, of at most a hundred events."""

MARK, _OF = "~", "of"
"""`MARK` is in the ids of stripes only: no id that a user may choose has it."""


def stripes_of(account: str, count: int) -> list[str]:
    """The ids of an account's stripes; none for a count of 1, which is no striped account."""
    if count == 1:
        return []
    return [f"{account}{MARK}{number}{_OF}{count}" for number in range(1, count + 1)]


def whole_of(id: str) -> str:
    """The account that a stripe is one of; any other id is its own."""
    return id.partition(MARK)[0]


def is_stripe(id: str) -> bool:
    """Whether this is the id of a stripe."""
    return MARK in id


def shown(version: int, count: int, number: int = 0) -> int:
    """The version of a stream as its account shows it, so that no two streams show the same.

    The account's own stream is number 0, and its stripes count from 1. What is not striped shows
    the version as it is.
    """
    return version if count == 1 else (version - 1) * (count + 1) + number + 1


def shown_of(id: str, version: int) -> int:
    """Likewise for the stream of an entry, by its id alone: stripes are what takes entries."""
    if not is_stripe(id):
        return version
    number, count = id.partition(MARK)[2].split(_OF)
    return shown(version, int(count), int(number))


def hidden(version: int, count: int) -> tuple[int, int]:
    """The number of a stream, and its own version, behind one that the account shows."""
    if count == 1:
        return 0, version
    before, number = divmod(version - 1, count + 1)
    return number, before + 1


def sum_of(account: Account, stripes: Iterable[Account]) -> Account:
    """The account with what its stripes hold."""
    held = [account, *stripes]
    unlisted = [one.unlisted_from for one in held if one.unlisted_from]
    return replace(
        account,
        debits=sum(one.debits for one in held),
        credits=sum(one.credits for one in held),
        pending_debits=sum(one.pending_debits for one in held),
        pending_credits=sum(one.pending_credits for one in held),
        expiring=tuple(
            sorted((hold for one in held for hold in one.expiring), key=lambda hold: hold.expires)
        ),
        unlisted=sum(one.unlisted for one in held),
        unlisted_from=min(unlisted, default=None),
    )


def for_stripes(events: Sequence[Event]) -> list[Event]:
    """The events that each stripe records of those of its account."""
    recorded: list[Event] = []
    for event in events:
        match event:
            case AccountOpened():
                recorded.append(replace(event, metadata={}, stripes=1))
            case AccountFrozen() | AccountUnfrozen() | AccountClosed():
                recorded.append(event)
            case AccountChanged():
                pass  # A stripe has neither limits nor metadata.
            case EntryPosted() | EntryHeld() | HeldEntryPosted() | HeldEntryReleased():
                raise ValueError("a striped account's own stream has no entries")
            case _:
                assert_never(event)
    return recorded
