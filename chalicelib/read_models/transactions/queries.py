"""The queries of this read model, and their results."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from chalicelib.domain.errors import InvalidField, TransactionNotFound
from chalicelib.domain.fields import check_id, check_reference, rfc3339, utc
from chalicelib.http.bodies import TransactionBody, as_of, transaction_body
from chalicelib.http.field_types import (
    LedgerId,
    NextCursor,
    ReferenceText,
    TransactionId,
    described,
)
from chalicelib.http.pagination import make_cursor, must_agree, read_cursor
from chalicelib.ledger.aggregates import transaction_event, transaction_stream
from chalicelib.read_models.ledgers import JournalLedger, require_ledger
from chalicelib.read_models.reading import (
    PAGE,
    Consistency,
    Cursor,
    From,
    Limit,
    MinVersion,
    Order,
    To,
    TransactionNotProjected,
    event_store,
    in_order,
    now,
    page_of,
    require_order,
    require_version,
    retry_while_behind,
)
from chalicelib.read_models.status_queries import Progress
from chalicelib.read_models.transactions import table
from chalicelib.read_models.transactions.table import TransactionRow

_FIRST, _LAST = "0", "~"

Rows = Iterator[TransactionRow]


class GetTransaction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was this transaction?"""

    ledger: LedgerId
    transaction: TransactionId
    min_version: MinVersion = 0
    consistency: Consistency = "eventual"

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.transaction, "transaction")


class ListTransactions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which transactions have this reference, are pending, or were recorded from one time up to
    another?
    """

    ledger: LedgerId
    state: Annotated[
        Literal["pending"] | None,
        described(
            "Only holds that are still pending. Not together with `reference`, `from` or `to`. "
            "Default: transactions in any state.",
            "pending",
        ),
    ] = None
    reference: Annotated[
        ReferenceText | None,
        described("Only transactions with this reference. Default: with any or none."),
    ] = None
    from_: From | None = msgspec.field(name="from", default=None)
    to: To | None = None
    order: Order | None = None
    limit: Limit = PAGE
    cursor: Cursor | None = None

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_reference(self.reference)
        others = {"reference": self.reference, "from": self.from_, "to": self.to}
        for name, value in others.items():
            if self.state is not None and value is not None:
                raise InvalidField(name, "cannot be combined with state")


class Transactions(msgspec.Struct, frozen=True, kw_only=True):
    """A page of transactions in the order of their recording, or in the opposite one."""

    transactions: Annotated[
        list[TransactionBody], described("The transactions, in the order that was asked for.")
    ]
    next_cursor: NextCursor


def get_transaction(query: GetTransaction) -> TransactionBody:
    """The transaction. Raises TransactionNotFound, ProjectionBehind, InvalidField."""
    if query.consistency == "strong":
        return _from_events(query)

    def read() -> TransactionBody:
        row = table.find(query.ledger, query.transaction)
        require_version(row.version if row else 0, query.min_version)
        if row is None:
            raise TransactionNotProjected(query.transaction)
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
    position = ""
    if query.cursor is not None:
        position, *filters = read_cursor(query.cursor, of=listing, parts=6)
        state, reference, low, high, order = filters
        must_agree(query.state, state)
        must_agree(query.reference, reference)
        must_agree(start, low)
        must_agree(end, high)
        must_agree(query.order, order)
    span = _Span(low, high, order == "desc", query.limit // table.BUCKETS + 2).after(position)
    if state:
        rows = _pending(query.ledger, span)
    elif reference:
        rows = span.rows(
            TransactionRow.by_reference, table.reference_buckets(query.ledger, reference)
        )
    else:
        rows = _of_days(query.ledger, span)
    page, more = page_of((row for row in rows if row.place != position), query.limit)
    if not page:
        # Only for an empty page: a writer's clock may be ahead of this one.
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


def progress(ledger: str) -> Progress:
    """When the newest transaction of a ledger was recorded. Later events of older transactions,
    such as the posting of a hold, are not found by a key.
    """
    days = TransactionRow.by_day.query(table.days_of(ledger), scan_index_forward=False, page_size=1)
    span = _Span(_FIRST, _LAST, descending=True, page=1)
    for day in days:
        newest = span.rows(TransactionRow.by_day, table.day_buckets(ledger, day.place))
        for row in newest:
            return Progress(as_of=row.place.partition("#")[0])
    return Progress()


def expiring(until: datetime) -> Iterator[tuple[str, str]]:
    """The ledger and id of pending transactions that expire by then, in the order of expiry."""
    due = TransactionRow.expires_at <= rfc3339(until)
    ask = partial(TransactionRow.expiring.query, range_key_condition=due)
    for row in in_order(map(ask, table.EXPIRY_BUCKETS), lambda row: str(row.expires_at)):
        ledger, _, id = row.key.partition("/")
        yield ledger, id


class _Span(NamedTuple):
    """The positions to read from each bucket, both inclusive, in pages of `page` rows."""

    low: str
    high: str
    descending: bool
    page: int

    def after(self, position: str) -> "_Span":
        """The rest of the span from the position where a page ended, inclusive; all for ""."""
        if not position:
            return self
        return self._replace(high=position) if self.descending else self._replace(low=position)

    def rows(self, index: Any, buckets: Iterable[str]) -> Rows:
        """The rows of these buckets of an index, in order."""
        ask = partial(
            index.query,
            range_key_condition=TransactionRow.place.between(self.low, self.high),
            page_size=self.page,
            scan_index_forward=not self.descending,
        )
        return in_order(map(ask, buckets), lambda row: str(row.place), descending=self.descending)


def _pending(ledger: str, span: _Span) -> Rows:
    at = rfc3339(now())
    listed = span.rows(TransactionRow.pending, table.pending_buckets(ledger))
    return (row for row in listed if not row.expires_at or row.expires_at > at)


def _of_days(ledger: str, span: _Span) -> Rows:
    days = TransactionRow.by_day.query(
        table.days_of(ledger),
        TransactionRow.place.between(span.low[: table.DAY], span.high[: table.DAY]),
        scan_index_forward=not span.descending,
    )
    for day in days:
        yield from span.rows(TransactionRow.by_day, table.day_buckets(ledger, day.place))


def _body(row: TransactionRow) -> TransactionBody:
    return as_of(msgspec.json.decode(row.body, type=TransactionBody), now())
