"""The event store: two verbs and one named failure.

`load` gives the newest event of each stream, which carries the stream's whole state; `append` adds
events to one or several streams, all or nothing, each guarded by the version it was decided on.
`read` and `history` look further back, where a stream's newest event does not say enough.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from chalicelib.events.codec import StaleState, UnknownEvent, evolve
from chalicelib.events.recorded import Recorded, Stream

MAX_EVENTS = 100
"""The most events of one append: DynamoDB's limit of a transaction."""


class Conflict(Exception):
    """Another writer was first: `stream` is no longer at the expected version.

    `lost` has every stream of which that was seen, and the event that is there instead, unless the
    other writer is not done yet.
    """

    def __init__(self, stream: Stream, lost: Mapping[Stream, Recorded | None]) -> None:
        super().__init__(f"{stream} has moved on")
        self.stream = stream
        self.lost = lost


class Busy(Exception):
    """The store has no time now, or cannot be reached; nothing was written."""


class Unanswered(Exception):
    """The reply to an append is missing: it may have been written, or may be yet.

    The same append, sent again, finds out: it succeeds, or conflicts with another's event.
    """


Place = tuple[Stream, int]
"""A version of a stream: where an event is, or may be one day."""


@dataclass(frozen=True, kw_only=True)
class Append:
    """Events for one stream that is expected to be at a version; 0 for a stream yet to be."""

    stream: Stream
    expected_version: int
    events: Sequence[Recorded]


def check(appends: Sequence[Append]) -> None:
    """Raises ValueError unless one write can hold these, and each continues its stream."""
    for append in appends:
        if [event.version for event in append.events] != list(
            range(append.expected_version + 1, append.expected_version + 1 + len(append.events))
        ):
            raise ValueError(f"{append.stream}: versions do not follow {append.expected_version}")
    size = sum(len(append.events) for append in appends)
    if not 0 < size <= MAX_EVENTS:
        raise ValueError(f"an append has 1 to {MAX_EVENTS} events, not {size}")


class EventStore(Protocol):
    """Where events are kept."""

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        """The newest event of each stream; a stream without events is left out. Raises Busy."""

    def append(self, *appends: Append) -> None:
        """Adds everything or nothing. Raises Conflict naming the stream that lost, Busy, and
        Unanswered.

        An append that is already there, event for event, succeeds: the reply to it was lost.
        """

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        """Those of up to 100 events that are there, all seen at the same instant.

        Raises Busy, also while one of them is being written.
        """

    def read(self, stream: Stream, version: int) -> Recorded:
        """One event that is known to be there."""

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        """The stream's events, from the first on or from the newest back."""


def with_current_state(
    event: Recorded, history: Callable[[Stream], Iterator[Recorded]]
) -> Recorded:
    """The event, with its state folded anew if the one that it carries has another schema.

    Raises UnknownEvent where an event before it is one that this build does not know.
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
