"""Deciding: from streams to what the domain decides on, and from its decision back to streams."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.domain import booking, managing, transaction
from chalicelib.domain.booking import Books
from chalicelib.events.codec import Event
from chalicelib.events.recorded import Recorded, Stream, account_stream, transaction_stream

Command = managing.Command | transaction.Command
"""Every command, those that only the ledger itself issues included."""


def subject(command: Command) -> Stream:
    """The stream that a command is about, whose newest event answers it."""
    if isinstance(command, managing.Command):
        return account_stream(command.ledger, command.account)
    return transaction_stream(command.ledger, command.transaction)


def needs(command: Command, heads: Mapping[Stream, Recorded], *, look: bool) -> list[Stream]:
    """The streams that a command must see to be decided, as far as these tell.

    With `look`, one that a command makes itself is among them.
    """
    mine = [subject(command)]
    if isinstance(command, managing.OpenAccount):
        return mine if look else []
    if isinstance(command, managing.Command):
        return mine
    seen = [transaction_stream(command.ledger, id) for id in booking.transactions_of(command)]
    touched = booking.accounts_of(command, _transactions(heads))
    others = [account_stream(command.ledger, id) for id in touched]
    return [*(mine if look else []), *seen, *others]


def changes(
    command: Command, heads: Mapping[Stream, Recorded], now: datetime
) -> dict[Stream, Sequence[Event]]:
    """The events of each stream, the command's subject first; empty when already done."""
    if isinstance(command, managing.Command):
        stream = subject(command)
        head = heads.get(stream)
        events = managing.decide(command, head.account if head else None, now)
        return {stream: events} if events else {}
    accounts = {id.id: head.account for id, head in heads.items() if id.kind == "account"}
    decision = booking.decide(
        command, Books(transactions=_transactions(heads), accounts=accounts), now
    )
    ledger = command.ledger
    return {
        **{transaction_stream(ledger, id): told for id, told in decision.transactions.items()},
        **{account_stream(ledger, id): moved for id, moved in decision.accounts.items()},
    }


def _transactions(heads: Mapping[Stream, Recorded]) -> dict[str, transaction.Event]:
    return {
        stream.id: head.transaction_event
        for stream, head in heads.items()
        if stream.kind == "transaction"
    }
