"""Aggregates: the registry of the kinds of stream, their events and their states.

An event's stored type is the name of its class. Stored events are hashed and never rewritten: to
change a type, add an upcast from its newest schema to the next; a field with a default needs none.
(G. Young, "Versioning in an Event Sourced System", 2017.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

Fields = dict[str, Any]
"""The stored fields of an event or a state, by name."""

Upcast = Callable[[Fields, datetime], Fields]
"""Takes an event's stored fields and recorded time, returns the fields of the next schema."""


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """A kind of stream: the classes of its events and its state, `evolve`, and older schemas.

    `state_schema` is the number of a state's schema; a stored state with a field of `later_fields`
    has the number given there. `is_current_state` says whether a stored state (JSON) can be used as
    it is, or must be folded again from its events.
    """

    kind: str
    events: tuple[type[Struct], ...]
    state: type[Struct]
    evolve: Callable[[Any, Any], Any]
    state_schema: int = 1
    later_fields: Mapping[str, int] = field(default_factory=dict)
    is_current_state: Callable[[str], bool] = lambda data: stored_schema(data) == 1
    upcasts: Mapping[str, tuple[Upcast, ...]] = field(default_factory=dict)


KINDS: dict[str, Aggregate] = {}
"""The aggregates by the kind of their streams."""

EVENTS: dict[str, type[Struct]] = {}
"""The classes of events by their stored type."""

AGGREGATES: dict[type[Struct], Aggregate] = {}
"""The aggregate of each class of events and states."""


class _Schema(Struct):
    schema: int = 1


_schema = msgspec.json.Decoder(_Schema)
_upcasts: dict[str, tuple[Upcast, ...]] = {}


def register(*aggregates: Aggregate) -> None:
    """Adds aggregates. Raises ValueError for an event type of another aggregate."""
    for aggregate in aggregates:
        for event in aggregate.events:
            if EVENTS.setdefault(event.__name__, event) is not event:
                raise ValueError(f"two events are named {event.__name__}")
            AGGREGATES[event] = aggregate
        KINDS[aggregate.kind] = aggregate
        AGGREGATES[aggregate.state] = aggregate
        _upcasts.update(aggregate.upcasts)


def schema_of(type: str) -> int:
    """The present schema of an event type; 1 is the first."""
    return 1 + len(_upcasts.get(type, ()))


def stored_schema(data: str) -> int:
    """The schema of a stored event or state. Raises msgspec.MsgspecError for other JSON."""
    return _schema.decode(data).schema


def upcast(type: str, schema: int, fields: Fields, recorded_at: datetime) -> Fields:
    """Stored fields of an older schema, converted to the present schema."""
    for step in _upcasts.get(type, ())[schema - 1 :]:
        fields = step(fields, recorded_at)
    return fields
