"""An inbox in memory, for tests: the same contract, beside a store in memory."""

from collections.abc import Sequence
from threading import Lock

from msgspec import structs

from chalicelib.commands.combining.inbox import FREE, Answer, Commit, Lease, Lost, Polled, Row
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Place
from tests.memory_store import MemoryStore


class MemoryInbox:
    """An Inbox whose rows are in a dictionary."""

    def __init__(self, books: MemoryStore) -> None:
        self.books = books
        self.stored: dict[str, Row] = {}
        self.leases: dict[Stream, Lease] = {}
        self._lock = Lock()

    def lease(self, account: Stream) -> Lease:
        """See Inbox.lease."""
        return self.leases.get(account, FREE)

    def put(self, row: Row) -> None:
        """See Inbox.put."""
        self.stored.setdefault(row.id, row)

    def take(self, account: Stream, seen: Lease, lease: Lease) -> bool:
        """See Inbox.take."""
        with self._lock:
            if self.leases.get(account, FREE) != seen:
                return False
            self.leases[account] = lease
            return True

    def appoint(self, row: Row, lease: Lease) -> bool:
        """See Inbox.appoint."""
        with self._lock:
            found = self.stored.get(row.id)
            if found is None or found.answer is not None:
                return False
            self.stored[row.id] = structs.replace(found, leads=lease)
            return True

    def rows(self, account: Stream) -> list[Row]:
        """See Inbox.rows."""
        with self._lock:
            found = [row for row in self.stored.values() if row.account == account]
        return sorted((row for row in found if row.answer is None), key=lambda row: row.id)

    def poll(self, row: Row, event: Place | None, *, lease: bool) -> Polled:
        """See Inbox.poll."""
        events = self.books.snapshot([event]) if event else {}
        found = self.stored.get(row.id)
        return Polled(
            next(iter(events.values()), None), found, self.lease(row.account) if lease else None
        )

    def outcome(
        self, row: Row, places: Sequence[Place]
    ) -> tuple[Row | None, dict[Place, Recorded]]:
        """See Inbox.outcome."""
        with self._lock:
            return self.stored.get(row.id), self.books.snapshot(places)

    def withdraw(self, row: Row, *, leave_mark: bool = False) -> bool:
        """See Inbox.withdraw."""
        with self._lock:
            found = self.stored.get(row.id)
            if found is not None and found.answer is not None:
                return False
            if leave_mark:
                self.stored[row.id] = structs.replace(row, answer=Answer(kind="withdrawn"))
                return True
            return self.stored.pop(row.id, None) is not None

    def delete(self, row: Row) -> None:
        """See Inbox.delete."""
        self.stored.pop(row.id, None)

    def check(self, commit: Commit) -> None:
        """Raises Lost, or ValueError, where `commit` would."""
        size = sum(len(each.events) for each in commit.appends)
        if not 0 < size + len(commit.settled) + len(commit.absent) <= 100:
            raise ValueError("a transaction has 1 to 100 items")
        settled = [row.id for row, _ in commit.settled]
        rows = [id for id in settled if id not in self.stored or self.stored[id].answer]
        absent = [*commit.absent, *(each.events[0].place for each in commit.appends)]
        there = self.books.snapshot(absent)
        if rows or there:
            raise Lost(rows, self.books.load([stream for stream, _ in there]))

    def commit(self, commit: Commit) -> None:
        """See Inbox.commit."""
        with self._lock:
            self.check(commit)
            if commit.appends:
                self.books.append(*commit.appends)
            for row, answer in commit.settled:
                if answer is None:
                    del self.stored[row.id]
                else:
                    self.stored[row.id] = structs.replace(row, answer=answer)
