"""The poller of an event source mapping: reads a DynamoDB stream and invokes a function.

It follows Lambda's documented rules:

- shards are read concurrently, each in order, and a child only after the end of its parent;
- a shard has one invocation at a time, or up to the mapping's parallelization factor, and then
  the records of one item keep their order;
- records that match the filters are gathered until a batch is full, reaches 6 MB, or the batching
  window is over;
- failures are retried, bisected and discarded as in `simulator.delivery`;
- checkpoints are kept outside, so a poller that starts again may repeat records and skips none.

(AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", with-ddb, and its subpages;
"DynamoDB Streams and shards", Amazon DynamoDB Developer Guide.)
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from simulator.checkpoints import Checkpoints
from simulator.delivery import DeliveryQueue, Destination, Invoke
from simulator.mapping import SourceMapping
from simulator.shard import Shard
from simulator.stream import Stream

logger = logging.getLogger(__name__)

_POLL_SECONDS = (0.05, 0.2)
"""Between reads of a busy and of an idle stream. Lambda polls four times a second."""

_AFTER_ERROR_SECONDS = 5.0
_THREADS = 32


class Poller:
    """Feeds one function from one stream.

    `function` is its name in checkpoints and in documents for the on-failure destination; `client`
    is a client of the streams API; `clock` returns seconds since the epoch.
    """

    def __init__(
        self,
        function: str,
        client: Any,
        stream_arn: str,
        invoke: Invoke,
        mapping: SourceMapping,
        checkpoints: Checkpoints | None = None,
        *,
        on_failure: Destination = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._function = function
        self._stream = Stream(client, stream_arn)
        self._invoke = invoke
        self._mapping = mapping
        self._checkpoints = checkpoints or Checkpoints()
        self._on_failure = on_failure
        self._clock = clock
        self._shards: dict[str, Shard] = {}
        self._ended: set[str] = set()
        self._look_for_shards = True
        self._at_latest = mapping.starting_position == "LATEST"
        self._pool: ThreadPoolExecutor | None = None
        self._running: dict[Future[None], DeliveryQueue] = {}

    def run(self) -> None:
        """Polls for ever. Errors are logged, and polling goes on after a pause."""
        busy, idle = _POLL_SECONDS
        while True:
            try:
                time.sleep(busy if self.step() else idle)
            except Exception:
                logger.exception("%s: the stream could not be read", self._function)
                self._look_for_shards = True
                time.sleep(_AFTER_ERROR_SECONDS)

    def drain(self) -> None:
        """Polls until every record that the stream has is processed or discarded."""
        while self.step():
            ready = [at for at in (shard.ready for shard in self._shards.values()) if at]
            if not self._running and ready:
                time.sleep(max(0.0, min(ready) - self._clock()))

    def close(self) -> None:
        """Waits for the running invocations, and leaves what they leave undelivered."""
        if self._pool is not None:
            self._pool.shutdown()

    def step(self) -> bool:
        """Reads and delivers what is next in each shard; whether there was or is anything."""
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
        """Starts every attempt that is due, and waits a moment for any of them to end."""
        now, busy = self._clock(), set(self._running.values())
        free = [queue for shard in shards for queue in shard.queues if queue not in busy]
        due = [queue for queue in free if queue.due is not None and queue.due <= now]
        if not busy and len(self._shards) * self._mapping.parallelization == 1:
            for queue in due:
                queue.attempt(now)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=self._function)
        self._running |= {self._pool.submit(queue.attempt, now): queue for queue in due}
        for done in wait(self._running, _POLL_SECONDS[0], FIRST_COMPLETED).done:
            del self._running[done]
            done.result()

    def _find_shards(self) -> None:
        """Begins with the shards whose parents have ended; at LATEST, with all that there are."""
        described = list(self._stream.shards())
        names = {shard["ShardId"] for shard in described}
        for shard in described:
            name, parent = shard["ShardId"], shard.get("ParentShardId")
            known = name in self._shards or name in self._ended
            if not known and (parent not in names or parent in self._ended or self._at_latest):
                self._shards[name] = self._begin(name)
        self._look_for_shards = self._at_latest = False

    def _begin(self, shard: str) -> Shard:
        start = "LATEST" if self._at_latest else "TRIM_HORIZON"
        queues = [
            DeliveryQueue(
                self._mapping, self._invoke, self._on_failure, function=self._function, shard=shard
            )
            for _ in range(self._mapping.parallelization)
        ]
        return Shard(
            shard, start, self._stream, self._function, self._checkpoints, self._mapping, queues
        )
