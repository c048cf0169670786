"""The plan of an audit: the settings of all its tasks, which may run in other processes."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ops.bars import Tick
from ops.verifying import scanning
from ops.verifying.scanning import RateLimiter, Segment

EVENTS, ROWS, PARTS, SUSPECTS = "events", "rows", "parts", "suspects"
"""The stages of an audit."""

Seen = TypeVar("Seen")


def no_tick(_: int) -> None:
    """Reports nothing."""


@dataclass(frozen=True)
class Plan:
    """The folder of an audit, and the settings of its tasks.

    `partitions` is their number. `segments` is the number of segments of each scan, by its label.
    `rate` is in items a second of one process; 0: no limit. `rows` says whether read models are
    audited. `proven` says that there are earlier checkpoints, in the file `earlier`. `sleep` and,
    for worker processes, `tick` must be picklable.
    """

    folder: Path
    partitions: int
    segments: Mapping[str, int]
    rate: float = 0
    rows: bool = True
    proven: bool = False
    sleep: Callable[[float], None] = time.sleep
    tick: Tick = no_tick

    @property
    def earlier(self) -> Path:
        """The scratch file with the heads of earlier checkpoints, and with damaged streams."""
        return self.folder / "audit.sqlite"

    @property
    def proven_spill(self) -> Path:
        """The heads of earlier checkpoints, in partitions."""
        return self.folder / "proven.spill"

    def spill(self, stage: str, number: int) -> Path:
        """The spilled records of a segment."""
        return self.folder / "done" / f"{stage}-{number}.spill"

    def part(self, number: int) -> Path:
        """The scratch file of a partition."""
        return self.folder / "done" / f"part-{number}.sqlite"

    def segment(self, label: str, table: str, number: int, *, consistent: bool = True) -> Segment:
        """A segment of a scan."""
        return Segment(table, number, self.segments[label], consistent, scanning.PAGE)

    @property
    def limiter(self) -> RateLimiter:
        """A new limiter of this process's rate."""
        return RateLimiter(self.rate or None)


def until_sound(
    sleep: Callable[[float], None],
    waits: Iterable[float],
    look: Callable[[], Seen],
    wrong: Callable[[Seen], object],
) -> Seen:
    """The result of the first `look` that is not `wrong`, or of the last one.

    `waits` are the seconds to wait after each `look` that is.
    """
    for wait in waits:
        seen = look()
        if not wrong(seen):
            break
        sleep(wait)
    return seen
