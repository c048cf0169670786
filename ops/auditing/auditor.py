"""The auditor: plans the tasks of an audit, and runs them in processes."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from chalicelib import __version__
from chalicelib.events.table import EventItem
from chalicelib.settings import settings
from ops.auditing.findings import Report
from ops.auditing.parts import Parts
from ops.auditing.plan import EVENTS, Plan
from ops.auditing.running import Run
from ops.auditing.saved import Saved
from ops.auditing.scratch import Scratch
from ops.auditing.streams import Head
from ops.bars import Bars, silent
from ops.verifying.raw import name_of
from ops.verifying.read_models import READ_MODELS
from ops.verifying.scanning import items_of, segments_for
from ops.workers import processes_for, workers
from ops.workplace import workplace

PART_EVENTS = 250_000
"""Events of a partition, whose records are merged together."""

MOST_PARTS = 256
"""The most partitions: the file of each stays open to the end."""


@dataclass
class Auditor:
    """Audits this environment's tables. Writes nothing to them.

    - `processes` is their number; None: one for each core, fewer for small tables.
    - `segments` is the number of parts of each scan; None: by the size of the table.
    - `rate` limits the items a second of all processes together; 0: no limit.
    - `patience` is for how many seconds items that differ are read again.
    - `rows`: False audits the events only.
    - `folder` keeps the progress: an audit that was killed continues if it has the same one.
    - `method` is how processes are started (see `workers`).
    """

    segments: int | None = None
    rate: int = 0
    patience: float = 15.0
    rows: bool = True
    bars: Bars = silent
    sleep: Callable[[float], None] = time.sleep
    report: Report = field(default_factory=Report)
    processes: int | None = 1
    folder: Path | None = None
    method: str = "spawn"
    _parts: Parts = field(default_factory=Parts)

    def run(self) -> Report:
        """The findings."""
        with self.begun() as scratch:
            return self.audit(scratch)

    @contextmanager
    def begun(self) -> Iterator[Scratch]:
        """Yields a scratch file in the audit's folder, for the heads of earlier checkpoints."""
        with workplace(self.folder) as folder, ExitStack() as files:
            path = folder / "audit.sqlite"
            path.unlink(missing_ok=True)
            scratch = files.enter_context(closing(Scratch(path)))
            files.enter_context(closing(self._parts))
            yield scratch

    def heads(self, ledger: str) -> Iterator[Head]:
        """The head of every stream of a ledger after the audit, in the order of their names."""
        return self._parts.heads(ledger)

    def audit(self, scratch: Scratch) -> Report:
        """The findings, with a scratch file that has the heads of earlier checkpoints.

        Raises WorkerLost.
        """
        began = time.monotonic()
        scratch.commit()
        items = {label: items_of(table) for label, table in self._tables().items()}
        processes = self.processes or processes_for(items[EVENTS])
        with workers(processes, self.method) as crew:
            saved = Saved(scratch.folder, crew)
            plan = self._plan(saved, items, scratch, processes)
            run = Run(
                plan,
                saved,
                scratch,
                self._parts,
                self.report,
                self.bars,
                self.patience,
                is_alone=processes == 1,
            )
            run.run()
        self.report.found.sort()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _tables(self) -> dict[str, str]:
        rows = {name: name_of(model.table) for name, model in READ_MODELS.items()}
        return {EVENTS: name_of(EventItem), **(rows if self.rows else {})}

    def _plan(self, saved: Saved, items: dict[str, int], scratch: Scratch, processes: int) -> Plan:
        segments = {
            label: self.segments or segments_for(items[label], processes) for label in items
        }
        parts = max(processes, min(MOST_PARTS, ceil(items[EVENTS] / PART_EVENTS)))
        about = {
            "version": __version__,
            "endpoint": settings().endpoint,
            "region": settings().region,
            "tables": self._tables(),
            "earlier": scratch.origins,
        }
        kept = saved.begin(about, {"segments": segments, "partitions": parts})
        if saved.resumed_from:
            self.report.notes.append(f"continued the audit that began at {saved.resumed_from}")
        return Plan(
            folder=saved.folder,
            partitions=kept["partitions"],
            segments=kept["segments"],
            rate=self.rate / processes,
            rows=self.rows,
            proven=bool(scratch.origins),
            sleep=self.sleep,
        )
