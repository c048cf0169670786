"""One shard of a stream: it is read in order, and its records go to delivery queues."""

import json
import logging
import zlib
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from simulator.checkpoints import Checkpoints
from simulator.delivery import DeliveryQueue, Record, payload, sequence
from simulator.filters import matches_any
from simulator.mapping import MAX_PAYLOAD, SourceMapping
from simulator.stream import Stream, Trimmed

logger = logging.getLogger(__name__)


class Shard:
    """Reads a shard, gathers batches, and advances the checkpoint of its function.

    `start` is where it begins without a checkpoint: TRIM_HORIZON or LATEST.
    """

    def __init__(
        self,
        name: str,
        start: str,
        stream: Stream,
        function: str,
        checkpoints: Checkpoints,
        mapping: SourceMapping,
        queues: Sequence[DeliveryQueue],
    ) -> None:
        self.name = name
        self.queues = queues
        self.ended = False
        self._start = start
        self._stream = stream
        self._function = function
        self._checkpoints = checkpoints
        self._mapping = mapping
        self._capacity = mapping.batch_size * len(queues)
        self._iterator: str | None = None
        self._last_read: str | None = None
        self._window_began: float | None = None
        self._unprocessed: list[Record] = []  # All records after the checkpoint that were read.
        self._gathered: list[Record] = []  # Those of them that match and are in no queue yet.

    @property
    def idle(self) -> bool:
        """Whether every record that was read is processed."""
        return not self._unprocessed

    @property
    def ready(self) -> float | None:
        """When something is to be done with the records that were read; None if there are none."""
        if self._window_began is not None:
            return self._window_began + self._mapping.batching_window
        return min((queue.due for queue in self.queues if queue.due is not None), default=None)

    def gather(self, now: float) -> bool:
        """Reads on if the queues are empty, and fills them; whether it read any records.

        The queues are filled once there are enough records or bytes for full batches, the batching
        window is over, or the shard has ended. Records that match no filter are skipped.
        """
        if any(queue.due is not None for queue in self.queues):
            return False
        records = self._read()
        self._unprocessed += records
        self._gathered += [each for each in records if matches_any(each, self._mapping.filters)]
        if not self._gathered:
            return bool(records)
        if self._window_began is None:
            self._window_began = now
        window_over = now - self._window_began >= self._mapping.batching_window
        if self.ended or window_over or self._is_full():
            self._fill_queues()
        return bool(records)

    def advance(self) -> None:
        """Moves the checkpoint before the first record that is still to be processed."""
        pending = {sequence(record) for queue in self.queues for record in queue.pending}
        pending |= {sequence(record) for record in self._gathered}
        processed = next(
            (at for at, record in enumerate(self._unprocessed) if sequence(record) in pending),
            len(self._unprocessed),
        )
        if processed:
            self._checkpoints.set(self._function, self.name, self._unprocessed[processed - 1])
            del self._unprocessed[:processed]

    def _read(self) -> list[Record]:
        if self.ended:
            return []
        try:
            if self._iterator is None:
                self._iterator = self._locate()
            limit = self._capacity - len(self._gathered)
            records, following = self._stream.read(self._iterator, limit)
        except (BotoCoreError, ClientError):
            # An iterator expires after some minutes; the next attempt gets another one.
            logger.exception("%s could not be read; trying again", self.name)
            self._iterator = None
            return []
        self._iterator, self.ended = following, following is None
        if records:
            self._last_read = sequence(records[-1])
        return records

    def _locate(self) -> str:
        """An iterator after what was read before, by this process or by an earlier one."""
        after = self._last_read or self._checkpoints.get(self._function, self.name)
        try:
            return self._stream.iterator(self.name, self._start, after)
        except Trimmed:
            logger.warning("%s: records were trimmed before they were read", self._function)
            self._checkpoints.trimmed(self._function, self.name)
            return self._stream.iterator(self.name, "TRIM_HORIZON", None)

    def _is_full(self) -> bool:
        return (
            len(self._gathered) >= self._capacity
            or sum(payload(record) for record in self._gathered) >= MAX_PAYLOAD
        )

    def _fill_queues(self) -> None:
        shares: list[list[Record]] = [[] for _ in self.queues]
        for record in self._gathered:
            shares[index_of(record, len(shares))].append(record)
        for queue, share in zip(self.queues, shares, strict=True):
            queue.put(share)
        self._gathered, self._window_began = [], None


def index_of(record: Record, queues: int) -> int:
    """The index of the queue for a record's item: order is kept per item.

    In-order processing is "at the item (partition and sort key) level". (AWS Lambda Developer
    Guide, with-ddb, on ParallelizationFactor.)
    """
    if queues == 1:
        return 0
    keys = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
    return zlib.crc32(keys.encode()) % queues
