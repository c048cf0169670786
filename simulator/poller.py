"""The poller of an event source mapping: reads a DynamoDB stream and invokes a function.

README.md lists the rules of Lambda that it follows.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from simulator.checkpoints import Checkpoints
from simulator.delivery import DeliveryQueue, Destination, Function, Invoke
from simulator.mapping import SourceMapping
from simulator.stream import Shard, Stream

logger = logging.getLogger(__name__)

POLL_SECONDS = (0.05, 0.2)
"""Seconds between reads of a busy and of an idle stream. Lambda polls four times a second."""

_DRAIN_SECONDS = 0.001
_AFTER_ERROR_SECONDS = 5.0
_THREADS = 32


def rest(busy: bool, _: float) -> None:
    """Waits between two reads of a stream."""
    time.sleep(POLL_SECONDS[not busy])


class Poller:
    """Feeds one function from one stream.

    `name` identifies the function, `client` is a client of the streams API, and `clock` returns
    seconds since the epoch. `rest` waits between two reads: it is called with whether the last one
    found or left records, and with its seconds.
    """

    def __init__(
        self,
        name: str,
        client: Any,
        stream_arn: str,
        invoke: Invoke,
        mapping: SourceMapping,
        checkpoints: Checkpoints | None = None,
        *,
        on_failure: Destination = lambda _: None,
        clock: Callable[[], float] = time.time,
        rest: Callable[[bool, float], object] = rest,
    ) -> None:
        self._function = Function(name, invoke, mapping, on_failure)
        self._stream = Stream(client, stream_arn)
        self._checkpoints = checkpoints or Checkpoints()
        self._clock = clock
        self._rest = rest
        self._shards: dict[str, Shard] = {}
        self._ended: set[str] = set()
        self._look_for_shards = True
        self._at_latest = mapping.starting_position == "LATEST"
        self._pool: ThreadPoolExecutor | None = None
        self._running: dict[Future[None], DeliveryQueue] = {}

    def run(self) -> None:
        """Polls for ever, and continues 5 s after an error, which is logged."""
        while True:
            try:
                began = time.monotonic()
                self._rest(self.step(), time.monotonic() - began)
            except Exception:
                logger.exception("%s: the stream could not be read", self._function.name)
                self._look_for_shards = True
                time.sleep(_AFTER_ERROR_SECONDS)

    def drain(self) -> None:
        """Polls until every record that the stream has is processed or discarded."""
        while self.step():
            time.sleep(_DRAIN_SECONDS)

    def close(self) -> None:
        """Waits for the running invocations; the other records stay undelivered."""
        if self._pool is not None:
            self._pool.shutdown()

    def step(self) -> bool:
        """Reads and delivers the next records of each shard; whether there were or are any."""
        if self._look_for_shards or not self._shards:
            self._find_shards()
        shards = list(self._shards.values())
        active = [shard.gather(self._clock()) or not shard.idle for shard in shards]
        self._deliver(shards)
        for shard in shards:
            shard.advance()
            if shard.ended and shard.idle:
                del self._shards[shard.name]
                self._ended.add(shard.name)
                self._look_for_shards = True  # A shard that ends has children.
        return any(active) or self._look_for_shards

    def _deliver(self, shards: list[Shard]) -> None:
        """Starts every attempt that is due, and waits up to 50 ms for any of them."""
        now, busy = self._clock(), set(self._running.values())
        free = [queue for shard in shards for queue in shard.queues if queue not in busy]
        due = [queue for queue in free if queue.due is not None and queue.due <= now]
        if not busy and len(self._shards) * self._function.mapping.parallelization == 1:
            for queue in due:
                queue.attempt(now)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=self._function.name)
        self._running |= {self._pool.submit(queue.attempt, now): queue for queue in due}
        for done in wait(self._running, POLL_SECONDS[0], FIRST_COMPLETED).done:
            del self._running[done]
            done.result()

    def _find_shards(self) -> None:
        """Adds the new shards whose parents have ended; at LATEST, all shards."""
        described = list(self._stream.shards())
        names = {shard["ShardId"] for shard in described}
        start = "LATEST" if self._at_latest else "TRIM_HORIZON"
        for shard in described:
            name, parent = shard["ShardId"], shard.get("ParentShardId")
            known = name in self._shards or name in self._ended
            if not known and (parent not in names or parent in self._ended or self._at_latest):
                self._shards[name] = Shard(
                    name, start, self._stream, self._function, self._checkpoints
                )
        self._look_for_shards = self._at_latest = False
