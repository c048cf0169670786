"""Shard: one shard of a stream that is being read, and the lanes that take what was read of it."""

import json
import logging
import zlib
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from simulator.delivery import Lane, Record, payload, sequence
from simulator.filters import wanted
from simulator.mapping import MAX_PAYLOAD, SourceMapping

logger = logging.getLogger(__name__)


class Shard:
    """Reads a shard in its order, gathers batches, and remembers what was taken.

    `locate` gives an iterator behind a sequence number, or where the shard is to begin; `fetch`
    gives the records at an iterator and the next one, None at the end of the shard; `remember` is
    told the last record before which nothing is left.
    """

    def __init__(
        self,
        name: str,
        locate: Callable[[str | None], str],
        fetch: Callable[[str, int], tuple[list[Record], str | None]],
        remember: Callable[[Record], None],
        mapping: SourceMapping,
        lanes: Sequence[Lane],
    ) -> None:
        self.name = name
        self.lanes = lanes
        self.ended = False
        self._locate = locate
        self._fetch = fetch
        self._remember = remember
        self._mapping = mapping
        self._most = mapping.batch_size * len(lanes)
        self._iterator: str | None = None
        self._read_to: str | None = None
        self._open_since: float | None = None
        self._page: list[Record] = []  # All that was read and is not remembered yet.
        self._gathered: list[Record] = []  # What of it is wanted, and in no lane yet.

    @property
    def idle(self) -> bool:
        """Whether nothing of it is in hand."""
        return not self._page

    @property
    def ready(self) -> float | None:
        """When something in hand is to be done; None if nothing is in hand."""
        if self._open_since is not None:
            return self._open_since + self._mapping.batching_window
        return min((lane.due for lane in self.lanes if lane.due is not None), default=None)

    def gather(self, now: float) -> bool:
        """Reads on, unless the lanes have work, and gives them a full batch; whether it read any.

        A batch is full by its number or by its weight, when its time is up, and when there will be
        no more. What the filters refuse is passed by at once.
        """
        if any(lane.due is not None for lane in self.lanes):
            return False
        records = self._read_on()
        self._page += records
        self._gathered += [record for record in records if wanted(record, self._mapping.filters)]
        if not self._gathered:
            return bool(records)
        if self._open_since is None:
            self._open_since = now
        if self.ended or self._is_full(now):
            self._share_out()
        return bool(records)

    def settle(self) -> None:
        """Remembers how far everything was taken or given up."""
        left = {sequence(record) for lane in self.lanes for record in lane.left}
        left |= {sequence(record) for record in self._gathered}
        taken = next(
            (place for place, record in enumerate(self._page) if sequence(record) in left),
            len(self._page),
        )
        if taken:
            self._remember(self._page[taken - 1])
            del self._page[:taken]

    def _read_on(self) -> list[Record]:
        if self.ended:
            return []
        try:
            if self._iterator is None:
                self._iterator = self._locate(self._read_to)
            records, following = self._fetch(self._iterator, self._most - len(self._gathered))
        except (BotoCoreError, ClientError):
            # An iterator lives for some minutes only; another one is asked for.
            logger.exception("%s could not be read; trying again", self.name)
            self._iterator = None
            return []
        self._iterator, self.ended = following, following is None
        if records:
            self._read_to = sequence(records[-1])
        return records

    def _is_full(self, now: float) -> bool:
        assert self._open_since is not None
        return (
            now - self._open_since >= self._mapping.batching_window
            or len(self._gathered) >= self._most
            or sum(payload(record) for record in self._gathered) >= MAX_PAYLOAD
        )

    def _share_out(self) -> None:
        """Gives each lane what it is to take. The records of an item are always of one lane."""
        shares: list[list[Record]] = [[] for _ in self.lanes]
        for record in self._gathered:
            shares[lane_of(record, len(shares))].append(record)
        for lane, share in zip(self.lanes, shares, strict=True):
            lane.put(share)
        self._gathered, self._open_since = [], None


def lane_of(record: Record, lanes: int) -> int:
    """The lane of a record's item: in-order processing is "at the item (partition and sort key)
    level". (AWS Lambda Developer Guide, with-ddb, on ParallelizationFactor.)
    """
    if lanes == 1:
        return 0
    keys = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
    return zlib.crc32(keys.encode()) % lanes
