"""What the queries of all read models share: limits, waiting for a version, strong reads, pages."""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from chalicelib.domain.errors import (
    AccountNotFound,
    InvalidField,
    ProjectionBehind,
    TransactionNotFound,
)
from chalicelib.domain.fields import check_id
from chalicelib.domain.stripes import stream_version
from chalicelib.events.store import EventStore
from chalicelib.http.field_types import AccountId, LedgerId, described
from chalicelib.http.pagination import DEFAULT_LIMIT, MAX_LIMIT
from chalicelib.settings import settings
from chalicelib.tables import in_parallel

Limit = Annotated[
    int, Meta(ge=1, le=MAX_LIMIT), described("The most rows of a page, 1 to 200.", 50)
]
"""The most rows of a page."""

MinVersion = Annotated[
    int,
    Meta(ge=0),
    described(
        "The version that the answer must contain, as a write answered it. The read waits for it "
        "for up to two seconds, and otherwise answers 503 `projection_behind`. 0 requires none.",
        1,
    ),
]
"""The version that an answer must contain; 0 requires none."""

Consistency = Annotated[
    Literal["eventual", "strong"],
    described(
        "`eventual` reads the read model, which shows a write a moment later. `strong` reads the "
        "event table, where the stage allows it; elsewhere it is a 400.",
        "eventual",
    ),
]
"""Whether a result comes from the read model's table, or is as new as the event table."""

Cursor = Annotated[
    str,
    described(
        "The `next_cursor` of the page before. Default: the first page. A cursor belongs to its "
        "listing: repeat the other parameters as they were, or leave them out.",
        "sEnTAnDkEpTaSiTwAs",
    ),
]

Order = Annotated[
    Literal["asc", "desc"],
    described("`asc`, which is the default, is oldest first; `desc` is newest first.", "desc"),
]

From = Annotated[
    datetime,
    described(
        "The start of the period: what was recorded at or after this time (RFC 3339). Default: "
        "the beginning.",
        "2026-01-01T00:00:00Z",
        format="date-time",
    ),
]
At = Annotated[
    datetime,
    described(
        "The time of the balance: after the last entry recorded at or before it (RFC 3339). "
        "Default: now.",
        "2036-01-01T00:00:00Z",
        format="date-time",
    ),
]
To = Annotated[
    datetime,
    described(
        "The end of the period: what was recorded before this time (RFC 3339). Default: now.",
        "2036-01-01T00:00:00Z",
        format="date-time",
    ),
]

PAGE = DEFAULT_LIMIT


Final = Annotated[
    bool,
    described(
        "Whether nothing that may still be recorded can change this answer. Only a read with "
        "`consistency=strong` can know that.",
        False,
    ),
]
"""What statements and balances say of themselves."""


class AccountQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query about one account."""

    ledger: LedgerId
    account: AccountId
    min_version: MinVersion = 0
    consistency: Consistency = "eventual"

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "account")


class AccountNotProjected(AccountNotFound):
    """The read table has no such account. Whether the event table has one is not known here."""


class TransactionNotProjected(TransactionNotFound):
    """The read table has no such transaction, likewise."""


_PATIENCE_SECONDS = 2.0
_FIRST_WAIT_SECONDS = 0.02

_Found = TypeVar("_Found")
_Row = TypeVar("_Row")


def retry_while_behind(
    read: Callable[[], _Found],
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> _Found:
    """The result of `read`, which is retried for up to 2 s. Raises ProjectionBehind."""
    wait, waited, began = _FIRST_WAIT_SECONDS, 0.0, monotonic()
    while True:
        try:
            return read()
        except ProjectionBehind:
            if max(waited, monotonic() - began) + wait > _PATIENCE_SECONDS:
                raise
        sleep(wait)
        waited, wait = waited + wait, wait * 2


def clock() -> datetime:
    """The time now; a test replaces this function."""
    return datetime.now(UTC)


def now() -> datetime:
    """The time of a read, to which holds are compared."""
    return clock()


def event_store(asked_by: str = "consistency") -> EventStore:
    """The event table, which a parameter or a part of the path asked for.

    Raises InvalidField if this stage has no strong reads.
    """
    if not settings().strong_reads:
        raise InvalidField(asked_by, "this stage does not read the event table")
    # Only stages with strong reads load this module.
    from chalicelib.events.dynamodb import DynamoStore

    return DynamoStore()


def require_order(start: str | None, end: str | None, called: str = "to") -> None:
    """Raises InvalidField if a period begins after its end, which the message names `called`."""
    if start is not None and end is not None and start > end:
        raise InvalidField("from", f"is later than {called}")


def require_version(seen: int, min_version: int) -> None:
    """Raises ProjectionBehind if a version is below the required one."""
    if seen < min_version:
        raise ProjectionBehind(min_version)


def require_seen(seen: Sequence[int], min_version: int) -> None:
    """Raises ProjectionBehind if the streams of an account do not contain a public version.

    `seen` are the versions of the streams, by number: the account's own, then its stripes'.
    """
    number, version = stream_version(min_version, max(len(seen) - 1, 1))
    if seen[number] < version:
        raise ProjectionBehind(min_version)


def prefetched(rows: Iterator[_Row]) -> Iterator[_Row]:
    """The same rows, with their first page read now, so that several can be read in parallel."""
    first = list(islice(rows, 1))
    return chain(first, rows)


def in_order(
    sources: Iterable[Iterator[_Row]], key: Callable[[_Row], str], *, descending: bool = False
) -> Iterator[_Row]:
    """Sorted sources, merged. Their first pages are read in parallel."""
    return heapq.merge(*in_parallel(prefetched, sources), key=key, reverse=descending)


def page_of(rows: Iterator[_Row], limit: int) -> tuple[list[_Row], bool]:
    """The first `limit` rows, and whether there are more."""
    page = list(islice(rows, limit))
    return page, next(rows, None) is not None
