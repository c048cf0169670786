"""Scanning: every item of a table handed to some work, in parallel segments, at a limited rate."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tqdm import tqdm

from chalicelib.events.parking import is_transient
from ops.rebuilding.progress import DONE, Place, Progress
from ops.rebuilding.raw import Item, client

PAGE = 100
ATTEMPTS = 8

Work = Callable[[Sequence[Item]], None]


@dataclass
class Rate:
    """So many items a second and no more, over all threads. None is as fast as it goes."""

    per_second: float | None
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, count: int) -> None:
        """Returns when it is these items' turn."""
        if self.per_second is None:
            return
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + count / self.per_second
        time.sleep(max(0.0, turn - time.monotonic()))

    @property
    def page(self) -> int:
        """How many items are read at once: half a second's at most."""
        return PAGE if self.per_second is None else max(1, min(PAGE, int(self.per_second / 2)))


@dataclass(frozen=True)
class Scan:
    """How tables are scanned: where that is kept, how fast, and whether a bar shows it."""

    progress: Progress
    rate: Rate
    quiet: bool = False

    def run(self, label: str, table: str, work: Work) -> None:
        """Hands every page of a table to `work`, as far as that was not done before.

        Reads are strongly consistent: all that was written before the scan began is met. A page
        counts as done when its work has returned. Raises what the work raises, once what AWS had no
        time for was tried again for a while.
        """
        count = client().describe_table(TableName=table)["Table"]["ItemCount"]
        segments = self.progress.segments
        with (
            tqdm(
                desc=label, total=count or None, unit="", unit_scale=True, disable=self.quiet
            ) as bar,
            ThreadPoolExecutor(segments) as threads,
        ):
            stop = threading.Event()
            running = [
                threads.submit(self._segment, f"{label} {segment}", table, segment, work, bar, stop)
                for segment in range(segments)
            ]
            try:
                for each in running:
                    each.result()
            finally:
                stop.set()

    def _segment(
        self, name: str, table: str, segment: int, work: Work, bar: Any, stop: threading.Event
    ) -> None:
        place = self.progress.at(name)
        try:
            while place != DONE and not stop.is_set():
                found = patiently(partial(self._page, table, segment, place))
                self.rate.take(len(found["Items"]))
                patiently(partial(work, found["Items"]))
                place = found.get("LastEvaluatedKey", DONE)
                self.progress.reached(name, place)
                bar.update(len(found["Items"]))
        except BaseException:
            stop.set()
            raise

    def _page(self, table: str, segment: int, place: Place) -> Any:
        return client().scan(
            TableName=table,
            Segment=segment,
            TotalSegments=self.progress.segments,
            Limit=self.rate.page,
            ConsistentRead=True,
            **({"ExclusiveStartKey": place} if place else {}),
        )


def patiently(work: Callable[[], Any]) -> Any:
    """What `work` gives, asked again while AWS only has no time for it."""
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except Exception as error:
            if not is_transient(error) or attempt == ATTEMPTS - 1:
                raise
        time.sleep(random.uniform(0, 0.05 * 2**attempt))
    raise AssertionError
