"""Codec: events and states as JSON text, and the hash chain over them.

The type unions of the domain are the registry: an event's stored type is the name of its class.
"""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from typing import get_args

import msgspec

from chalicelib.domain import account, transaction
from chalicelib.domain.account import Account
from chalicelib.domain.transaction import Transaction

STATE_SCHEMA = 1
"""The shape of the carried states. A state of another schema must be folded again, not trusted."""

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


def encode_event(event: Event) -> str:
    """The event's fields as JSON."""
    return msgspec.json.encode(event).decode()


def decode_event(type: str, data: str) -> Event:
    """The event of this stored type. Raises UnknownEvent."""
    if type not in _EVENTS:
        raise UnknownEvent(f"this build does not know events of type {type}")
    try:
        return _event_decoder(type).decode(data)
    except msgspec.ValidationError as error:
        raise UnknownEvent(f"{type} has another shape: {error}") from error


def encode_state(state: State) -> str:
    """The state's fields as JSON, with the number of their schema."""
    return msgspec.json.encode({"schema": STATE_SCHEMA, **asdict(state)}).decode()


def decode_state(kind: str, data: str) -> State:
    """The state of a stream of this kind. Raises UnknownEvent."""
    try:
        if _schema.decode(data).schema != STATE_SCHEMA:
            raise UnknownEvent("this build does not know states of that schema")
        return _state_decoder(kind).decode(data)
    except msgspec.ValidationError as error:
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


class _Schema(msgspec.Struct):
    schema: int


_schema = msgspec.json.Decoder(_Schema)


@cache
def _event_decoder(type: str) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(_EVENTS[type])


@cache
def _state_decoder(kind: str) -> msgspec.json.Decoder[State]:
    return msgspec.json.Decoder(_STATES[kind])
