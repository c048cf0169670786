"""Codec: events and states as JSON text, and the hash chain over them."""

import hashlib
import json
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct, structs

from chalicelib.events.aggregates import AGGREGATES, EVENTS, KINDS, schema_of, stored_schema, upcast

FIRST_LINK = bytes(32)
"""The previous hash for the first event of a stream."""


class UnknownEvent(Exception):
    """Something stored cannot be read by this build."""


class StaleState(UnknownEvent):
    """A stored state has another schema than this build's: its events must be folded again."""


def encode_event(event: Struct) -> str:
    """The event's fields as JSON, with the number of its type's schema."""
    schema = _schema_of(type(event).__name__)
    return msgspec.json.encode({"schema": schema, **_non_default(event)}).decode()


def decode_event(type: str, data: str, recorded_at: datetime) -> Struct:
    """The event, converted to its type's present schema. Raises UnknownEvent."""
    if type not in EVENTS:
        raise UnknownEvent(f"this build does not know events of type {type}")
    try:
        stored = stored_schema(data)
        if stored > schema_of(type):
            raise UnknownEvent(f"this build does not know schema {stored} of {type}")
        if stored == schema_of(type):
            event: Struct = _decoder(EVENTS[type]).decode(data)
            return event
        fields = upcast(type, stored, msgspec.json.decode(data), recorded_at)
        return msgspec.convert(fields, EVENTS[type])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnknownEvent(f"{type} has another shape: {error}") from error


def encode_state(state: Struct) -> str:
    """The state's fields as JSON, with the number of their schema."""
    fields, aggregate = _non_default(state), AGGREGATES[type(state)]
    later = aggregate.later_fields.keys() & fields
    schema = max((aggregate.later_fields[name] for name in later), default=aggregate.state_schema)
    return msgspec.json.encode({"schema": schema, **fields}).decode()


def encode(event: Struct, state: Struct) -> tuple[str, str]:
    """An event and the state after it, as they are stored."""
    return encode_event(event), encode_state(state)


def decode_state(kind: str, data: str) -> Struct:
    """The state of a stream of this kind. Raises StaleState, UnknownEvent."""
    try:
        if not KINDS[kind].is_current_state(data):
            raise StaleState("the state was written by another build")
        state: Struct = _decoder(KINDS[kind].state).decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnknownEvent(f"the state has another shape: {error}") from error
    return state


def evolve(state: Struct | None, event: Struct) -> Struct:
    """The state after one more event of its stream. Raises ValueError for an impossible order."""
    aggregate = AGGREGATES[type(event)]
    if state is not None and not isinstance(state, aggregate.state):
        raise ValueError(f"{type(event).__name__} cannot be in a stream of this kind")
    evolved: Struct = aggregate.evolve(state, event)
    return evolved


def link(previous: bytes, *fields: str | int) -> bytes:
    """An event's hash: SHA-256 over the previous event's hash and this event's stored fields."""
    canonical = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + canonical.encode()).digest()


def _non_default(value: Struct) -> dict[str, Any]:
    """Only fields that differ from their default are stored."""
    return {
        name: found
        for name, default in _defaults(type(value))
        if (found := getattr(value, name)) != default
    }


_schema_of = cache(schema_of)


@cache
def _defaults(type: type[Struct]) -> list[tuple[str, Any]]:
    return [(each.name, each.default) for each in structs.fields(type)]


@cache
def _decoder(type: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)
