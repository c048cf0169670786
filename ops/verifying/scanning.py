"""Scanning: every item of a table, in parallel segments, at a limited rate."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any, TypeVar

from chalicelib.backoff import Backoff
from chalicelib.events.dead_letters import is_transient
from chalicelib.tables import in_parallel
from ops.bars import Bars, silent
from ops.verifying.raw import Item, client

PAGE = 1000
"""The most items of a request."""

SEGMENT_ITEMS = 50_000
"""Items of a segment, which a killed process of an audit repeats: about 15 seconds of work."""

MOST_SEGMENTS = 4_096
"""The most segments of a scan: each has a few files. DynamoDB allows a million."""

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
    """Scans tables in `segments` parallel segments."""

    segments: int = 4
    limiter: RateLimiter = field(default_factory=RateLimiter)
    bars: Bars = silent

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
            each = Segment(table, segment, self.segments, consistent, PAGE)
            for page in each.pages(self.limiter, after):
                with lock:
                    tick(len(page.items))
                yield page
                if stop.is_set():
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


@dataclass(frozen=True)
class Segment:
    """One of the `segments` of a scan of a table, with at most `page` items per request."""

    table: str
    number: int
    segments: int
    consistent: bool = True
    page: int = PAGE

    def pages(self, limiter: RateLimiter, after: Key | None = None) -> Iterator[Page]:
        """The pages after a key, or all. The next one is read while one is used."""
        with ThreadPoolExecutor(1) as reader:

            def begun(after: Key | None) -> Future[Page]:
                read = partial(retried, partial(self._read, limiter, after))
                return reader.submit(copy_context().run, read)

            ahead = begun(after)
            while True:
                page = ahead.result()
                limiter.take(len(page.items))
                if page.after is not None:
                    ahead = begun(page.after)
                yield page
                if page.after is None:
                    return

    def _read(self, limiter: RateLimiter, after: Key | None) -> Page:
        found = client().scan(
            TableName=self.table,
            Segment=self.number,
            TotalSegments=self.segments,
            Limit=limiter.page(self.page),
            ConsistentRead=self.consistent,
            **({"ExclusiveStartKey": after} if after else {}),
        )
        return Page(found["Items"], found.get("LastEvaluatedKey"))


def segments_for(items: int, processes: int) -> int:
    """The number of segments of a table, which processes share."""
    least = 4 * processes if processes > 1 else 1
    return max(least, min(MOST_SEGMENTS, ceil(items / SEGMENT_ITEMS)))


def items_of(table: str) -> int:
    """About how many items a table has: DynamoDB counts them every six hours."""
    return int(client().describe_table(TableName=table)["Table"]["ItemCount"])


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
