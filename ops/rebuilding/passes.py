"""Passes: every page of a table handed to some work, from where an interrupted rebuild came to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ops.rebuilding.progress import DONE, Progress
from ops.verifying.raw import Item, client
from ops.verifying.scanning import Pages, Scanner, retried

PAGE = 100
"""Items that are read at once, and done before the place behind them is kept."""

Work = Callable[[Sequence[Item]], None]


@dataclass(frozen=True)
class Passes:
    """How a rebuild goes over tables, and where it keeps how far it came."""

    scanner: Scanner
    progress: Progress

    def run(self, label: str, table: str, work: Work) -> None:
        """Hands every page of a table to `work`, as far as that was not done before.

        Reads are strongly consistent: all that was written before it began is met. A page counts as
        done when its work has returned. Raises what the work raises, once what AWS had no time for
        was tried again for a while.
        """

        def run_segment(segment: int, pages: Pages) -> None:
            name = f"{label} {segment}"
            place = self.progress.at(name)
            if isinstance(place, str):
                return  # It is DONE.
            for page in pages(place):
                retried(partial(work, page.items))
                self.progress.reached(name, page.after or DONE)

        count = client().describe_table(TableName=table)["Table"]["ItemCount"]
        self.scanner.run(label, table, run_segment, total=count)
