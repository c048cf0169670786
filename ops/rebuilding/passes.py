"""Passes over tables by several processes, each continued where an interrupted rebuild stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ops.bars import Bars, Tick
from ops.rebuilding.progress import DONE, Part, Progress, part_file
from ops.verifying.raw import Item
from ops.verifying.scanning import RateLimiter, Segment, items_of, retried, segments_for
from ops.workers import Workers

PAGE = 100
"""The most items of a page, after which progress is saved."""

Work = Callable[[Part, Sequence[Item]], None]
"""Does a page of a part. Picklable, since other processes do it."""


@dataclass(frozen=True)
class Passes:
    """Passes with saved progress. Each of the `processes` reads at most `rate` items a second.

    A table is scanned in `segments`; None: by its size.
    """

    workers: Workers
    progress: Progress
    bars: Bars
    processes: int = 1
    segments: int | None = None
    rate: float | None = None

    def run(self, label: str, table: str, work: Work) -> None:
        """Calls `work` with every page that is not yet done, and retries transient errors.

        Raises what the work raises, and WorkerLost.
        """
        items = items_of(table)
        tick = self.bars(label, items)
        count = self.progress.segments(label, self.segments or segments_for(items, self.processes))
        segments = [Segment(table, number, count, page=PAGE) for number in range(count)]
        inline = tick if self.workers.pool is None else None
        do = partial(_do, self.progress.folder, label, work, self.rate, inline)
        for done in self.workers.run(do, segments):
            tick(done)


def _do(
    folder: Path, label: str, work: Work, rate: float | None, tick: Tick | None, segment: Segment
) -> int:
    """Does the rest of a segment; the number of its items, or 0 if `tick` was called with them."""
    part, count = Part(part_file(folder, f"{label} {segment.number}")), 0
    if isinstance(part.position, str):
        return 0  # It is DONE.
    for page in segment.pages(RateLimiter(rate), part.position):
        retried(partial(work, part, page.items))
        part.reached(page.after or DONE)
        if tick:
            tick(len(page.items))
        else:
            count += len(page.items)
    return count
