"""Recorded events: events and states as JSON text, with their stream, version and hash.

`follow` makes new ones: numbered, folded, encoded and chained. Stored ones are decoded when used.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import msgspec
from msgspec import Struct, structs

from chalicelib.domain.fields import rfc3339
from chalicelib.events.aggregates import AGGREGATES, EVENTS, KINDS, schema_of, stored_schema, upcast

FIRST_LINK = bytes(32)
"""The previous hash for the first event of a stream."""


class UnknownEvent(Exception):
    """Something stored cannot be read by this build."""


class StaleState(UnknownEvent):
    """A stored state has another schema than this build's: its events must be folded again."""


class Stream(Struct, frozen=True):
    """The name of a stream: `{ledger}/{kind}/{id}`, such as `acme/account/cash`."""

    ledger: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.ledger}/{self.kind}/{self.id}"

    @classmethod
    def parse(cls, name: str) -> "Stream":
        """The stream of this name. Raises UnknownEvent for an invalid name."""
        parts = name.split("/")
        if len(parts) != 3 or parts[1] not in KINDS:
            raise UnknownEvent(f"{name} is no stream's name")
        return cls(*parts)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One event of the event table.

    `data` and `state_data` are the stored texts, which the hash covers; `event` and `state` are
    decoded from them at first use.
    """

    stream: Stream
    version: int
    type: str
    data: str
    state_data: str
    recorded_at: datetime
    command_id: str
    actor: str
    hash: bytes

    @cached_property
    def event(self) -> Struct:
        """What happened. Raises UnknownEvent."""
        return decode_event(self.type, self.data, self.recorded_at)

    @cached_property
    def state(self) -> Struct:
        """The stream's whole state after this event. Raises StaleState, UnknownEvent."""
        return decode_state(self.stream.kind, self.state_data)

    def with_state(self, state: Struct) -> "Recorded":
        """The same event with another state, such as one that was folded from the events."""
        same = replace(self)
        same.__dict__["state"] = state  # The value of the `cached_property`.
        return same

    @property
    def place(self) -> tuple[Stream, int]:
        """The coordinates: stream and version."""
        return self.stream, self.version

    @property
    def short_hash(self) -> bytes:
        """The first 15 bytes of the hash, with which other streams refer to this event.

        A second preimage takes 2^120 attempts. With 20 characters of base64 for each of four
        entries, a transaction's event still fits in one write unit.
        """
        return self.hash[:15]

    def chained_to(self, previous: bytes) -> bytes:
        """The hash of this event after an event with the hash `previous`."""
        return link(
            previous,
            str(self.stream),
            self.version,
            self.type,
            self.data,
            self.state_data,
            rfc3339(self.recorded_at),
            self.command_id,
            self.actor,
        )


class Origin(Struct, frozen=True, kw_only=True):
    """The fields that all events of one unit of work share: time, command and actor."""

    recorded_at: datetime
    command_id: str
    actor: str


def follow(
    head: Recorded | None,
    stream: Stream,
    events: Sequence[Struct],
    origin: Origin,
    states: Sequence[Struct] = (),
) -> list[Recorded]:
    """`events` put behind `head`, the newest event of their stream: numbered, folded, chained.

    `states` are the states after each of them, if the caller has folded them already.
    """
    first = head.version + 1 if head else 1
    state = head.state if head else None
    previous = head.hash if head else FIRST_LINK
    recorded = []
    for place, event in enumerate(events):
        state = states[place] if states else evolve(state, event)
        unlinked = Recorded(
            stream=stream,
            version=first + place,
            type=type(event).__name__,
            data=encode_event(event),
            state_data=encode_state(state),
            recorded_at=origin.recorded_at,
            command_id=origin.command_id,
            actor=origin.actor,
            hash=b"",
        )
        previous = unlinked.chained_to(previous)
        one = replace(unlinked, hash=previous)
        one.__dict__.update(event=event, state=state)  # Where `cached_property` keeps its values.
        recorded.append(one)
    return recorded


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


def encode_event(event: Struct) -> str:
    """The event's fields as JSON, with the number of its type's schema."""
    schema = _schema_of(type(event).__name__)
    return msgspec.json.encode({"schema": schema, **_non_default(event)}).decode()


def encode_state(state: Struct) -> str:
    """The state's fields as JSON, with the number of their schema."""
    fields, aggregate = _non_default(state), AGGREGATES[type(state)]
    schema = aggregate.state_schema
    if later := aggregate.later_fields.keys() & fields:
        schema = max(aggregate.later_fields[name] for name in later)
    return msgspec.json.encode({"schema": schema, **fields}).decode()


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


def decode_state(kind: str, data: str) -> Struct:
    """The state of a stream of this kind. Raises StaleState, UnknownEvent."""
    try:
        if not KINDS[kind].is_current_state(data):
            raise StaleState("the state was written by another build")
        state: Struct = _decoder(KINDS[kind].state).decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnknownEvent(f"the state has another shape: {error}") from error
    return state


def _non_default(value: Struct) -> dict[str, Any]:
    """Only fields that differ from their default are stored."""
    fields = {}
    for name, default in _defaults(type(value)):
        found = getattr(value, name)
        if found != default:
            fields[name] = found
    return fields


_schema_of = cache(schema_of)


@cache
def _defaults(type: type[Struct]) -> list[tuple[str, Any]]:
    return [(each.name, each.default) for each in structs.fields(type)]


@cache
def _decoder(type: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)
