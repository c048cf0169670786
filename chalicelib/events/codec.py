"""Codec: events and states as JSON text, and the hash chain over them.

The type unions of the domain are the registry: an event's stored type is the name of its class.
"""

import hashlib
import json
from datetime import datetime
from functools import cache
from typing import Any, get_args

import msgspec
from msgspec import structs

from chalicelib.domain import account, transaction
from chalicelib.domain.account import Account
from chalicelib.domain.transaction import Transaction
from chalicelib.events.upcasting import schema_of, upcast

STATE_SCHEMA, _BEFORE = 3, 2
"""The shape of the carried states. A state of another schema is folded again, not trusted.

Since 3 an account lists the holds that expire. A state without any has the same shape as before,
and says so: neither build has to fold it again.
"""

FIRST_LINK = bytes(32)
"""What the first event of a stream is chained to."""

Event = account.Event | transaction.Event
State = Account | Transaction

_EVENTS: dict[str, type[Event]] = {event.__name__: event for event in get_args(Event)}
_STATES: dict[str, type[State]] = {"account": Account, "transaction": Transaction}

KINDS = frozenset(_STATES)
"""The kinds of stream there are."""


class UnknownEvent(Exception):
    """Something stored was written by a build that this one does not understand."""


class StaleState(UnknownEvent):
    """A carried state has another schema than this build's: its events must be folded again."""


def encode_event(event: Event) -> str:
    """The event's fields as JSON, with the number of its type's schema."""
    schema = schema_of(type(event).__name__)
    return msgspec.json.encode({"schema": schema, **_said(event)}).decode()


def decode_event(type: str, data: str, recorded_at: datetime) -> Event:
    """The event of this stored type, brought up to its present schema. Raises UnknownEvent."""
    if type not in _EVENTS:
        raise UnknownEvent(f"this build does not know events of type {type}")
    try:
        stored = stored_schema(data)
        if stored > schema_of(type):
            raise UnknownEvent(f"this build does not know schema {stored} of {type}")
        if stored == schema_of(type):
            return _event_decoder(type).decode(data)
        fields = upcast(type, stored, msgspec.json.decode(data), recorded_at)
        return msgspec.convert(fields, _EVENTS[type])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnknownEvent(f"{type} has another shape: {error}") from error


def stored_schema(data: str) -> int:
    """The schema of a stored event. Raises msgspec.MsgspecError where it is none."""
    return _schema.decode(data).schema


def encode_state(state: State) -> str:
    """The state's fields as JSON, with the number of their schema."""
    said = _said(state)
    schema = STATE_SCHEMA if said.keys() & {"expiring", "unlisted"} else _BEFORE
    return msgspec.json.encode({"schema": schema, **said}).decode()


def decode_state(kind: str, data: str) -> State:
    """The state of a stream of this kind. Raises StaleState, UnknownEvent."""
    try:
        shape = _shape.decode(data)
        if shape.schema != STATE_SCHEMA and (shape.schema != _BEFORE or shape.next_expiry):
            raise StaleState("the state was written by another build")
        return _state_decoder(kind).decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnknownEvent(f"the state has another shape: {error}") from error


def evolve(state: State | None, event: Event) -> State:
    """The state after one more event, whichever aggregate it belongs to."""
    if isinstance(event, account.Event):
        assert not isinstance(state, Transaction)
        return account.evolve(state, event)
    assert not isinstance(state, Account)
    return transaction.evolve(state, event)


def link(previous: bytes, *fields: str | int) -> bytes:
    """An event's hash: SHA-256 over the previous event's hash and this event's stored fields."""
    canonical = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + canonical.encode()).digest()


def _said(value: Event | State) -> dict[str, Any]:
    """What differs from the default: most of what could be said of an event or a state is not."""
    return {
        name: said
        for name, default in _defaults(type(value))
        if (said := getattr(value, name)) != default
    }


@cache
def _defaults(said: type[Event | State]) -> list[tuple[str, Any]]:
    return [(each.name, each.default) for each in structs.fields(said)]


class _Schema(msgspec.Struct):
    schema: int = 1


class _Shape(_Schema):
    next_expiry: str | None = None


_schema = msgspec.json.Decoder(_Schema)
_shape = msgspec.json.Decoder(_Shape)


@cache
def _event_decoder(type: str) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(_EVENTS[type])


@cache
def _state_decoder(kind: str) -> msgspec.json.Decoder[State]:
    return msgspec.json.Decoder(_STATES[kind])
