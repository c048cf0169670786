"""The stream pump: a simulator of Lambda's event source mapping for DynamoDB streams.

No emulator has a faithful one. A pump reads a stream through a client of the streams API and
invokes a function, any callable, with batches as Lambda sends them:

- shards are read at the same time, each in its order, a child only after the end of its parent;
- a shard has one invocation at a time, or as many as the mapping's parallelization factor says;
  then records of the same item keep to one lane, and so their order;
- records are gathered until a batch is full or weighs 6 MB, or until the batching window ends, and
  the filters are asked first;
- what fails is delivered again, as `simulator.delivery` tells;
- how far a shard has come is remembered outside: a pump begun anew may repeat, and never skips.

(AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", with-ddb, and its subpages;
"DynamoDB Streams and shards", Amazon DynamoDB Developer Guide.)

Lanes of a shard wait for each other before more is read for them. Tumbling windows are left out.
"""

import base64
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import ClientError

from simulator.delivery import Destination, Invoke, Lane, Record, discarded
from simulator.mapping import SourceMapping
from simulator.shard import Shard

logger = logging.getLogger(__name__)

_PAGE = 1000
"""Records of one GetRecords at most."""

_POLL_SECONDS = (0.05, 0.2)
"""Between reads of a busy and of an idle stream; Lambda's own is 0.25."""
_AFTER_FAULT_SECONDS = 5.0


class Positions(Protocol):
    """Where a pump remembers how far it has come, as `Checkpoints` and `Forgetful` do."""

    def get(self, reader: str, shard: str) -> str | None:
        """The last sequence number that was taken, or None."""

    def set(self, reader: str, shard: str, record: Mapping[str, Any]) -> None:
        """Everything up to this record was taken."""

    def lost(self, reader: str, shard: str) -> None:
        """The stream was trimmed beyond the position."""


class Forgetful:
    """Positions that end with the process: a pump begun anew starts where its mapping says."""

    def get(self, reader: str, shard: str) -> str | None:
        """Nothing is remembered."""

    def set(self, reader: str, shard: str, record: Mapping[str, Any]) -> None:
        """Nothing is remembered."""

    def lost(self, reader: str, shard: str) -> None:
        """Nothing is remembered."""


class Pump:
    """One function's event source mapping, from one stream.

    `name` is the function's, to the positions and in what the destination is told.
    """

    def __init__(
        self,
        name: str,
        streams: Any,
        stream_arn: str,
        invoke: Invoke,
        positions: Positions,
        mapping: SourceMapping,
        *,
        on_failure: Destination = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._streams = streams
        self._arn = stream_arn
        self._invoke = invoke
        self._positions = positions
        self._mapping = mapping
        self._on_failure = on_failure
        self._clock = clock
        self._shards: dict[str, Shard] = {}
        self._ended: set[str] = set()
        self._look = True
        self._begun = False
        self._pool: ThreadPoolExecutor | None = None
        self._running: dict[Future[None], Lane] = {}

    def run(self) -> None:
        """Pumps for ever."""
        busy, idle = _POLL_SECONDS
        while True:
            try:
                time.sleep(busy if self.step() else idle)
            except Exception:
                logger.exception("%s: the stream could not be read", self._name)
                self._look = True
                time.sleep(_AFTER_FAULT_SECONDS)

    def drain(self) -> None:
        """Pumps until the stream has nothing more and all of it has been delivered."""
        while self.step():
            ready = [at for at in (shard.ready for shard in self._shards.values()) if at]
            if not self._running and ready:
                time.sleep(max(0.0, min(ready) - self._clock()))

    def close(self) -> None:
        """Waits for the invocations that are running. What they leave is left."""
        if self._pool is not None:
            self._pool.shutdown()

    def step(self) -> bool:
        """Reads and delivers what is next in every shard; whether there was or is anything."""
        if self._look or not self._shards:
            self._find_shards()
        shards = list(self._shards.values())
        active = [shard.gather(self._clock()) or not shard.idle for shard in shards]
        self._deliver(shards)
        for shard in shards:
            shard.settle()
            if shard.ended and shard.idle:
                del self._shards[shard.name]
                self._ended.add(shard.name)
                self._look = True  # A shard that ends has children.
        return any(active) or self._look

    def _deliver(self, shards: list[Shard]) -> None:
        """Has every lane try what is due, and waits a moment for any of them to be done with it."""
        now, busy = self._clock(), set(self._running.values())
        free = [lane for shard in shards for lane in shard.lanes if lane not in busy]
        due = [lane for lane in free if lane.due is not None and lane.due <= now]
        if not busy and len(self._shards) * self._mapping.parallelization == 1:
            for lane in due:
                lane.attempt(now)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(32, thread_name_prefix=self._name)
        self._running |= {self._pool.submit(lane.attempt, now): lane for lane in due}
        for done in wait(self._running, _POLL_SECONDS[0], FIRST_COMPLETED).done:
            del self._running[done]
            done.result()

    def _find_shards(self) -> None:
        described = list(self._describe())
        names = {shard["ShardId"] for shard in described}
        for shard in described:
            name, parent = shard["ShardId"], shard.get("ParentShardId")
            known = name in self._shards or name in self._ended
            if not known and (parent not in names or parent in self._ended or self._from_now):
                self._shards[name] = Shard(
                    name,
                    partial(self._iterator, name, self._start),
                    self._read,
                    partial(self._positions.set, self._name, name),
                    self._mapping,
                    [self._lane(name) for _ in range(self._mapping.parallelization)],
                )
        self._look, self._begun = False, True

    @property
    def _from_now(self) -> bool:
        """Whether a shard that is found now is of before the beginning, which is the latest."""
        return self._mapping.starting_position == "LATEST" and not self._begun

    @property
    def _start(self) -> str:
        return "LATEST" if self._from_now else "TRIM_HORIZON"

    def _lane(self, shard: str) -> Lane:
        def discard(*what: Any, **how: Any) -> None:
            document = discarded(*what, **how, function=self._name, shard=shard)
            logger.error("%s: discarded %s", self._name, document)
            self._on_failure(document)

        return Lane(self._mapping, self._invoke, discard)

    def _describe(self) -> Iterator[Mapping[str, Any]]:
        start: dict[str, str] = {}
        while True:
            found = self._streams.describe_stream(StreamArn=self._arn, **start)["StreamDescription"]
            yield from found["Shards"]
            if "LastEvaluatedShardId" not in found:
                return
            start = {"ExclusiveStartShardId": found["LastEvaluatedShardId"]}

    def _iterator(self, shard: str, start: str, read: str | None) -> str:
        """An iterator behind what was read of a shard, or taken of it before."""
        taken = read or self._positions.get(self._name, shard)
        ask = partial(self._streams.get_shard_iterator, StreamArn=self._arn, ShardId=shard)
        if taken is not None:
            try:
                found = ask(ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=taken)
                return str(found["ShardIterator"])
            except ClientError as error:
                if error.response["Error"]["Code"] != "TrimmedDataAccessException":
                    raise
                logger.warning("%s: was away longer than the stream keeps records", self._name)
                self._positions.lost(self._name, shard)
                start = "TRIM_HORIZON"
        return str(ask(ShardIteratorType=start)["ShardIterator"])

    def _read(self, iterator: str, limit: int) -> tuple[list[Record], str | None]:
        page = self._streams.get_records(ShardIterator=iterator, Limit=min(limit, _PAGE))
        records: list[Record] = [_as_lambda_sends_it(one, self._arn) for one in page["Records"]]
        return records, page.get("NextShardIterator")


def _as_lambda_sends_it(record: Record, arn: str) -> dict[str, Any]:
    """A record of the streams API as Lambda's event has it: JSON, so bytes are base64 text."""
    created = record["dynamodb"]["ApproximateCreationDateTime"]
    change = {**record["dynamodb"], "ApproximateCreationDateTime": created.timestamp()}
    return {**record, "dynamodb": _without_bytes(change), "eventSourceARN": arn}


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: _without_bytes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_bytes(item) for item in value]
    return value
