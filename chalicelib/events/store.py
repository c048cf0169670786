"""The protocol of the event store, and its errors.

`load` returns the newest event of each stream, which carries the stream's whole state; `append`
adds events to one or several streams, all or nothing, on the condition of their expected versions.
`read` and `history` return earlier events.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from chalicelib.events.recorded import Recorded, StaleState, Stream, UnknownEvent, evolve

MAX_EVENTS = 100
"""The most events of one append: DynamoDB's limit of a transaction."""


class Conflict(Exception):
    """`stream` is not at the expected version, since another writer was first.

    `lost` has every such stream with the event at that version; None if the other write is still
    in progress.
    """

    def __init__(self, stream: Stream, lost: Mapping[Stream, Recorded | None]) -> None:
        super().__init__(f"{stream} has moved on")
        self.stream = stream
        self.lost = lost


class Busy(Exception):
    """The store is throttled or cannot be reached; nothing was written."""


class Unanswered(Exception):
    """The reply to an append is missing: it may have been written, or may still be. Repeat it."""


Place = tuple[Stream, int]
"""The coordinates of an event: its stream and version."""


@dataclass(frozen=True, kw_only=True)
class Append:
    """Events for a stream that is expected to be at a version; 0 for a new stream."""

    stream: Stream
    expected_version: int
    events: Sequence[Recorded]


def check(appends: Sequence[Append]) -> None:
    """Raises ValueError for too many or no events, or versions that do not continue a stream."""
    size = 0
    for append in appends:
        for version, event in enumerate(append.events, append.expected_version + 1):
            if event.version != version:
                raise ValueError(f"{event.stream}: version {event.version} is not {version}")
        size += len(append.events)
    if not 0 < size <= MAX_EVENTS:
        raise ValueError(f"an append has 1 to {MAX_EVENTS} events, not {size}")


class EventStore(Protocol):
    """Stores events."""

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        """The newest event of each stream; a stream without events is left out. Raises Busy."""

    def append(self, *appends: Append) -> None:
        """Adds all events or none. Raises Conflict, Busy, Unanswered.

        Succeeds if exactly these events are already stored: the reply to them was lost.
        """

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        """The stored ones of up to 100 events, all read at the same instant.

        Raises Busy, also while one of them is being written.
        """

    def read(self, stream: Stream, version: int) -> Recorded:
        """One event that is known to be stored."""

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        """The stream's events, oldest first or newest first."""


def with_current_state(
    event: Recorded, history: Callable[[Stream], Iterator[Recorded]]
) -> Recorded:
    """The event; its state is folded from the history if the stored one has another schema.

    Raises UnknownEvent if this build does not know an earlier event.
    """
    try:
        _ = event.state
    except StaleState:
        state: Struct | None = None
        for earlier in history(event.stream):
            state = evolve(state, earlier.event)
            if earlier.version == event.version:
                return event.with_state(state)
        raise UnknownEvent(f"{event.stream} has no version {event.version}") from None
    return event
