"""Routing: which streams a command needs, and which events its decision puts on which streams.

The ledger's own part of executing a command, and the one place of the write path that knows of
stripes: new entries of a striped account go to one of them, and what is done to the account itself
is decided on the sum of all and recorded on each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from msgspec import structs

from chalicelib.commands.decider import Changes, Heads
from chalicelib.commands.head_cache import HeadCache
from chalicelib.domain.account import commands as account
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
)
from chalicelib.domain.account.decide import decide as decide_account
from chalicelib.domain.errors import (
    AccountExists,
    IdempotencyKeyReused,
    Refusal,
    TransactionNotPending,
)
from chalicelib.domain.stripes import for_stripes, stripes_of, sum_of
from chalicelib.domain.transaction import commands as transaction
from chalicelib.domain.transaction import events as transaction_events
from chalicelib.domain.transaction.commands import (
    ExpireHold,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.domain.transaction.decide import Books
from chalicelib.domain.transaction.decide import decide as decide_transaction
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import (
    Event,
    account_state,
    account_stream,
    stripe_streams,
    transaction_event,
    transaction_stream,
)

_ACCOUNT, _TRANSACTION = "account", "transaction"

Command = account.Command | transaction.Command
"""Every command, those that only the ledger itself issues included."""


def target_stream(command: Command) -> Stream:
    """The stream that a command is about, whose newest event answers it."""
    if isinstance(command, account.Command):
        return Stream(command.ledger, _ACCOUNT, command.account)
    return Stream(command.ledger, _TRANSACTION, command.transaction)


def creates_its_stream(command: Command) -> bool:
    """Whether a command is only done where its target stream does not exist yet."""
    return isinstance(command, OpenAccount | transaction.NewTransaction)


def completed_at(command: Command) -> tuple[Stream, int] | None:
    """The coordinates of the event that says that a command was done, whichever request did it.

    None for a command that cannot be told from another of its kind.
    """
    if creates_its_stream(command):
        return target_stream(command), 1
    if isinstance(command, PostHold | VoidHold) and command.key:
        return target_stream(command), 2
    return None


def answered_by(command: Command, version: int) -> int:
    """The version of the event that answers a command which was done before: an account answers as
    it is now (`version`), a new transaction with its first event, a hold with its resolution.
    """
    match command:
        case PostTransaction() | HoldTransaction() | ReverseTransaction():
            return 1
        case PostHold() | VoidHold() | ExpireHold():
            return min(2, version)
        case OpenAccount() | ChangeAccount() | FreezeAccount() | UnfreezeAccount() | CloseAccount():
            return version
        case _:
            assert_never(command)


def stays_done(command: Command, head: Recorded | None) -> bool:
    """Whether a target stream that says that a command is done will say so for ever."""
    if isinstance(command, transaction.Resolving):
        return head is not None and transaction_event(head).resolution is not None
    return isinstance(command, transaction.NewTransaction) and head is not None


def is_final(refusal: Refusal, head: Recorded | None) -> bool:
    """Whether nothing that may still happen could change a refusal: an id stays used, and a hold
    that has ended stays so. `head` is the newest event of the command's target stream.
    """
    if head is None:
        return False
    if isinstance(refusal, TransactionNotPending):
        return transaction_event(head).state != "pending"
    return isinstance(refusal, IdempotencyKeyReused | AccountExists)


def name_further_streams(heads: Iterable[Recorded]) -> bool:
    """Whether commands that need these streams need others that one of them names: those of a
    transaction's entries, or an account's stripes.
    """
    for head in heads:
        state: Any = head.state
        if head.stream.kind == _TRANSACTION or state.stripes > 1:
            return True
    return False


@dataclass
class Routing:
    """The stripes of one attempt: all new entries of a striped account go to the same one."""

    cache: HeadCache
    stripes: dict[str, str] = field(default_factory=dict)

    def required_streams(
        self, command: Command, heads: Heads, *, with_target: bool
    ) -> list[Stream]:
        """The streams that a command must see to be decided, as far as `heads` tell.

        With `with_target`, a stream that the command creates is among them.
        """
        target = target_stream(command)
        created = [target] if with_target else []
        match command:
            case OpenAccount():
                return [target, *_stripes(target, heads)] if with_target else []
            case ChangeAccount() | FreezeAccount() | UnfreezeAccount() | CloseAccount():
                return [target, *_stripes(target, heads)]
            case PostTransaction() | HoldTransaction():
                return [*created, *self._entry_streams(command)]
            case ReverseTransaction():
                reversed_ = transaction_stream(command.ledger, command.reverses)
                return [*created, reversed_, *_booked_streams(reversed_, heads)]
            case PostHold() | VoidHold() | ExpireHold():
                return [target, *_booked_streams(target, heads)]
            case _:
                assert_never(command)

    def decide(self, command: Command, heads: Heads, now: datetime) -> dict[Stream, Changes]:
        """The changes of each stream, the command's target first; empty when already done."""
        if isinstance(command, account.Command):
            return _decide_account(command, heads, now)
        states: dict[str, Any] = {}
        transactions: dict[str, Any] = {}
        for stream, head in heads.items():
            if stream.kind == _ACCOUNT:
                states[stream.id] = head.state
            else:
                transactions[stream.id] = head.event
        books = Books(transactions=transactions, accounts=states, stripes=self.stripes)
        decision = decide_transaction(command, books, now)
        changes: dict[Stream, Changes] = {}
        for id, told in decision.transactions.items():
            stream = Stream(command.ledger, _TRANSACTION, id)
            changes[stream] = Changes(told, link=with_account_events)
        for id, moved in decision.accounts.items():
            stream = Stream(command.ledger, _ACCOUNT, id)
            changes[stream] = Changes(moved, decision.states[id])
        return changes

    def _entry_streams(self, command: PostTransaction | HoldTransaction) -> list[Stream]:
        """The streams that take the entries: the accounts', or a stripe of each striped account."""
        streams: dict[Stream, None] = {}
        for entry in command.entries:
            id = entry.account
            if id not in self.stripes:
                stripe = self.cache.stripe_for(Stream(command.ledger, _ACCOUNT, id))
                if stripe is not None:
                    self.stripes[id] = stripe.id
            streams[Stream(command.ledger, _ACCOUNT, self.stripes.get(id, id))] = None
        return list(streams)


def with_account_events(
    events: Sequence[Event], written: Mapping[Stream, Sequence[Recorded]]
) -> Sequence[Event]:
    """A transaction's events, each naming the events that its entries made on accounts.

    `written` has the events of each account, in the order of the entries. It may also have those of
    the transaction that is reversed, whose id may be an account's too.
    """
    named = []
    for event in events:
        assert isinstance(event, transaction_events.Event)
        made = {one.id: iter(written[one]) for one in written if one.kind == _ACCOUNT}
        is_reversed = isinstance(event, transaction_events.TransactionReversed)
        account_events = []
        for entry in () if is_reversed else event.entries:
            one = next(made[entry.account])
            account_events.append(transaction_events.AccountEvent(one.version, one.short_hash))
        named.append(structs.replace(event, account_events=tuple(account_events)))
    return named


def stripes_of_answer(answer: Recorded) -> Sequence[Stream]:
    """The stripes that a command about an account answers with."""
    return stripe_streams(answer) if answer.stream.kind == _ACCOUNT else ()


def _decide_account(command: account.Command, heads: Heads, now: datetime) -> dict[Stream, Changes]:
    """Decides on the sum of the account's streams."""
    target = target_stream(command)
    head = heads.get(target)
    stripes = _stripes(target, heads)
    held = [account_state(heads[stripe]) for stripe in stripes]
    events = decide_account(command, sum_of(account_state(head), held) if head else None, now)
    if not events:
        return {}
    if isinstance(command, OpenAccount):
        ids = stripes_of(command.account, command.stripes)
        stripes = [account_stream(command.ledger, id) for id in ids]
    on_stripes = for_stripes(events) if stripes else []
    return {
        target: Changes(events),
        **{stripe: Changes(on_stripes) for stripe in stripes if on_stripes},
    }


def _stripes(target: Stream, heads: Heads) -> list[Stream]:
    return stripe_streams(heads[target]) if target in heads else []


def _booked_streams(target: Stream, heads: Heads) -> list[Stream]:
    """The streams of a transaction's entries, which name the stripes themselves."""
    if target not in heads:
        return []
    booked = dict.fromkeys(entry.account for entry in transaction_event(heads[target]).entries)
    return [account_stream(target.ledger, id) for id in booked]
