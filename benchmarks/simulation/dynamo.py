"""A simulated DynamoDB: how long calls take, which of them collide, and what they cost."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import exp
from random import Random

from benchmarks.simulation.virtual import VirtualTime
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, Busy, Conflict, Place
from tests.memory_inbox import MemoryInbox
from tests.memory_store import MemoryStore


@dataclass(frozen=True)
class Times:
    """Durations in seconds: a read, a write, a transaction of three items and each further item;
    deciding a command; encoding and signing an append. Calls are lognormal with this `sigma`.
    """

    read: float = 0.004
    write: float = 0.005
    transaction: float = 0.012
    item: float = 0.0002
    decide: float = 0.0004
    encode: float = 0.0016
    sigma: float = 0.3


@dataclass
class Engine:
    """What all clients share: the stored events, what is under way, and units by kind."""

    time: VirtualTime
    random: Random
    times: Times = Times()
    books: MemoryStore = field(default_factory=MemoryStore)
    under_way: set[object] = field(default_factory=set)
    units: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        self.inbox = MemoryInbox(self.books)

    def wait(self, seconds: float) -> None:
        """The time of a call, or of a part of one."""
        self.time.sleep(seconds * exp(self.random.gauss(0, self.times.sigma)))

    def is_visible(self, place: Place) -> bool:  # noqa: ARG002  # Tests override it.
        """Whether a plain read sees a stored event: here at once."""
        return True

    def written(self, places: Collection[Place]) -> None:
        """Called after events were written. Does nothing here: tests override it."""

    def transaction_seconds(self, items: int) -> float:
        """How long a transaction of so many items takes."""
        return self.times.transaction + self.times.item * max(0, items - 3)

    @contextmanager
    def locked(self, items: Collection[object]) -> Iterator[None]:
        """Around the time in which a transaction is under way."""
        self.under_way.update(items)
        try:
            yield
        finally:
            self.under_way.difference_update(items)


@dataclass(frozen=True)
class SimulatedStore:
    """An EventStore for one client."""

    engine: Engine

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        """See EventStore.load."""
        self.engine.units["read"] += len(streams) / 2
        self.engine.wait(self.engine.times.read)
        found = {}
        for stream, head in self.engine.books.load(streams).items():
            while not self.engine.is_visible(head.place) and head.version > 1:
                head = self.engine.books.read(stream, head.version - 1)
            if self.engine.is_visible(head.place):
                found[stream] = head
        return found

    def append(self, *appends: Append) -> None:
        """See EventStore.append. A conflict with an item that is under way returns no event."""
        engine = self.engine
        items = [one.place for append in appends for one in append.events]
        engine.units["write"] += 2 * len(items) if len(items) > 1 else 1
        seconds = engine.times.write
        if len(items) > 1:
            seconds = engine.transaction_seconds(len(items))
        engine.time.sleep(engine.times.encode)
        engine.wait(seconds / 4)
        busy = [stream for stream, version in items if (stream, version) in engine.under_way]
        if busy:
            engine.wait(seconds / 4)
            raise Conflict(busy[0], dict.fromkeys(busy))
        self._commit(appends, items, seconds)
        engine.wait(seconds / 4)

    def _commit(self, appends: Sequence[Append], items: Collection[Place], seconds: float) -> None:
        """Conditions are checked at once; what is written can be seen when it is done."""
        streams = [append.stream for append in appends]
        heads = self.engine.books.load(streams)
        for append in appends:
            head = heads.get(append.stream)
            if (head.version if head else 0) != append.expected_version:
                self.engine.wait(seconds / 4)
                self.engine.books.append(*appends)  # Raises Conflict.
        with self.engine.locked(items):
            self.engine.wait(seconds / 2)
        self.engine.books.append(*appends)
        self.engine.written(items)

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        """See EventStore.snapshot."""
        self.engine.units["read"] += 2 * len(places)
        self.engine.wait(self.engine.times.read)
        if not self.engine.under_way.isdisjoint(places):
            raise Busy("TransactionConflict")
        return self.engine.books.snapshot(places)

    def read(self, stream: Stream, version: int) -> Recorded:
        """See EventStore.read."""
        self.engine.units["read"] += 0.5
        self.engine.wait(self.engine.times.read)
        return self.engine.books.read(stream, version)

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        """See EventStore.history."""
        return self.engine.books.history(stream, newest_first=newest_first)
