"""Stripes: an account whose entries are spread over several streams, so that many can write it.

A stream takes one write at a time. A striped account has its own stream, for changes of the account
itself, and one stream per stripe, each with totals of its own; its balance is their sum. A limit
would need all of them at each entry, so a striped account has none. (Sharded counters, as in
Google's "Building Scalable Web Apps with Google App Engine", B. Slatkin, 2008.)
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
"""An event for each stripe is one append, of at most a hundred events."""

MARK, _OF = "~", "of"
"""`MARK` is in the ids of stripes only: no id that a user may choose has it."""


def stripes_of(account: str, count: int) -> list[str]:
    """The ids of an account's stripes; none for a count of 1, an account that is not striped."""
    if count == 1:
        return []
    return [f"{account}{MARK}{number}{_OF}{count}" for number in range(1, count + 1)]


def whole_of(id: str) -> str:
    """The account of a stripe; any other id as it is."""
    return id.partition(MARK)[0]


def is_stripe(id: str) -> bool:
    """Whether this is the id of a stripe."""
    return MARK in id


def public_version(version: int, count: int, number: int = 0) -> int:
    """The version that the API shows for a version of one of an account's streams: no two streams
    share one. The account's own stream is number 0, and its stripes count from 1.

    The versions of an account that is not striped are public as they are.
    """
    return version if count == 1 else (version - 1) * (count + 1) + number + 1


def public_version_of(id: str, version: int) -> int:
    """The public version of an entry, from the id of its stream."""
    if not is_stripe(id):
        return version
    number, count = id.partition(MARK)[2].split(_OF)
    return public_version(version, int(count), int(number))


def stream_version(public: int, count: int) -> tuple[int, int]:
    """The number of the stream that has a public version, and the stream's own version."""
    if count == 1:
        return 0, public
    before, number = divmod(public - 1, count + 1)
    return number, before + 1


def versions_before(public: int, count: int, number: int) -> int:
    """How many versions of stream `number` come before a public version."""
    return public - 1 if count == 1 else max(0, -(-(public - number - 1) // (count + 1)))


def sum_of(account: Account, stripes: Iterable[Account]) -> Account:
    """The account with the totals of its stripes added to its own."""
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
