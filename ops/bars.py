"""Progress bars, on standard error, where a person sees them."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Never

from tqdm import tqdm

Tick = Callable[[int], None]
"""Reports that this many more items are done."""

Bars = Callable[[str, int | None], Tick]
"""Reports the beginning of a part of the work, and its approximate number of items if known."""


def silent(_: str, __: int | None = None) -> Tick:
    """No progress bars."""
    return lambda _: None


@contextmanager
def progress_bars(unit: str = "items") -> Iterator[Bars]:
    """Progress bars, one for each part of the work; none without a terminal, or in CI."""
    bars: list[tqdm[Never]] = []
    is_seen = sys.stderr.isatty() and not os.environ.get("CI")

    def begin(part: str, total: int | None = None) -> Tick:
        bar: tqdm[Never] = tqdm(
            desc=part, total=total or None, unit=f" {unit}", unit_scale=True, disable=not is_seen
        )
        bars.append(bar)

        def tick(count: int) -> None:
            bar.update(count)

        return tick

    try:
        yield begin
    finally:
        for bar in bars:
            bar.close()
