"""What every row of every room must be, folded from the events alone, and what differs from it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from chalicelib.domain.account import EntryPosted, HeldEntryPosted
from chalicelib.domain.fields import rfc3339
from chalicelib.events.codec import FIRST_LINK, State, decode_state, evolve
from chalicelib.events.dynamodb import from_item
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.table import EventItem
from chalicelib.read_models.balances.projector import take_state
from chalicelib.read_models.balances.table import BalanceRow, row_of
from chalicelib.read_models.ledgers import PARTITION as LEDGERS
from chalicelib.read_models.ledgers import AccountsLedger, JournalLedger, place_of
from chalicelib.read_models.statements.projector import row as statement_row
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals.table import TotalRow, account_key, shard_key, shard_of
from chalicelib.read_models.transactions.projector import row as transaction_row
from chalicelib.read_models.transactions.table import TransactionRow, day_row
from chalicelib.tables import Table

ROOMS: tuple[type[Table], ...] = (
    *(BalanceRow, StatementRow, TransactionRow, TotalRow),
    *(AccountsLedger, JournalLedger),
)

Books = dict[Stream, list[Recorded]]
"""Every stream's events in the order of their versions, each with its state folded anew."""


def stored() -> Iterator[Recorded]:
    """All that stands in the event table, in no order."""
    return map(from_item, EventItem.scan(page_size=1000))


def books_of(events: Iterable[Recorded]) -> Books:
    """The events by stream, with states that were folded from the first event on."""
    books: Books = {}
    for event in sorted(events, key=lambda event: (str(event.stream), event.version)):
        before = books.setdefault(event.stream, [])
        state: State | None = before[-1].state if before else None
        before.append(event.with_state(evolve(state, event.event)))
    return books


def wrong_events(books: Books) -> Iterator[str]:
    """What is wrong with the events themselves: gaps, broken chains, states that are no fold."""
    for stream, events in books.items():
        if [event.version for event in events] != list(range(1, len(events) + 1)):
            yield f"{stream}: versions are not gapless"
        previous = FIRST_LINK
        for event in events:
            if event.hash != event.chained_to(previous):
                yield f"{stream} {event.version}: the chain of hashes is broken"
            if decode_state(stream.kind, event.state_data) != event.state:
                yield f"{stream} {event.version}: the carried state is no fold of the events"
            previous = event.hash


def wrong_rows(books: Books) -> Iterator[str]:
    """Rows that are missing, too many, or other than the events say."""
    for room, rows in _rows(books).items():
        expected, found = Counter(map(_text, rows)), Counter(map(_text, room.scan(page_size=1000)))
        for row in expected - found:
            yield f"{room.__name__}: not there: {row}"
        for row in found - expected:
            yield f"{room.__name__}: there, but not of the events: {row}"


def count_rows(books: Books) -> int:
    """How many rows the rooms have together."""
    return sum(len(rows) for rows in _rows(books).values())


def _rows(books: Books) -> dict[type[Table], Sequence[Table]]:
    accounts = {stream: events for stream, events in books.items() if stream.kind == "account"}
    others = {stream: events for stream, events in books.items() if stream.kind == "transaction"}
    days = {
        (stream.ledger, rfc3339(events[0].recorded_at)[:10]) for stream, events in others.items()
    }
    listed = {
        place_of(stream.ledger, events[0].account.asset) for stream, events in accounts.items()
    }
    return {
        AccountsLedger: [AccountsLedger(LEDGERS, place) for place in listed],
        JournalLedger: [JournalLedger(LEDGERS, place) for place in listed],
        BalanceRow: [_balance_row(events) for events in accounts.values()],
        StatementRow: [statement_row(event) for events in accounts.values() for event in events],
        TransactionRow: [
            *(transaction_row(events[-1]) for events in others.values()),
            *(day_row(*day) for day in days),
        ],
        TotalRow: _total_rows(accounts),
    }


def _balance_row(events: Sequence[Recorded]) -> BalanceRow:
    newest = events[-1]
    row = row_of(newest.stream.ledger, newest.stream.id)
    told = [event for event in events if event.sets_metadata][-1]
    take_state(row, newest)
    row.metadata_set_by = row.metadata_version = told.version
    row.metadata = msgspec.json.encode(told.metadata).decode()
    return row


def _total_rows(accounts: Books) -> list[TotalRow]:
    """Each account as last seen, and the sums: counted entry by entry, from no carried total."""
    rows = []
    sums: dict[tuple[str, str], TotalRow] = {}
    for stream, events in accounts.items():
        asset, as_of = events[-1].account.asset, rfc3339(events[-1].recorded_at)
        moved: Counter[str] = Counter()
        for event in events:
            if isinstance(event.event, EntryPosted | HeldEntryPosted):
                moved[event.event.direction] += event.event.amount
        keys = (shard_key(stream.ledger, shard_of(stream.id)), asset)
        total = sums.setdefault(keys, TotalRow(*keys, version=0, debits=0, credits=0, as_of=as_of))
        total.version += len(events)
        total.debits += moved["debit"]
        total.credits += moved["credit"]
        total.as_of = max(total.as_of, as_of)
        rows.append(
            TotalRow(
                *account_key(stream.ledger, stream.id),
                version=len(events),
                debits=moved["debit"],
                credits=moved["credit"],
                as_of=as_of,
            )
        )
    return [*rows, *sums.values()]


def _text(row: Table) -> str:
    return json.dumps(row.serialize(), sort_keys=True)
