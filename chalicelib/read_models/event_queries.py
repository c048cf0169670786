"""Which events has this account, or this transaction? Read from the event table.

Only stages with strong reads answer. A striped account has the events of all its streams: its own
and those of its stripes, in the order of their times, each with its public version.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, NamedTuple

import msgspec

from chalicelib.domain.errors import AccountNotFound, TransactionNotFound
from chalicelib.domain.fields import check_id
from chalicelib.domain.stripes import public_version, stream_version
from chalicelib.events.recorded import Stream
from chalicelib.events.store import EventStore
from chalicelib.http.field_types import (
    AccountId,
    LedgerId,
    NextCursor,
    Time,
    TransactionId,
    described,
)
from chalicelib.http.pagination import make_cursor, must_agree, not_ours, read_cursor, whole_number
from chalicelib.ledger.aggregates import account_stream, stripe_streams, transaction_stream
from chalicelib.ledger.event_types import EVENT_TYPES, UNRECOGNIZED, event_type
from chalicelib.read_models.reading import (
    PAGE,
    Cursor,
    Limit,
    MinVersion,
    Order,
    event_store,
    in_order,
    page_of,
    require_seen,
)

_ORDERS = ("asc", "desc")


class AccountEvents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events has this account?"""

    ledger: LedgerId
    account: AccountId
    min_version: MinVersion = 0
    order: Order | None = None
    limit: Limit = PAGE
    cursor: Cursor | None = None

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "account")


class TransactionEvents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events has this transaction?"""

    ledger: LedgerId
    transaction: TransactionId
    min_version: MinVersion = 0
    order: Order | None = None
    limit: Limit = PAGE
    cursor: Cursor | None = None

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.transaction, "transaction")


class EventBody(msgspec.Struct, frozen=True, kw_only=True):
    """An event without its content."""

    version: Annotated[
        int,
        described(
            "The version of the account or the transaction after this event. On a striped account "
            "each stream counts for itself, so versions do not rise evenly there.",
            1,
            minimum=1,
        ),
    ]
    type: Annotated[
        str,
        described(
            "What happened. `entry.posted`, `entry.pending` and `entry.released` are what a "
            "transaction did to an account. `….unrecognized` was written by a later version of "
            "Twofold.",
            "transaction.posted",
            enum=[*dict.fromkeys(EVENT_TYPES.values()), *UNRECOGNIZED.values()],
        ),
    ]
    recorded_at: Annotated[Time, described("When it was recorded.")]
    hash: Annotated[
        str,
        described(
            "Its hash in the chain of its stream, in hex: SHA-256 over the hash before it and all "
            "that the event contains.",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            pattern="^[0-9a-f]{64}$",
        ),
    ]


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """A page of events."""

    events: Annotated[list[EventBody], described("The events, in the order that was asked for.")]
    next_cursor: NextCursor


def account_events(query: AccountEvents) -> Events:
    """A page of an account's events.

    Raises InvalidField without strong reads, AccountNotFound, ProjectionBehind, Problem.
    """
    store = event_store("events")
    own = account_stream(query.ledger, query.account)
    head = store.load([own]).get(own)
    if head is None:
        raise AccountNotFound(query.account)
    return _page(query, store, [own, *stripe_streams(head)])


def transaction_events(query: TransactionEvents) -> Events:
    """A page of a transaction's events.

    Raises InvalidField without strong reads, TransactionNotFound, ProjectionBehind, Problem.
    """
    page = _page(
        query, event_store("events"), [transaction_stream(query.ledger, query.transaction)]
    )
    if not page.events and query.cursor is None:
        raise TransactionNotFound(query.transaction)
    return page


class _Position(NamedTuple):
    """Where a page ended: the `place` of its last event, and of each stream the last version that
    was shown, or None.
    """

    order: str
    place: str
    shown: Sequence[int | None]


def _page(
    query: AccountEvents | TransactionEvents, store: EventStore, streams: Sequence[Stream]
) -> Events:
    if query.min_version:
        heads = store.load(streams)
        seen = [heads[stream].version if stream in heads else 0 for stream in streams]
        require_seen(seen, query.min_version)
    listing = ("events", str(streams[0]))
    start = _start(query, listing, len(streams))
    descending = start.order == "desc"
    size = query.limit + 1 if len(streams) == 1 else query.limit // len(streams) + 2
    read = partial(_events, streams, start, size)
    page, more = page_of(
        in_order(map(read, range(len(streams))), _place, descending=descending), query.limit
    )
    return Events(
        events=page,
        next_cursor=_cursor(start, page, listing) if more else None,
    )


def _start(
    query: AccountEvents | TransactionEvents, listing: tuple[str, ...], streams: int
) -> _Position:
    """Where the page begins. Raises Problem invalid_cursor."""
    if query.cursor is None:
        return _Position(query.order or "asc", "", [None] * streams)
    order, place, versions = read_cursor(query.cursor, of=listing, parts=3)
    must_agree(query.order, order)
    shown = [whole_number(version) if version else None for version in versions.split(".")]
    if order not in _ORDERS or len(shown) != streams:
        raise not_ours()
    return _Position(order, place, shown)


def _events(
    streams: Sequence[Stream], start: _Position, size: int, number: int
) -> Iterator[EventBody]:
    """The rest of the events of one stream."""
    # Only stages with strong reads load this module.
    from chalicelib.events.listing import listed

    stream, descending = streams[number], start.order == "desc"
    for event in listed(stream, after=start.shown[number], newest_first=descending, page=size):
        found = EventBody(
            version=public_version(event.version, max(len(streams) - 1, 1), number),
            type=event_type(stream, event.type),
            recorded_at=event.recorded_at,
            hash=event.hash.hex(),
        )
        # Newest first, a stream may have got events since the page before.
        if not (descending and start.place and _place(found) > start.place):
            yield found


def _cursor(start: _Position, page: Sequence[EventBody], listing: tuple[str, ...]) -> str:
    shown = list(start.shown)
    for event in page:
        number, version = stream_version(event.version, max(len(shown) - 1, 1))
        shown[number] = version
    versions = ".".join("" if version is None else str(version) for version in shown)
    return make_cursor(start.order, _place(page[-1]), versions, of=listing)


def _place(event: EventBody) -> str:
    """Sorts by time, then by version."""
    return f"{event.recorded_at}#{event.version:016d}"
