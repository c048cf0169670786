"""Scanning: every item of a table, in parallel segments, at a limited rate."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from chalicelib.backoff import Backoff
from chalicelib.events.dead_letters import is_transient
from chalicelib.tables import in_parallel
from ops.bars import Bars, silent
from ops.verifying.raw import Item, client

PAGE = 1000
"""The most items of a request."""

ATTEMPTS = 8
_BACKOFF = Backoff(base=0.05, cap=6.4)

_Result = TypeVar("_Result")

Key = dict[str, Any]
"""A start key of a scan (ExclusiveStartKey)."""


@dataclass
class RateLimiter:
    """Limits the items per second, over all threads. None is no limit."""

    per_second: float | None = None
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, count: int) -> None:
        """Waits until the rate allows these items."""
        if not self.per_second:
            return
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + count / self.per_second
        time.sleep(max(0.0, turn - time.monotonic()))

    def page(self, most: int) -> int:
        """The number of items of a request: those of half a second, and at most `most`."""
        return max(1, min(most, int(self.per_second / 2))) if self.per_second else most


@dataclass(frozen=True)
class Page:
    """Items, and the start key of the next page; None at the end."""

    items: list[Item]
    after: Key | None


Pages = Callable[[Key | None], Iterator[Page]]
"""Returns the pages of one segment after a key, or all."""


@dataclass(frozen=True)
class Scanner:
    """Scans tables in `segments` parallel segments, with at most `page` items per request."""

    segments: int = 4
    limiter: RateLimiter = field(default_factory=RateLimiter)
    bars: Bars = silent
    page: int | None = None

    def run(
        self,
        label: str,
        table: str,
        work: Callable[[int, Pages], None],
        *,
        consistent: bool = True,
        total: int | None = None,
    ) -> None:
        """Calls `work` for every segment, with its number and its pages.

        The items of a partition are consecutive and in order. Transient errors are retried. Raises
        what the work raises, which stops all segments.
        """
        stop, lock = threading.Event(), threading.Lock()
        tick = self.bars(label, total)

        def pages(segment: int, after: Key | None) -> Iterator[Page]:
            while not stop.is_set():
                page = retried(partial(self._page, table, segment, after, consistent=consistent))
                self.limiter.take(len(page.items))
                with lock:
                    tick(len(page.items))
                yield page
                after = page.after
                if after is None:
                    return

        def run_segment(segment: int) -> None:
            try:
                work(segment, partial(pages, segment))
            except BaseException:
                stop.set()
                raise

        try:
            in_parallel(run_segment, range(self.segments))
        finally:
            stop.set()

    def _page(self, table: str, segment: int, after: Key | None, *, consistent: bool) -> Page:
        found = client().scan(
            TableName=table,
            Segment=segment,
            TotalSegments=self.segments,
            Limit=self.limiter.page(self.page or PAGE),
            ConsistentRead=consistent,
            **({"ExclusiveStartKey": after} if after else {}),
        )
        return Page(found["Items"], found.get("LastEvaluatedKey"))


def retried(work: Callable[[], _Result]) -> _Result:
    """The result of `work`, which is retried after transient errors."""
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except Exception as error:
            if not is_transient(error) or attempt == ATTEMPTS - 1:
                raise
        time.sleep(_BACKOFF.delay(attempt))
    raise AssertionError
