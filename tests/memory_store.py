"""The event store in memory, for tests: the same contract, no durability."""

from collections.abc import Collection, Iterator
from threading import Lock

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, Conflict, Place, check


class MemoryStore:
    """An EventStore whose streams are lists."""

    def __init__(self) -> None:
        self._streams: dict[Stream, list[Recorded]] = {}
        self._lock = Lock()

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        """See EventStore.load."""
        with self._lock:
            return {
                stream: self._streams[stream][-1] for stream in streams if stream in self._streams
            }

    def append(self, *appends: Append) -> None:
        """See EventStore.append."""
        check(appends)
        with self._lock:
            if all(self._holds(append) for append in appends):
                return
            lost = {
                append.stream: next(reversed(self._streams.get(append.stream, ())), None)
                for append in appends
                if len(self._streams.get(append.stream, ())) != append.expected_version
            }
            if lost:
                raise Conflict(next(iter(lost)), lost)
            for append in appends:
                self._streams.setdefault(append.stream, []).extend(append.events)

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        """See EventStore.snapshot."""
        with self._lock:
            return {
                (stream, version): events[version - 1]
                for stream, version in places
                if version <= len(events := self._streams.get(stream, []))
            }

    def read(self, stream: Stream, version: int) -> Recorded:
        """See EventStore.read."""
        with self._lock:
            return self._streams[stream][version - 1]

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        """See EventStore.history."""
        with self._lock:
            events = list(self._streams.get(stream, ()))
        yield from reversed(events) if newest_first else events

    def streams(self) -> list[Stream]:
        """All streams that have events."""
        with self._lock:
            return list(self._streams)

    def _holds(self, append: Append) -> bool:
        stored = self._streams.get(append.stream, [])[append.expected_version :]
        return stored[: len(append.events)] == list(append.events)
