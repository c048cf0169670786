"""An executor whose store, clock, ids and waiting are in a test's hands."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from chalicelib.backoff import Backoff
from chalicelib.commands.execution import Executed
from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, EventStore, Place
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.memory_store import MemoryStore

Interruption = Callable[[], object]


@dataclass
class InterruptedStore:
    """A store around whose next calls something happens: it does, or it raises.

    The next load misses what is `unseen`, as if it had read it before that was there.
    """

    inner: EventStore
    before_load: list[Interruption] = field(default_factory=list)
    before_append: list[Interruption] = field(default_factory=list)
    before_snapshot: list[Interruption] = field(default_factory=list)
    after_append: list[Interruption] = field(default_factory=list)
    unseen: list[Stream] = field(default_factory=list)
    written: list[Append] = field(default_factory=list)

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        if self.before_load:
            self.before_load.pop(0)()
        missed, self.unseen = self.unseen, []
        return self.inner.load([stream for stream in streams if stream not in missed])

    def append(self, *appends: Append) -> None:
        if self.before_append:
            self.before_append.pop(0)()
        self.inner.append(*appends)
        self.written += appends
        if self.after_append:
            self.after_append.pop(0)()

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        if self.before_snapshot:
            self.before_snapshot.pop(0)()
        return self.inner.snapshot(places)

    def read(self, stream: Stream, version: int) -> Recorded:
        return self.inner.read(stream, version)

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        return self.inner.history(stream, newest_first=newest_first)


class ExecutorFixture:
    """An executor on a store in memory. Time stands still, but for what is slept."""

    def __init__(self) -> None:
        self.books = MemoryStore()
        self.store = InterruptedStore(self.books)
        self.now = NOW
        self.slept: list[float] = []
        self.executor = self._executor(self.store, "command")
        self.backoff = self.executor.backoff
        self._elsewhere = self._executor(self.books, "elsewhere")

    def do(self, command: Command, *, dry_run: bool = False, request: str = "") -> Executed:
        """Executes a command; time goes on by a second."""
        executed = self.executor.execute(command, actor="key-1", request=request, dry_run=dry_run)
        self.now += timedelta(seconds=1)
        return executed

    def do_elsewhere(self, command: Command) -> Executed:
        """Executes a command as another process would, uninterrupted."""
        return self._elsewhere.execute(command, actor="key-2")

    def open_accounts(self, funds: int = 0) -> None:
        """A till and two customers, Alice with some funds. Forgets that it wrote them."""
        self.do(opening("cash"))
        self.do(opening("alice", normal_balance="credit"))
        self.do(opening("bob", normal_balance="credit"))
        if funds:
            self.do(posting("funding", debit("cash", funds), credit("alice", funds)))
        self.store.written.clear()

    def _executor(self, store: EventStore, name: str) -> Executor:
        ids = (f"{name}-{number}" for number in count(1))
        return Executor(
            store,
            clock=lambda: self.now,
            new_id=lambda: next(ids),
            sleep=self.slept.append,
            monotonic=lambda: 1000.0 + sum(self.slept),
            backoff=Backoff(),
        )
