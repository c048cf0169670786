"""Folding: checks the streams of a segment of the event table, and spills what crosses streams."""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

import msgspec

from chalicelib.events.table import EventItem
from ops.auditing.assertions import Assertion
from ops.auditing.expectations import BROKEN, Lines, counted, lines_of, rows_of
from ops.auditing.findings import Finding, Report
from ops.auditing.heads import Heads, Proven, stream_line
from ops.auditing.plan import EVENTS, Plan, until_sound
from ops.auditing.scratch import assertion_lines
from ops.auditing.spill import Spill
from ops.auditing.streams import StreamCheck
from ops.auditing.stripes import Striped, StripedHead
from ops.auditing.sums import Folded, FoldedSum
from ops.checkpoints import proof
from ops.verifying.events import grouped
from ops.verifying.raw import Item, name_of, query
from ops.verifying.scanning import Page

FLUSH = 5000
"""The most assertions of one stream in memory; they are some MB."""

ASSERTIONS, STREAMS, EXPECTED, SEEN, DAMAGED, PROVEN = "a", "s", "r", "m", "d", "p"
"""The kinds of spilled records."""


class FoldedSegment(msgspec.Struct):
    """What was found in a segment, besides its spilled records."""

    items: int
    found: list[Finding]
    wrong: dict[str, int]
    sums: list[FoldedSum]
    striped: list[StripedHead]


def fold_segment(plan: Plan, number: int) -> FoldedSegment:
    """Audits the streams of a segment of the event table."""
    items = 0
    with spilled(plan, EVENTS, number) as spill, _earlier(plan) as earlier:
        segment = _Streams(plan, spill, earlier)

        def read() -> Iterator[Page]:
            nonlocal items
            for page in plan.segment(EVENTS, name_of(EventItem), number).pages(plan.limiter):
                plan.tick(len(page.items))
                items += len(page.items)
                yield page

        for name, events in grouped(read()):
            segment.take(name, events)
    report = segment.report
    sums, striped = segment.sums.lines(), segment.striped.lines()
    return FoldedSegment(items, report.found, dict(report.wrong), sums, striped)


@contextmanager
def spilled(plan: Plan, stage: str, number: int) -> Iterator[Spill]:
    """Yields a file for the records of a segment, which gets its name once it is complete."""
    path = plan.spill(stage, number)
    fresh = path.with_suffix(f".{os.getpid()}")
    with closing(Spill(fresh, plan.partitions)) as spill:
        yield spill
    fresh.replace(path)


@contextmanager
def _earlier(plan: Plan) -> Iterator[Heads | None]:
    if not plan.proven:
        yield None
        return
    with closing(Heads(plan.earlier, read_only=True)) as heads:
        yield heads


@dataclass
class _Streams:
    """The streams of a segment."""

    plan: Plan
    spill: Spill
    earlier: Heads | None
    report: Report = field(default_factory=Report)
    sums: Folded = field(default_factory=Folded)
    striped: Striped = field(default_factory=Striped)
    _names: set[int] = field(default_factory=set)

    def take(self, name: str, items: Iterable[Item]) -> None:
        """Audits a stream. If the scan has a finding, the stream is queried, and that counts."""
        is_repeated = hash(name) in self._names
        self._names.add(hash(name))
        check, lines = self._fold(name, items, first_look=True)
        if check.findings or is_repeated:
            check, lines = until_sound(
                self.plan.sleep,
                (0.3, 0.0),
                lambda: self._fold(name, query(EventItem, name)),
                lambda found: found[0].findings,
            )
        self.report.add(check.findings)
        self.striped.take(check)
        if check.asset and check.whole and check.newest:
            self.sums.take(counted(check, check.newest))
        self.spill.add(name, STREAMS, stream_line(check))
        for row in rows_of(check, lines):
            if row.model == BROKEN:
                self.spill.add_apart(DAMAGED, (name,))
            else:
                self.spill.add(row_key(row.model, row.key), EXPECTED, row)

    def _fold(
        self, name: str, items: Iterable[Item], *, first_look: bool = False
    ) -> tuple[StreamCheck, list[Lines]]:
        """The stream, and the digests of its histories. A `first_look` ends at a finding."""
        check = StreamCheck(name)
        lines = lines_of(check) if self.plan.rows else []
        add = partial(_add, self.spill, name)
        noted: list[tuple[int, int, Assertion]] = []
        earlier: list[Proven] = self.earlier.proven(name) if self.earlier else []
        hashes = dict.fromkeys((each.version for each in earlier), b"")
        for item in items:
            one, asserted = check.take(item)
            if check.version in hashes:
                hashes[check.version] = check.hash
            if first_look and check.findings:
                break
            noted += [(check.version, number, each) for number, each in enumerate(asserted)]
            if len(noted) > FLUSH:
                add(noted)
                noted.clear()
            if one is not None:
                for each in lines:
                    each.take(one)
        add(noted)
        if earlier:
            found = {version: hash for version, hash in hashes.items() if hash}
            check.findings += proof.differing(name, check.version, found, earlier)
        return check, lines


def _add(spill: Spill, name: str, noted: Iterable[tuple[int, int, Assertion]]) -> None:
    for line in assertion_lines(name, noted):
        spill.add(line[3], ASSERTIONS, line)  # The partition of the transaction.


def row_key(model: str, key: str) -> str:
    """The text by which a row is assigned to a partition."""
    return f"{model} {key}"
