"""Chaos: faults that are drawn from a seed, counted, and put where AWS may have them too.

Whether a fault strikes depends on the seed, on what it is about and on how often it was asked about
that before, and on nothing else: the same seed strikes the same calls however threads take turns.
"""

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from simulator.delivery import Invoke, NotInvoked, Record, sequence
from simulator.poller import Pump

FUNCTION = {
    "the function died before its write": 0.06,
    "the function died after its write": 0.06,
    "part of a batch was taken": 0.08,
    "the answer made no sense": 0.03,
    "a batch was delivered twice": 0.06,
    "a batch was delivered to two invocations at once": 0.06,
    "an old batch was delivered again": 0.05,
    "an invocation was delayed": 0.05,
    "an invocation found no capacity": 0.04,
    "the pump was ended and begun anew": 0.02,
}
"""What becomes of an invocation, and how often."""

STREAM = {
    "a shard was split": 0.01,
    "a shard stood still": 0.06,
    "a read of the stream failed": 0.03,
    "a shard iterator expired": 0.02,
}
"""What becomes of a read of the stream. A split is drawn per record."""

DYNAMODB = {
    "a request was throttled": 0.02,
    "a transaction met another one": 0.02,
    "a batch was left half undone": 0.02,
    "a connection closed before the request": 0.01,
    "a reply was lost after the request was done": 0.02,
}
"""What becomes of a request to DynamoDB."""

WORST = {**FUNCTION, **STREAM, **DYNAMODB}

_DELAY_SECONDS = 0.02
_QUIET_STEPS = 80
_REMEMBERED = 50


class Died(Exception):
    """The function ended in the middle."""


class Chaos:
    """Faults with these odds, from this seed. While it is `calm`, nothing strikes.

    `injected` counts what has struck, and `at_once` is how many invocations there were at a time.
    """

    def __init__(self, seed: int, odds: Mapping[str, float] = WORST) -> None:
        self.seed = seed
        self.calm = False
        self.injected: Counter[str] = Counter()
        self.at_once = 0
        self._running = 0
        self._odds = odds
        self._asked: Counter[tuple[object, ...]] = Counter()
        self._lock = threading.Lock()

    def strikes(self, fault: str, *about: object) -> bool:
        """Whether this fault strikes here and now; if so, it is counted."""
        if self.calm or self.draw(fault, *about).random() >= self._odds.get(fault, 0):
            return False
        with self._lock:
            self.injected[fault] += 1
        return True

    def draw(self, *about: object) -> random.Random:
        """Chance for one decision about this: another one each time that it is asked for."""
        with self._lock:
            self._asked[about] += 1
            text = repr((self.seed, about, self._asked[about]))
        return random.Random(hashlib.sha256(text.encode()).digest())

    def function(self, name: str, invoke: Invoke) -> Invoke:
        """The function, among faults. Batches stay in order, so that of an item does too."""
        taken: list[list[Record]] = []

        def invoked(event: dict[str, Any]) -> Any:
            with self._counted():
                return struck(event)

        def struck(event: dict[str, Any]) -> Any:
            batch = list(event["Records"])
            about = (name, sequence(batch[0]), len(batch))
            self._before(about, invoke, taken[-_REMEMBERED:])
            if len(batch) > 1 and self.strikes("part of a batch was taken", *about):
                cut = self.draw("cut", *about).randrange(1, len(batch))
                return _with_failure(invoke({"Records": batch[:cut]}), batch[cut])
            if self.strikes("a batch was delivered to two invocations at once", *about):
                response = _twice_at_once(invoke, batch)
            else:
                response = invoke({"Records": list(batch)})
            taken.append(batch)
            del taken[:-_REMEMBERED]
            if self.strikes("a batch was delivered twice", *about):
                response = invoke({"Records": list(batch)})
            if self.strikes("the function died after its write", *about):
                raise Died
            if self.strikes("the answer made no sense", *about):
                return {"batchItemFailures": [{"itemIdentifier": None}]}
            return response

        return invoked

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._running += 1
            self.at_once = max(self.at_once, self._running)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def _before(
        self,
        about: tuple[object, ...],
        invoke: Invoke,
        taken: list[list[Record]],
    ) -> None:
        if self.strikes("an invocation found no capacity", *about):
            raise NotInvoked
        if self.strikes("an invocation was delayed", *about):
            time.sleep(_DELAY_SECONDS)
        if taken and self.strikes("an old batch was delivered again", *about):
            invoke({"Records": list(self.draw("old", *about).choice(taken))})
        if self.strikes("the function died before its write", *about):
            raise Died

    def pump(
        self, name: str, begin: Callable[[], Pump], written: Callable[[], bool] = lambda: True
    ) -> None:
        """Pumps among faults until all is written and taken, at last in calm.

        Now and then a pump is left with what it was doing, and another one begins where the last
        one's positions are.
        """
        pumps = [begin()]
        quiet = 0
        while quiet < _QUIET_STEPS:
            if self.strikes("the pump was ended and begun anew", name):
                pumps.append(begin())
            active = pumps[-1].step()
            quiet = 0 if active or not written() else quiet + 1
            time.sleep(0 if active else _DELAY_SECONDS / 10)
        for pump in pumps:
            pump.close()


def _with_failure(response: Any, record: Record) -> dict[str, Any]:
    """What the function answered, and that this record is still to be taken."""
    reported = (response or {}).get("batchItemFailures") or []
    return {"batchItemFailures": [{"itemIdentifier": sequence(record)}, *reported]}


def _twice_at_once(invoke: Invoke, batch: list[Record]) -> Any:
    """The answer of one of two invocations; the other was one of which nobody knew any more."""
    with ThreadPoolExecutor(2) as two:
        answers = [two.submit(invoke, {"Records": list(batch)}) for _ in range(2)]
    answers[0].exception()
    return answers[1].result()
