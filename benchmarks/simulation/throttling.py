"""Throttling: clients of one hot account, where each partition key takes a limited rate of writes.

DynamoDB takes 1,000 write units a second for one key (Amazon DynamoDB Developer Guide, "Designing
partition keys"). The model is a token bucket for each key of the event table and of the inbox, full
at first, which holds what one second adds. A request that finds too little in one bucket fails as a
whole, and takes nothing.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from benchmarks.simulation.clients import direct
from benchmarks.simulation.dynamo import Engine, SimulatedStore
from benchmarks.simulation.inbox import SimulatedInbox
from benchmarks.simulation.virtual import VirtualTime
from chalicelib.commands.combining.hot import Combiner
from chalicelib.commands.combining.inbox import Commit, Lease, Row
from chalicelib.commands.combining.limits import BUCKETS
from chalicelib.commands.executor import Executor
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, Busy
from chalicelib.tables import bucket_of


@dataclass
class Buckets:
    """The write units that each key has left. `capacity` is the units that are added per second;
    `throttled` counts the requests that failed.
    """

    time: VirtualTime
    capacity: float
    throttled: int = 0
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, units: Mapping[str, float]) -> None:
        """Takes units of each key, or raises Busy and takes none."""
        now, left = self.time.now, {}
        for key, wanted in units.items():
            before, since = self._left.get(key, (self.capacity, now))
            left[key] = min(self.capacity, before + (now - since) * self.capacity) - wanted
        if min(left.values()) < 0:
            self.throttled += 1
            raise Busy("ThrottlingException")
        self._left |= {key: (after, now) for key, after in left.items()}


@dataclass(frozen=True)
class ThrottledStore(SimulatedStore):
    """An EventStore for one client."""

    buckets: Buckets

    def append(self, *appends: Append) -> None:
        """See EventStore.append. Raises Busy."""
        events = [one for append in appends for one in append.events]
        self._take(events, 2 if len(events) > 1 else 1)
        super().append(*appends)

    def _take(self, events: Collection[Recorded], units: float) -> None:
        try:
            self.buckets.take(_of_events(events, units))
        except Busy:
            self.engine.wait(self.engine.times.read)
            raise


@dataclass(frozen=True)
class ThrottledInbox(SimulatedInbox):
    """An Inbox for one client."""

    buckets: Buckets

    def put(self, row: Row) -> None:
        """See Inbox.put."""
        self._take({_key(row): 1})
        super().put(row)

    def take(self, account: Stream, seen: Lease, lease: Lease) -> bool:
        """See Inbox.take."""
        self._take({f"lease {account}": 1})
        return super().take(account, seen, lease)

    def commit(self, commit: Commit) -> None:
        """See Inbox.commit."""
        units = Counter(_of_events([one for each in commit.appends for one in each.events], 2))
        for row, _ in commit.settled:
            units[_key(row)] += 2
        self._take(units)
        super().commit(commit)

    def _take(self, units: Mapping[str, float]) -> None:
        try:
            self.buckets.take(units)
        except Busy:
            self.engine.wait(self.engine.times.read)
            raise


@dataclass
class Throttled:
    """Makes executors of clients that share buckets, each with an inbox."""

    capacity: float
    buckets: Buckets | None = None

    def __call__(self, engine: Engine, number: int) -> Executor:
        """The executor of a client."""
        if self.buckets is None:
            self.buckets = Buckets(engine.time, self.capacity)
        made = replace(direct(engine, number), store=ThrottledStore(engine, self.buckets))
        inbox = ThrottledInbox(engine, engine.inbox, self.buckets)
        return replace(made, combiner=Combiner(lambda: inbox, engine.time.together))


def _of_events(events: Collection[Recorded], units: float) -> dict[str, float]:
    return {key: units * many for key, many in Counter(str(one.stream) for one in events).items()}


def _key(row: Row) -> str:
    return f"row {row.account}#{bucket_of(row.id, BUCKETS)}"
