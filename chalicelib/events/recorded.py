"""Recorded events: events with their stream, version and hash, and how new ones are made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from msgspec import Struct

from chalicelib.domain.fields import rfc3339
from chalicelib.events import codec
from chalicelib.events.aggregates import KINDS
from chalicelib.events.codec import UnknownEvent


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
        return codec.decode_event(self.type, self.data, self.recorded_at)

    @cached_property
    def state(self) -> Struct:
        """The stream's whole state after this event. Raises StaleState, UnknownEvent."""
        return codec.decode_state(self.stream.kind, self.state_data)

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
        return codec.link(
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
    previous = head.hash if head else codec.FIRST_LINK
    recorded = []
    for place, event in enumerate(events):
        state = states[place] if states else codec.evolve(state, event)
        data, state_data = codec.encode(event, state)
        unlinked = Recorded(
            stream=stream,
            version=first + place,
            type=type(event).__name__,
            data=data,
            state_data=state_data,
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
