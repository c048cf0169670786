"""Seeded faults of function invocations and of the poller, each of which may happen on AWS.

Whether a fault occurs depends only on the seed, its subject (a batch, a shard, an operation) and
the number of earlier draws for that: a seed gives the same faults in any order of threads.
"""

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from simulator.delivery import Invoke, NotInvoked, Record, sequence
from simulator.poller import Poller

FUNCTION = {
    "the function died before its write": 0.06,
    "the function died after its write": 0.06,
    "part of a batch was processed": 0.08,
    "the response was malformed": 0.03,
    "a batch was delivered twice": 0.06,
    "a batch was delivered to two invocations at once": 0.06,
    "an old batch was delivered again": 0.05,
    "an invocation was delayed": 0.05,
    "an invocation found no capacity": 0.04,
    "the poller was replaced": 0.02,
}
"""Faults of an invocation, and their probabilities."""

STREAM = {
    "a shard was split": 0.01,
    "a shard returned nothing for a while": 0.06,
    "a read of the stream failed": 0.03,
    "a shard iterator expired": 0.02,
}
"""Faults of a read of the stream. A split is drawn per record."""

DYNAMODB = {
    "a request was throttled": 0.02,
    "a write conflicted with a transaction": 0.02,
    "a batch was partly unprocessed": 0.02,
    "a connection closed before the request": 0.01,
    "a response was lost after the request was done": 0.02,
}
"""Faults of a request to DynamoDB."""

WORST = {**FUNCTION, **STREAM, **DYNAMODB}

_DELAY_SECONDS = 0.02
_QUIET_STEPS = 80
_OLD_BATCHES = 50


class Died(Exception):
    """The function ended before it returned."""


class Chaos:
    """Faults with these probabilities, from this seed. None occurs once it is `stopped`.

    `injected` counts the faults, and `max_concurrency` is the most invocations at a time.
    """

    def __init__(self, seed: int, probabilities: Mapping[str, float] = WORST) -> None:
        self.seed = seed
        self.probabilities = probabilities
        self.stopped = False
        self.injected: Counter[str] = Counter()
        self.max_concurrency = 0
        self._running = 0
        self._draws: Counter[tuple[object, ...]] = Counter()
        self._lock = threading.Lock()

    def occurs(self, fault: str, *subject: object) -> bool:
        """Whether this fault occurs now. Counts it."""
        probability = self.probabilities.get(fault, 0)
        if self.stopped or self.draw(fault, *subject).random() >= probability:
            return False
        with self._lock:
            self.injected[fault] += 1
        return True

    def draw(self, *subject: object) -> random.Random:
        """A new generator for one decision about a subject."""
        with self._lock:
            self._draws[subject] += 1
            text = repr((self.seed, subject, self._draws[subject]))
        return random.Random(hashlib.sha256(text.encode()).digest())

    def function(self, name: str, invoke: Invoke) -> Invoke:
        """The function with faults. The records of an item stay in order."""
        delivered: list[list[Record]] = []

        def with_faults(event: dict[str, Any]) -> Any:
            batch = list(event["Records"])
            subject = (name, sequence(batch[0]), len(batch))
            self._before(subject, invoke, delivered[-_OLD_BATCHES:])
            if len(batch) > 1 and self.occurs("part of a batch was processed", *subject):
                cut = self.draw("cut", *subject).randrange(1, len(batch))
                response = invoke({"Records": batch[:cut]}) or {}
                reported = response.get("batchItemFailures") or []
                failed = {"itemIdentifier": sequence(batch[cut])}
                return {"batchItemFailures": [failed, *reported]}
            if self.occurs("a batch was delivered to two invocations at once", *subject):
                response = _invoke_twice_at_once(invoke, batch)
            else:
                response = invoke({"Records": list(batch)})
            delivered.append(batch)
            del delivered[:-_OLD_BATCHES]
            if self.occurs("a batch was delivered twice", *subject):
                response = invoke({"Records": list(batch)})
            if self.occurs("the function died after its write", *subject):
                raise Died
            if self.occurs("the response was malformed", *subject):
                return {"batchItemFailures": [{"itemIdentifier": None}]}
            return response

        def counted(event: dict[str, Any]) -> Any:
            self._count(1)
            try:
                return with_faults(event)
            finally:
                self._count(-1)

        return counted

    def poll(
        self, name: str, begin: Callable[[], Poller], written: Callable[[], bool] = lambda: True
    ) -> None:
        """Polls until `written` is true and every record is processed.

        The fault "the poller was replaced" starts another poller at the checkpoints.
        """
        pollers = [begin()]
        quiet = 0
        while quiet < _QUIET_STEPS:
            if self.occurs("the poller was replaced", name):
                pollers.append(begin())
            active = pollers[-1].step()
            quiet = 0 if active or not written() else quiet + 1
            time.sleep(0 if active else _DELAY_SECONDS / 10)
        for poller in pollers:
            poller.close()

    def _count(self, change: int) -> None:
        with self._lock:
            self._running += change
            self.max_concurrency = max(self.max_concurrency, self._running)

    def _before(
        self, subject: tuple[object, ...], invoke: Invoke, delivered: list[list[Record]]
    ) -> None:
        if self.occurs("an invocation found no capacity", *subject):
            raise NotInvoked
        if self.occurs("an invocation was delayed", *subject):
            time.sleep(_DELAY_SECONDS)
        if delivered and self.occurs("an old batch was delivered again", *subject):
            invoke({"Records": list(self.draw("old", *subject).choice(delivered))})
        if self.occurs("the function died before its write", *subject):
            raise Died


def _invoke_twice_at_once(invoke: Invoke, batch: list[Record]) -> Any:
    """The response of one of two concurrent invocations; the other one's is lost."""
    with ThreadPoolExecutor(2) as two:
        responses = [two.submit(invoke, {"Records": list(batch)}) for _ in range(2)]
    responses[0].exception()
    return responses[1].result()
