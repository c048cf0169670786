"""A simulated inbox: what its calls take and cost, and how they collide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.simulation.dynamo import Engine
from chalicelib.commands.combining.inbox import Commit, Lease, Lost, Polled, Row
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, Place
from tests.memory_inbox import MemoryInbox


@dataclass(frozen=True)
class SimulatedInbox:
    """An Inbox for one client."""

    engine: Engine
    inner: MemoryInbox

    def lease(self, account: Stream) -> Lease:
        """See Inbox.lease."""
        self._read(0.5)
        return self.inner.lease(account)

    def put(self, row: Row) -> None:
        """See Inbox.put."""
        self._write()
        self.inner.put(row)

    def take(self, account: Stream, seen: Lease, lease: Lease) -> bool:
        """See Inbox.take."""
        self._write()
        return self.inner.take(account, seen, lease)

    def appoint(self, row: Row, lease: Lease) -> bool:
        """See Inbox.appoint."""
        self._write()
        return self.inner.appoint(row, lease)

    def rows(self, account: Stream) -> list[Row]:
        """See Inbox.rows."""
        found = self.inner.rows(account)
        self._read(max(4, len(found) / 4))
        return self.inner.rows(account)

    def poll(self, row: Row, event: Place | None, *, lease: bool) -> Polled:
        """See Inbox.poll."""
        self._read(1.0 + lease / 2)
        polled = self.inner.poll(row, event, lease=lease)
        if polled.event is None or self.engine.is_visible(polled.event.place):
            return polled
        return replace(polled, event=None)

    def outcome(
        self, row: Row, places: Sequence[Place]
    ) -> tuple[Row | None, dict[Place, Recorded]]:
        """See Inbox.outcome."""
        self._read(2.0 * (1 + len(places)))
        if not self.engine.under_way.isdisjoint({row.id, *places}):
            raise Busy("TransactionConflict")
        return self.inner.outcome(row, places)

    def withdraw(self, row: Row, *, leave_mark: bool = False) -> bool:
        """See Inbox.withdraw."""
        self._write()
        if row.id in self.engine.under_way:
            raise Busy("TransactionConflictException")
        return self.inner.withdraw(row, leave_mark=leave_mark)

    def delete(self, row: Row) -> None:
        """See Inbox.delete."""
        self._write()
        self.inner.delete(row)

    def commit(self, commit: Commit) -> None:
        """See Inbox.commit."""
        engine = self.engine
        events = [one.place for each in commit.appends for one in each.events]
        items = [*events, *commit.absent, *(row.id for row, _ in commit.settled)]
        engine.units["write"] += 2 * len(items)
        seconds = engine.transaction_seconds(len(items))
        engine.time.sleep(engine.times.encode)
        engine.wait(seconds / 4)
        busy = engine.under_way.intersection(items)
        if busy:
            engine.wait(seconds / 4)
            raise Lost(
                [one for one in busy if isinstance(one, str)],
                {one[0]: None for one in busy if isinstance(one, tuple)},
            )
        self.inner.check(commit)
        with engine.locked(items):
            engine.wait(seconds / 2)
        self.inner.commit(commit)
        engine.written(events)
        engine.wait(seconds / 4)

    def _read(self, units: float) -> None:
        self.engine.units["read"] += units
        self.engine.wait(self.engine.times.read)

    def _write(self) -> None:
        self.engine.units["write"] += 1
        self.engine.wait(self.engine.times.write)
