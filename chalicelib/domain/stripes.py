"""Stripes: an account whose entries are spread over several streams, so that many can write it.

One stream takes one write after the other. A striped account has a stream of its own, for what is
done to the account itself, and one per stripe, each an account with totals but without limits: no
entry has to ask what the other stripes hold. The account is worth the sum. A limit would have to
ask, which is why a striped account has none. (Sharded counters, as in Google's "Building Scalable
Web Apps with Google App Engine", B. Slatkin, 2008.)
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from chalicelib.domain.account.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    Event,
)
from chalicelib.domain.account.state import Account

MAX_STRIPES = 64
"""What is done to all stripes is one append, of at most a hundred events."""

_MARK, _OF = "~", "of"  # No id of a user's has the mark in it.


def stripes_of(account: str, count: int) -> list[str]:
    """The ids of an account's stripes; none for a count of 1, an account that is not striped."""
    if count == 1:
        return []
    return [f"{account}{_MARK}{number}{_OF}{count}" for number in range(1, count + 1)]


def whole_of(id: str) -> str:
    """The account that a stripe is one of; any other id is its own."""
    return id.partition(_MARK)[0]


def is_stripe(id: str) -> bool:
    """Whether this is the id of a stripe."""
    return _MARK in id


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
    number, count = id.partition(_MARK)[2].split(_OF)
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
    """What each stripe has to know of what happened to the account."""
    told: list[Event] = []
    for event in events:
        if isinstance(event, AccountOpened):
            told.append(replace(event, metadata={}, stripes=1))
        elif isinstance(event, AccountFrozen | AccountUnfrozen | AccountClosed):
            told.append(event)
    return told
