"""Running: the stages of an audit, one after the other."""

from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from ops.auditing import sums
from ops.auditing.findings import Report
from ops.auditing.folding import DAMAGED, PROVEN, FoldedSegment, fold_segment
from ops.auditing.marking import MarkedSegment, mark_segment
from ops.auditing.merging import MergedPart, Net, look_at_part, merge_part, unbalanced
from ops.auditing.parts import Parts
from ops.auditing.patience import look_patiently
from ops.auditing.plan import EVENTS, PARTS, ROWS, Plan, no_tick, until_sound
from ops.auditing.saved import Saved
from ops.auditing.scratch import Scratch
from ops.auditing.settling import WAITS
from ops.auditing.spill import Spill, blocks
from ops.auditing.stripes import Striped
from ops.bars import Bars, Tick


@dataclass
class Run:
    """An audit under way.

    1. Each segment of the event table is folded (`folding`), each of a read table marked
       (`marking`). What must meet other segments is spilled to files, in partitions (`spill`).
    2. Each partition is merged (`merging`): transactions with accounts, rows with events.
    3. What is left is compared here: stripes, sums, and rows that may have been read too early.

    `scratch` has the heads of earlier checkpoints. With `is_alone`, this process does all tasks.
    """

    plan: Plan
    saved: Saved
    scratch: Scratch
    parts: Parts
    report: Report
    bars: Bars
    patience: float
    is_alone: bool
    _sums: sums.Folded = field(default_factory=sums.Folded)
    _striped: Striped = field(default_factory=Striped)
    _suspected: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Audits; the findings are added to the report."""
        self._spill_proven()
        self._fold()
        if self.plan.rows:
            self._mark()
        self._merge()
        for account in self._striped.differing():
            look = partial(self._striped.look, account)
            self.report.add(until_sound(self.plan.sleep, WAITS, look, bool))
        if self.plan.rows:
            moving = self._sums.differing(self.parts)
            patience, sleep = self.patience, self.plan.sleep
            look_patiently(self.report, patience, sleep, self._look, self.parts, moving)

    def _spill_proven(self) -> None:
        """The heads of earlier checkpoints, each to the partition of its stream."""
        if not self.plan.proven:
            return
        with closing(Spill(self.plan.proven_spill, self.plan.partitions)) as spill:
            for line in self.scratch.all_proven():
                spill.add(line[0], PROVEN, line)

    def _fold(self) -> None:
        plan, tick = self._ticking("events")
        numbers = range(plan.segments[EVENTS])
        work = partial(fold_segment, plan)
        for folded in self.saved.results(EVENTS, work, numbers, FoldedSegment):
            tick(folded.items)
            self.report.take(folded.found, folded.wrong)
            self._sums.absorb(folded.sums)
            self._striped.absorb(folded.striped)
        for number in numbers:
            for records in blocks(plan.spill(EVENTS, number), plan.partitions):
                self.scratch.add_damaged(name for kind, name in records if kind == DAMAGED)
        self.scratch.commit()

    def _mark(self) -> None:
        plan, tick = self._ticking("rows")
        tasks = [
            (name, number)
            for name in plan.segments.keys() - {EVENTS}
            for number in range(plan.segments[name])
        ]
        work = partial(mark_segment, plan)
        for marked in self.saved.results(ROWS, work, sorted(tasks), MarkedSegment):
            tick(marked.items)
            self.parts.add_sums(marked.sums)

    def _merge(self) -> None:
        net, tick = Net(), self.bars("partitions", self.plan.partitions)
        numbers = range(self.plan.partitions)
        work = partial(merge_part, self.plan)
        for merged in self.saved.results(PARTS, work, numbers, MergedPart):
            tick(1)
            self.report.take(merged.found, merged.wrong)
            self.report.count_ledgers(merged.ledgers)
            for ledger, asset, amount in merged.net:
                net[ledger, asset] += amount
            if merged.suspects:
                self._suspected.append(merged.number)
        self.report.add(unbalanced(net))
        self.parts.open(map(self.plan.part, numbers))

    def _look(self) -> Report:
        """The findings of suspected rows as they are now."""
        again, left = Report(), []
        work = partial(look_at_part, self.plan)
        for looked in self.saved.workers.run(work, self._suspected):
            again.take(looked.found, looked.wrong)
            if looked.wrong:
                left.append(looked.number)
        self._suspected = left
        return again

    def _ticking(self, part: str) -> tuple[Plan, Tick]:
        """The plan for the tasks of a part of the work, and what reports each finished task."""
        tick = self.bars(part, None)
        return (replace(self.plan, tick=tick), no_tick) if self.is_alone else (self.plan, tick)
