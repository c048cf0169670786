"""The queries of this read model, and their answers."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple

import msgspec

from chalicelib.domain.errors import InvalidField, TransactionNotFound
from chalicelib.domain.fields import check_id, check_reference, rfc3339, utc
from chalicelib.http.bodies import TransactionBody, as_of, transaction_body
from chalicelib.http.pagination import make_cursor, must_agree, read_cursor
from chalicelib.ledger.aggregates import transaction_event, transaction_stream
from chalicelib.read_models.ledgers import JournalLedger, require_ledger
from chalicelib.read_models.reading import (
    PAGE,
    Consistency,
    Limit,
    MinVersion,
    event_store,
    in_order,
    now,
    page_of,
    require_order,
    require_version,
    retry_while_behind,
)
from chalicelib.read_models.transactions.table import (
    BUCKETS,
    EXPIRY_BUCKETS,
    TransactionRow,
    day_buckets,
    days_of,
    find,
    pending_buckets,
    reference_buckets,
)

_FIRST, _LAST = "0", "~"
_DAY = len("2026-11-23")

Rows = Iterator[TransactionRow]


class GetTransaction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was this transaction?"""

    ledger: str
    transaction: str
    min_version: MinVersion = 0
    consistency: Consistency = "eventual"

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.transaction, "transaction")


class ListTransactions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which transactions have this reference, are pending, or were recorded from one time up to
    another?
    """

    ledger: str
    state: Literal["pending"] | None = None
    reference: str | None = None
    from_: datetime | None = msgspec.field(name="from", default=None)
    to: datetime | None = None
    order: Literal["asc", "desc"] | None = None
    limit: Limit = PAGE
    cursor: str | None = None

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_reference(self.reference)
        others = {"reference": self.reference, "from": self.from_, "to": self.to}
        for name, value in others.items():
            if self.state is not None and value is not None:
                raise InvalidField(name, "cannot be combined with state")


class Transactions(msgspec.Struct, frozen=True, kw_only=True):
    """A page of transactions in the order of their recording, or in the opposite one."""

    transactions: list[TransactionBody]
    next_cursor: str | None


def get_transaction(query: GetTransaction) -> TransactionBody:
    """The transaction. Raises TransactionNotFound, ProjectionBehind, and InvalidField for a strong
    read where this stage has none.
    """
    if query.consistency == "strong":
        return _from_events(query)

    def read() -> TransactionBody:
        row = find(query.ledger, query.transaction)
        require_version(row.version if row else 0, query.min_version)
        if row is None:
            raise TransactionNotFound(query.transaction)
        return _body(row)

    return retry_while_behind(read)


def _from_events(query: GetTransaction) -> TransactionBody:
    stream = transaction_stream(query.ledger, query.transaction)
    head = event_store().load([stream]).get(stream)
    if head is None:
        raise TransactionNotFound(query.transaction)
    require_version(head.version, query.min_version)
    event = transaction_event(head)
    return as_of(transaction_body(query.ledger, query.transaction, event, head.version), now())


def list_transactions(query: ListTransactions) -> Transactions:
    """A page of transactions. Raises InvalidField, LedgerNotFound, Problem invalid_cursor."""
    listing = ("transactions", query.ledger)
    start = rfc3339(utc(query.from_, "from")) if query.from_ else None
    end = rfc3339(utc(query.to, "to")) if query.to else None
    require_order(start, end)
    state: str = query.state or ""
    reference = query.reference or ""
    low, high = start or _FIRST, end or _LAST
    order: str = query.order or "asc"
    place = ""
    if query.cursor is not None:
        place, state, reference, low, high, order = read_cursor(query.cursor, of=listing, parts=6)
        must_agree(query.state, state)
        must_agree(query.reference, reference)
        must_agree(start, low)
        must_agree(end, high)
        must_agree(query.order, order)
    span = _Span(low, high, order == "desc", query.limit // BUCKETS + 2).behind(place)
    if state:
        rows = _pending(query.ledger, span)
    elif reference:
        rows = span.rows(TransactionRow.by_reference, reference_buckets(query.ledger, reference))
    else:
        rows = _of_days(query.ledger, span)
    page, more = page_of((row for row in rows if row.place != place), query.limit)
    if not page:
        # Asked only here: a writer's clock may be ahead of ours, and what it recorded is there.
        require_order(start, end or rfc3339(now()), "now")
        require_ledger(JournalLedger, query.ledger)
    return Transactions(
        transactions=[_body(row) for row in page],
        next_cursor=(
            make_cursor(page[-1].place, state, reference, low, high, order, of=listing)
            if more
            else None
        ),
    )


def expiring(until: datetime) -> Iterator[tuple[str, str]]:
    """The ledger and id of the transactions that are pending though their time was up by then, as
    far as they are projected; those first that expired first.
    """
    due = TransactionRow.expires_at <= rfc3339(until)
    ask = partial(TransactionRow.expiring.query, range_key_condition=due)
    for row in in_order(map(ask, EXPIRY_BUCKETS), lambda row: str(row.expires_at)):
        ledger, _, id = row.key.partition("/")
        yield ledger, id


class _Span(NamedTuple):
    """What is read of each bucket: from one place to another, both inclusive, in pages of so many
    rows.
    """

    low: str
    high: str
    descending: bool
    page: int

    def behind(self, place: str) -> "_Span":
        """What is left from the place where a page ended, that one included; all for none."""
        if not place:
            return self
        return self._replace(high=place) if self.descending else self._replace(low=place)

    def rows(self, index: Any, buckets: Iterable[str]) -> Rows:
        """The rows of these buckets of an index, in order."""
        ask = partial(
            index.query,
            range_key_condition=TransactionRow.place.between(self.low, self.high),
            page_size=self.page,
            scan_index_forward=not self.descending,
        )
        return in_order(map(ask, buckets), _place, descending=self.descending)


def _pending(ledger: str, span: _Span) -> Rows:
    at = rfc3339(now())
    listed = span.rows(TransactionRow.pending, pending_buckets(ledger))
    return (row for row in listed if not row.expires_at or row.expires_at > at)


def _of_days(ledger: str, span: _Span) -> Rows:
    days = TransactionRow.by_day.query(
        days_of(ledger),
        TransactionRow.place.between(span.low[:_DAY], span.high[:_DAY]),
        scan_index_forward=not span.descending,
    )
    for day in days:
        yield from span.rows(TransactionRow.by_day, day_buckets(ledger, day.place))


def _place(row: TransactionRow) -> str:
    return str(row.place)


def _body(row: TransactionRow) -> TransactionBody:
    return as_of(msgspec.json.decode(row.body, type=TransactionBody), now())
