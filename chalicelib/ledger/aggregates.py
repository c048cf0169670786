"""The two aggregates of the ledger, registered with the event store, and typed views of them.

The event store knows streams, versions, states and events, but no account and no transaction.
Whoever reads an account's or a transaction's stream imports this module, which registers both.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from chalicelib.domain.account.events import AccountChanged, AccountOpened
from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.state import evolve as evolve_account
from chalicelib.domain.fields import rfc3339
from chalicelib.domain.stripes import stripes_of
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.domain.transaction.state import Transaction
from chalicelib.domain.transaction.state import evolve as evolve_transaction
from chalicelib.events.aggregates import Aggregate, Fields, register
from chalicelib.events.recorded import Recorded, Stream

Event = AccountEvent | TransactionEvent
"""Every event of the ledger."""

State = Account | Transaction
"""The state of every stream of the ledger."""

STATE_SCHEMA, _WITHOUT_HOLDS = 3, 2
"""The schema of the stored states: since 3 an account lists the holds that expire. A state without
any has the same shape as before and keeps the number 2, so that no build has to fold it again.
"""


class _StateShape(msgspec.Struct):
    schema: int = 1
    next_expiry: str | None = None


_state_shape = msgspec.json.Decoder(_StateShape)


def _is_current_state(data: str) -> bool:
    """Of schema 2, only a state without expiring holds (`next_expiry`) has today's shape."""
    shape = _state_shape.decode(data)
    if shape.schema == _WITHOUT_HOLDS:
        return not shape.next_expiry
    return shape.schema == STATE_SCHEMA


def _add_created_at(fields: Fields, recorded_at: datetime) -> Fields:
    """Before there were holds a transaction had one event, and was created when it was recorded."""
    return {**fields, "created_at": rfc3339(recorded_at)}


def _add_account_events(fields: Fields, recorded_at: datetime) -> Fields:  # noqa: ARG001  # A step's two arguments.
    """Before chains witnessed each other a transaction did not name the events of its accounts."""
    return {**fields, "account_events": None}


register(
    Aggregate(
        kind="account",
        events=get_args(AccountEvent),
        state=Account,
        evolve=evolve_account,
        state_schema=_WITHOUT_HOLDS,
        later_fields={"expiring": STATE_SCHEMA, "unlisted": STATE_SCHEMA},
        is_current_state=_is_current_state,
    ),
    Aggregate(
        kind="transaction",
        events=get_args(TransactionEvent),
        state=Transaction,
        evolve=evolve_transaction,
        state_schema=_WITHOUT_HOLDS,
        is_current_state=_is_current_state,
        upcasts={
            "TransactionPosted": (_add_created_at, _add_account_events),
            "TransactionHeld": (_add_account_events,),
            "HoldPosted": (_add_account_events,),
            "HoldVoided": (_add_account_events,),
            "HoldExpired": (_add_account_events,),
            "TransactionReversed": (_add_account_events,),
        },
    ),
)


def account_stream(ledger: str, id: str) -> Stream:
    """The stream of one account."""
    return Stream(ledger, "account", id)


def transaction_stream(ledger: str, id: str) -> Stream:
    """The stream of one transaction."""
    return Stream(ledger, "transaction", id)


def account_state(recorded: Recorded) -> Account:
    """The account's state after this event of its stream. Raises UnknownEvent."""
    state: Any = recorded.state
    assert isinstance(state, Account)
    return state


def account_event(recorded: Recorded) -> AccountEvent:
    """What happened, on an account's stream. Raises UnknownEvent."""
    event: Any = recorded.event
    assert isinstance(event, AccountEvent)
    return event


def transaction_event(recorded: Recorded) -> TransactionEvent:
    """What happened, on a transaction's stream. Raises UnknownEvent."""
    event: Any = recorded.event
    assert isinstance(event, TransactionEvent)
    return event


def stripe_streams(account: Recorded) -> list[Stream]:
    """The streams of an account's stripes; empty for an account that is not striped."""
    ids = stripes_of(account.stream.id, account_state(account).stripes)
    return [account_stream(account.stream.ledger, id) for id in ids]


def sets_metadata(recorded: Recorded) -> bool:
    """Whether this event of an account set the account's present metadata."""
    return account_state(recorded).metadata_version == recorded.version


def metadata_set_by(recorded: Recorded) -> Mapping[str, str]:
    """The metadata that an event of an account set."""
    event = account_event(recorded)
    assert isinstance(event, AccountOpened | AccountChanged)
    assert event.metadata is not None
    return event.metadata
