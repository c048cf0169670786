"""Systems: the real ledger behind one call, in memory or over HTTP on a real engine."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
import pytest

from chalicelib.commands import routes
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.domain.account.events import EntryPosted, HeldEntryPosted
from chalicelib.domain.transaction.commands import ExpireHold
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, Busy, Conflict, EventStore, Place, Unanswered
from chalicelib.ledger.aggregates import account_state, account_stream
from chalicelib.read_models import reading
from chalicelib.read_models.balances import queries as balances
from chalicelib.read_models.balances.queries import GetAccount, get_account
from chalicelib.read_models.transactions import queries as transactions
from chalicelib.read_models.transactions.queries import GetTransaction, get_transaction
from tests.memory_store import MemoryStore
from tests.model.ledger import stamp

Send = Callable[[str, str, bytes, Mapping[str, str]], tuple[int, Mapping[str, str], Any]]


Fault = Literal["the reply is lost", "the request is lost", "throttled"]


class Request(NamedTuple):
    """A request to one ledger."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What it was answered: a body, or a problem's code, and whether it is an old answer."""

    status: int
    said: Any
    replayed: bool


class Raced(NamedTuple):
    """Two requests at once: their answers, whether the second came before the first, and the holds
    that the first had released by then.
    """

    first: Answer
    second: Answer
    second_came_first: bool
    released: list[str]


@dataclass
class HookedStore:
    """A store before whose next append something else happens, but for what releases a hold.

    `released` are the holds that were released until then. `faults` are those of the next appends;
    if they are `endless`, nothing more is written after the last, and no snapshot can be had.
    `struck` are those that an append has met.
    """

    inner: EventStore
    before_append: list[Callable[[], object]] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    endless: bool = False
    struck: list[Fault] = field(default_factory=list)

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        return self.inner.load(streams)

    def append(self, *appends: Append) -> None:
        holds = [
            event.stream.id
            for append in appends
            for event in append.events
            if event.type == "HoldExpired"
        ]
        while self.before_append and not holds:
            self.before_append.pop()()
        if (self.faults or self.endless) and not holds:
            self._strike(*appends)
        self.inner.append(*appends)
        if self.before_append or self.faults:
            self.released += holds

    def _strike(self, *appends: Append) -> None:
        fault = self.faults.pop(0) if self.faults else "throttled"
        self.struck.append(fault)
        if fault == "throttled":
            raise Busy(fault)
        if fault == "the reply is lost":
            try:
                self.inner.append(*appends)
            except Conflict:
                self.struck[-1] = "the request is lost"  # Nothing was written by it.
        raise Unanswered(fault)

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        if self.endless:
            raise Busy("throttled")
        return self.inner.snapshot(places)

    def read(self, stream: Stream, version: int) -> Recorded:
        return self.inner.read(stream, version)

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        return self.inner.history(stream, newest_first=newest_first)


class System:
    """The Write API on a store, with a clock that is set."""

    def __init__(self, name: str, store: EventStore, now: datetime, send: Send) -> None:
        self.name, self.now, self._send = name, now, send
        self.store = HookedStore(store)
        # Two processes, each of which remembers what it wrote itself.
        slept: list[float] = []
        self._processes = [
            Executor(
                self.store,
                clock=lambda: self.now,
                sleep=slept.append,
                monotonic=lambda: sum(slept),
                head_cache=HeadCache(),
            )
            for _ in range(2)
        ]
        self._calls = 0

    def call(self, request: Request, process: int | None = None) -> Answer:
        """Sends a request to one of the processes: to the first twice, and then to the second."""
        self._calls += 1
        chosen = self._processes[process if process is not None else self._calls % 3 // 2]
        # Where the routes find the executor.
        setattr(routes, "executor", lambda: chosen)  # noqa: B010  # Not an attribute to mypy.
        raw = b"" if request.body is None else json.dumps(request.body).encode()
        headers = {"Content-Type": "application/json", **request.headers}
        path = f"/ledgers/{self.name}{request.path}"
        status, got, body = self._send(request.method, path, raw, headers)
        said = body if status < 300 else body["code"]
        return Answer(status, said, got.get("Idempotency-Replayed") == "true")

    def race(self, first: Request, second: Request) -> "Raced":
        """The first request, and the second in the moment before the first one's own write.

        The second came after the first, if that wrote nothing.
        """
        between: list[Answer] = []
        self.store.released = []
        self.store.before_append = [lambda: between.append(self.call(second, 1))]
        answer = self.call(first, 0)
        self.store.before_append = []
        released = list(self.store.released) if between else []
        return Raced(answer, between[0] if between else self.call(second), bool(between), released)

    def call_among(self, faults: Sequence[Fault], request: Request, *, endless: bool) -> Answer:
        """Sends a request whose appends meet these faults; `store` then tells what was struck."""
        self.store.released, self.store.struck = [], []
        self.store.faults, self.store.endless = list(faults), endless
        try:
            return self.call(request)
        finally:
            self.store.faults, self.store.endless = [], False

    def expire(self, transactions: Collection[str]) -> None:
        """What the sweep does with those that are due."""
        for id in transactions:
            command = ExpireHold(ledger=self.name, transaction=id)
            self._processes[0].execute(command, actor="sweep")

    def account(self, id: str) -> Any:
        """An account as a read tells it once everything has arrived."""
        return self.account_now(id)

    def account_now(self, id: str) -> Any:
        """An account as a strong read tells it."""
        query = GetAccount(ledger=self.name, account=id, consistency="strong")
        return self._read(lambda: get_account(query))

    def transaction(self, id: str) -> Any:
        """A transaction as a read tells it once everything has arrived."""
        return self.transaction_now(id)

    def transaction_now(self, id: str) -> Any:
        """A transaction as a strong read tells it."""
        query = GetTransaction(ledger=self.name, transaction=id, consistency="strong")
        return self._read(lambda: get_transaction(query))

    def _read(self, read: Callable[[], Any]) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "event_store", lambda: self.store)
            patch.setattr(balances, "event_store", lambda: self.store)
            patch.setattr(transactions, "event_store", lambda: self.store)
            patch.setattr(reading, "clock", lambda: self.now)
            return json.loads(msgspec.json.encode(read()))

    def entries(self, id: str) -> list[tuple[Any, ...]]:
        """An account's entries, as its history tells them."""
        return [
            (
                one.version,
                one.event.transaction,
                one.event.direction,
                one.event.amount,
                account_state(one).posted,
                stamp(one.recorded_at),
            )
            for one in self.store.history(account_stream(self.name, id))
            if isinstance(one.event, EntryPosted | HeldEntryPosted)
        ]


def in_memory(name: str, now: datetime, send: Send) -> System:
    """A system on the store's twin in memory."""
    return System(name, MemoryStore(), now, send)
