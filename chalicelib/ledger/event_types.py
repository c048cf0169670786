"""The names of events in the API, which stay when a class is renamed or replaced."""

from collections.abc import Mapping

from chalicelib.domain.account.events import (
    AccountChanged,
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    EntryHeld,
    EntryPosted,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.transaction.events import (
    HoldExpired,
    HoldPosted,
    HoldVoided,
    TransactionHeld,
    TransactionPosted,
    TransactionReversed,
)
from chalicelib.events.recorded import Stream
from chalicelib.ledger.aggregates import Event

EVENT_TYPES: Mapping[type[Event], str] = {
    AccountOpened: "account.opened",
    AccountChanged: "account.changed",
    AccountFrozen: "account.frozen",
    AccountUnfrozen: "account.unfrozen",
    AccountClosed: "account.closed",
    EntryPosted: "entry.posted",
    HeldEntryPosted: "entry.posted",
    EntryHeld: "entry.pending",
    HeldEntryReleased: "entry.released",
    TransactionPosted: "transaction.posted",
    HoldPosted: "transaction.posted",
    TransactionHeld: "transaction.pending",
    HoldVoided: "transaction.voided",
    HoldExpired: "transaction.expired",
    TransactionReversed: "transaction.reversed",
}
"""The name of each class of events. Part of the contract."""

UNRECOGNIZED = {"account": "account.unrecognized", "transaction": "transaction.unrecognized"}
"""By kind of stream, the name of an event that a later build wrote."""

_NAMES = {event.__name__: name for event, name in EVENT_TYPES.items()}


def event_type(stream: Stream, stored: str) -> str:
    """The name in the API of an event of this stream, from its stored type."""
    return _NAMES.get(stored) or UNRECOGNIZED[stream.kind]
