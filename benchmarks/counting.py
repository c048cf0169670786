"""Counting: every call to DynamoDB, in units, bytes and round trips.

Botocore's event hooks see each request and each reply. A round trip is a call, or several that go
out at the same time: calls are counted along the longest chain of calls that had to wait for one
another, which is the same on every run however threads are scheduled. (The clock is L. Lamport's,
"Time, Clocks, and the Ordering of Events in a Distributed System", 1978.)
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch

from benchmarks.units import of_call
from chalicelib import tables


@dataclass(frozen=True)
class Call:
    """One call. Units are None where the engine reported none, or sizes do not determine them."""

    operation: str
    sent: int
    received: int
    reported: tuple[float, float] | None
    by_size: tuple[float, float] | None


@dataclass
class Tally:
    """All calls between two moments, and how many round trips they made."""

    calls: list[Call] = field(default_factory=list)
    round_trips: int = 0

    @property
    def sent(self) -> int:
        """Bytes of all requests' bodies."""
        return sum(call.sent for call in self.calls)

    @property
    def received(self) -> int:
        """Bytes of all replies' bodies."""
        return sum(call.received for call in self.calls)

    @property
    def units(self) -> tuple[float, float] | None:
        """Read and write units, reported or else computed."""
        return _sum([call.reported or call.by_size for call in self.calls])

    @property
    def reported(self) -> tuple[float, float] | None:
        """Read and write units as the engine reported them, if it did for every call."""
        return _sum([call.reported for call in self.calls])

    @property
    def by_size(self) -> tuple[float, float] | None:
        """Computed read and write units, if sizes determine them for every call."""
        return _sum([call.by_size for call in self.calls])


class Meter:
    """Counts the calls of this process's connection."""

    def __init__(self) -> None:
        self._clock = _Clock()
        self._calls: list[Call] = []
        self._open = threading.local()

    @contextmanager
    def attached(self, workers: int = 16) -> Iterator["Meter"]:
        """Counts from now on. `workers` is the maximum of parallel calls."""
        events = tables.connection().client.meta.events
        events.register("before-send.dynamodb", self._sent)
        events.register("after-call.dynamodb", self._received)
        try:
            with ExitStack() as pools:
                pool = cache(lambda _: pools.enter_context(_CausalPool(self._clock, workers)))
                with patch.object(tables, "_pool", pool):
                    yield self
        finally:
            events.unregister("before-send.dynamodb", self._sent)
            events.unregister("after-call.dynamodb", self._received)

    def tally(self, work: Callable[[], object]) -> Tally:
        """The calls of this work."""
        before, began = len(self._calls), self._clock.now
        work()
        return Tally(self._calls[before:], self._clock.now - began)

    def _sent(self, request: Any, **_: Any) -> None:
        self._clock.now += 1
        self._open.request = request.body

    def _received(self, model: Any, parsed: Any, http_response: Any, **_: Any) -> None:
        operation = model.name
        request, reply, body = json.loads(self._open.request), parsed, http_response.content
        succeeded = reply.get("ResponseMetadata", {}).get("HTTPStatusCode") == 200
        self._calls.append(
            Call(
                operation=operation,
                sent=len(self._open.request),
                received=len(body),
                reported=_reported(operation, reply),
                by_size=of_call(operation, request, json.loads(body)) if succeeded else None,
            )
        )


class Traffic:
    """Counts the round trips that clients wait for, and the write units that they send, at little
    cost for each call: clients are threads of one process, which is measured at the same time.

    Every item that a transfer writes is below 1 KB: 2 units in a transaction, 1 by itself. What
    fails is counted in full, as DynamoDB charges a failed condition.
    """

    def __init__(self) -> None:
        self.trips = self.write_units = 0
        self._clock = _Clock()
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Begins at zero."""
        self.trips = self.write_units = 0

    @contextmanager
    def attached(self, workers: int) -> Iterator[None]:
        """Counts from now on. `workers` is the maximum of parallel calls."""
        events = tables.connection().client.meta.events
        events.register("before-send.dynamodb", self._sent)
        try:
            with ExitStack() as pools:
                pool = cache(lambda _: pools.enter_context(_CausalPool(self._clock, workers)))
                with patch.object(tables, "_pool", pool):
                    yield
        finally:
            events.unregister("before-send.dynamodb", self._sent)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Adds the round trips of this thread's work inside the block."""
        began = self._clock.now
        try:
            yield
        finally:
            with self._lock:
                self.trips += self._clock.now - began

    def _sent(self, request: Any, event_name: str, **_: Any) -> None:
        self._clock.now += 1
        operation_name = event_name.rpartition(".")[2]
        units = int(operation_name in _SINGLE_WRITES)
        if operation_name == "TransactWriteItems":
            units = 2 * request.body.count(b'"TableName"')
        if units:
            with self._lock:
                self.write_units += units


class _Clock(threading.local):
    """The number of sequential calls of this thread's current work."""

    now = 0


class _CausalPool(ThreadPoolExecutor):
    """A pool whose work starts at the submitter's count; waiting sets that to the largest one."""

    def __init__(self, clock: _Clock, workers: int) -> None:
        super().__init__(workers)
        self._clock = clock

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return _Joining(super().submit(self._at, self._clock.now, fn, args, kwargs), self._clock)

    def _at(self, now: int, fn: Any, args: Any, kwargs: Any) -> tuple[int, Any, Any]:
        self._clock.now = now
        try:
            result, error = fn(*args, **kwargs), None
        except Exception as raised:  # noqa: BLE001  # Handed to who waits, as a future would.
            result, error = None, raised
        return self._clock.now, result, error


class _Joining:
    """A future that advances the waiting thread's count."""

    def __init__(self, future: "Future[tuple[int, Any, Any]]", clock: _Clock) -> None:
        self._future = future
        self._clock = clock

    def exception(self) -> Any:
        return self._join()[1]

    def result(self) -> Any:
        result, error = self._join()
        if error is not None:
            raise error
        return result

    def _join(self) -> tuple[Any, Any]:
        ended, result, error = self._future.result()
        self._clock.now = max(self._clock.now, ended)
        return result, error


_SINGLE_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_READS = {"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"}


def _reported(operation: str, reply: Any) -> tuple[float, float] | None:
    consumed = reply.get("ConsumedCapacity")
    if not consumed:
        return None
    several = consumed if isinstance(consumed, list) else [consumed]
    units = sum(one["CapacityUnits"] for one in several)
    return (units, 0.0) if operation in _READS else (0.0, units)


def _sum(units: list[tuple[float, float] | None]) -> tuple[float, float] | None:
    known = [one for one in units if one is not None]
    if len(known) < len(units):
        return None
    return sum(reads for reads, _ in known), sum(writes for _, writes in known)
