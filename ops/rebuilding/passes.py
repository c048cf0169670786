"""Passes over tables, which continue where an interrupted rebuild stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ops.rebuilding.progress import DONE, Progress
from ops.verifying.raw import Item, client
from ops.verifying.scanning import Pages, Scanner, retried

PAGE = 100
"""The most items of a page, after which progress is saved."""

Work = Callable[[Sequence[Item]], None]


@dataclass(frozen=True)
class Passes:
    """A scanner with saved progress."""

    scanner: Scanner
    progress: Progress

    def run(self, label: str, table: str, work: Work) -> None:
        """Calls `work` with every page that is not yet done, and retries transient errors."""

        def run_segment(segment: int, pages: Pages) -> None:
            name = f"{label} {segment}"
            position = self.progress.at(name)
            if isinstance(position, str):
                return  # It is DONE.
            for page in pages(position):
                retried(partial(work, page.items))
                self.progress.reached(name, page.after or DONE)

        count = client().describe_table(TableName=table)["Table"]["ItemCount"]
        self.scanner.run(label, table, run_segment, total=count)
