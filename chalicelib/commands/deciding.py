"""Deciding: from streams to what the domain decides on, and from its decision back to streams."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import structs

from chalicelib.domain.account import commands as account
from chalicelib.domain.account.decide import decide as decide_account
from chalicelib.domain.stripes import for_stripes, stripes_of, sum_of
from chalicelib.domain.transaction import commands as transaction
from chalicelib.domain.transaction import decide as decisions
from chalicelib.domain.transaction import events as transaction_events
from chalicelib.domain.transaction.decide import Books
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import (
    Event,
    account_state,
    account_stream,
    stripe_streams,
    transaction_event,
    transaction_stream,
)

Command = account.Command | transaction.Command
"""Every command, those that only the ledger itself issues included."""

Place = Callable[[Stream], Stream]
"""Where new entries of an account go: to one of its stripes, if it is known to have any."""


def subject(command: Command) -> Stream:
    """The stream that a command is about, whose newest event answers it."""
    if isinstance(command, account.Command):
        return account_stream(command.ledger, command.account)
    return transaction_stream(command.ledger, command.transaction)


def makes_its_stream(command: Command) -> bool:
    """Whether a command is only done where its own stream is not there yet."""
    return isinstance(command, account.OpenAccount | transaction.NewTransaction)


def done_at(command: Command) -> tuple[Stream, int] | None:
    """Where an event says that a command was done before, whichever request did it.

    None for one that cannot be told from another of its kind.
    """
    if makes_its_stream(command):
        return subject(command), 1
    if isinstance(command, transaction.PostHold | transaction.VoidHold) and command.key:
        return subject(command), 2
    return None


def needs(
    command: Command, heads: Mapping[Stream, Recorded], place: Place, *, look: bool
) -> list[Stream]:
    """The streams that a command must see to be decided, as far as these tell.

    With `look`, one that a command makes itself is among them.
    """
    mine = [subject(command)]
    if isinstance(command, account.OpenAccount) and not look:
        return []
    if isinstance(command, account.Command):
        return [*mine, *(stripe_streams(heads[mine[0]]) if mine[0] in heads else ())]
    seen = [transaction_stream(command.ledger, id) for id in decisions.transactions_of(command)]
    touched = decisions.accounts_of(command, _transactions(heads))
    others = [place(account_stream(command.ledger, id)) for id in touched]
    return [*(mine if look else []), *seen, *others]


def changes(
    command: Command, heads: Mapping[Stream, Recorded], place: Place, now: datetime
) -> dict[Stream, Sequence[Event]]:
    """The events of each stream, the command's subject first; empty when already done."""
    if isinstance(command, account.Command):
        return _of_account(command, heads, now)
    transactions, ledger = _transactions(heads), command.ledger
    touched = decisions.accounts_of(command, transactions)
    books = Books(
        transactions=transactions,
        accounts={id.id: account_state(head) for id, head in heads.items() if id.kind == "account"},
        places={id: place(account_stream(ledger, id)).id for id in touched},
    )
    decision = decisions.decide(command, books, now)
    return {
        **{transaction_stream(ledger, id): told for id, told in decision.transactions.items()},
        **{account_stream(ledger, id): moved for id, moved in decision.accounts.items()},
    }


def naming(
    events: Sequence[Event], written: Mapping[Stream, Sequence[Recorded]]
) -> Sequence[Event]:
    """A transaction's events, each naming the events that its entries made on accounts.

    `written` has the events of each account, in the order of the entries.
    """
    return [_naming(event, written) for event in events]


def _naming(event: Event, written: Mapping[Stream, Sequence[Recorded]]) -> Event:
    assert isinstance(event, transaction_events.Event)
    if isinstance(event, transaction_events.TransactionReversed):
        return structs.replace(event, account_events=())
    made = {stream.id: iter(recorded) for stream, recorded in written.items()}
    of_entries = (next(made[entry.account]) for entry in event.entries)
    named = tuple(
        transaction_events.AccountEvent(one.version, one.short_hash) for one in of_entries
    )
    return structs.replace(event, account_events=named)


def _of_account(
    command: account.Command, heads: Mapping[Stream, Recorded], now: datetime
) -> dict[Stream, Sequence[Event]]:
    stream = subject(command)
    head = heads.get(stream)
    stripes = stripe_streams(head) if head else []
    held = [account_state(heads[stripe]) for stripe in stripes]
    whole = sum_of(account_state(head), held) if head else None
    events = decide_account(command, whole, now)
    if isinstance(command, account.OpenAccount):
        stripes = [
            account_stream(command.ledger, id)
            for id in stripes_of(command.account, command.stripes)
        ]
    told = for_stripes(events)
    return {stream: events, **{each: told for each in stripes if told}} if events else {}


def _transactions(heads: Mapping[Stream, Recorded]) -> dict[str, transaction_events.Event]:
    return {
        stream.id: transaction_event(head)
        for stream, head in heads.items()
        if stream.kind == "transaction"
    }
