"""The auditor: a pass over the events, one over each read table, a second look at the rest."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock

from chalicelib.events.table import EventItem
from chalicelib.tables import together
from ops.auditing import reading, settling, sums
from ops.auditing.facts import Fact
from ops.auditing.findings import Finding, Report, ledger_of
from ops.auditing.items import Item, Pace, digest, query, scan
from ops.auditing.rows import ROOMS, rows_of, statement_row, sum_key
from ops.auditing.scratch import Scratch
from ops.auditing.streams import Walk, grouped
from ops.auditing.stripes import Striped
from ops.auditing.sums import Key, Sum

_FLUSH = 5000
"""Facts of one stream held in memory."""

Progress = Callable[[str], Callable[[int], None]]
"""Told that a part begins, gives what is to be told how many items were seen."""


def silent(_: str) -> Callable[[int], None]:
    """Progress that nobody sees."""
    return lambda _: None


@dataclass
class Auditor:
    """Audits everything in this environment's tables.

    `segments` scans run at once, `rate` items a second at most (0 is no limit), and what does not
    agree is looked at again for `patience` seconds. Without `rows` the events alone are audited.
    Reads only.
    """

    segments: int = 4
    rate: int = 0
    patience: float = 15.0
    rows: bool = True
    progress: Progress = silent
    sleep: Callable[[float], None] = time.sleep
    report: Report = field(default_factory=Report)
    _sums: dict[Key, Sum] = field(default_factory=dict)
    _striped: Striped = field(default_factory=Striped)
    _lock: Lock = field(default_factory=Lock)

    def run(self) -> Report:
        """What was found."""
        began = time.monotonic()
        with (
            tempfile.TemporaryDirectory(prefix="twofold-audit-") as folder,
            closing(Scratch(Path(folder))) as scratch,
        ):
            self._events(scratch)
            self._transactions(scratch)
            self._stripes()
            if self.rows:
                self._rows(scratch)
        self.report.found.sort()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _events(self, scratch: Scratch) -> None:
        pace = Pace(self.rate, self.progress("events"))

        def audit(segment: int) -> None:
            pages = scan(EventItem, segment, self.segments, pace, consistent=True)
            for name, items in grouped(pages):
                self._stream(name, items, scratch)

        together(audit, range(self.segments))

    def _stream(self, name: str, items: Iterable[Item], scratch: Scratch) -> None:
        """One stream. What seems wrong in a scan is read again by itself, in order."""
        again = scratch.has_stream(name)
        walk, statement = self._walk(name, items, scratch, first_look=True)
        for wait in (0.0, 0.3):
            if walk.findings or again:
                self.sleep(wait)
                walk, statement = self._walk(name, query(EventItem, name), scratch)
                again = False
        with self._lock:
            self.report.add(walk.findings)
            self._striped.take(walk)
            if walk.asset and walk.whole and walk.newest:
                key = sum_key(name.replace("/account/", "/"), walk.asset)
                posted = walk.tally.posted
                sum = self._sums.setdefault(key, Sum())
                sum.add(walk.version, posted["debit"], posted["credit"], walk.at)
        scratch.expect(rows_of(walk, statement))
        ledger = ledger_of(name)
        scratch.add_stream(name, ledger, walk.count, walk.at, walk.asset, walk.tally.net)

    def _walk(
        self, name: str, items: Iterable[Item], scratch: Scratch, *, first_look: bool = False
    ) -> tuple[Walk, int]:
        """The walk, and the sum of its statement's digests. A first look ends with a finding."""
        walk, statement = Walk(name), 0
        noted: list[tuple[int, int, Fact]] = []
        for item in items:
            one, said = walk.take(item)
            if first_look and walk.findings:
                break
            noted += [(walk.version, place, fact) for place, fact in enumerate(said)]
            if len(noted) > _FLUSH:
                scratch.add_facts(name, noted)
                noted.clear()
            if one is not None and one.stream.kind == "account":
                statement = (statement + digest(statement_row(one))) & reading.MASK
        scratch.add_facts(name, noted)
        return walk, statement

    def _transactions(self, scratch: Scratch) -> None:
        """Settles what only one side said, and sums each asset without what is on its way."""
        net: dict[tuple[str, str], int] = {}
        for _, ledger, events, at, asset, moved in scratch.streams():
            count, streams, newest = self.report.ledgers.get(ledger, (0, 0, ""))
            self.report.ledgers[ledger] = (count + events, streams + 1, max(newest, at))
            if asset:
                net[ledger, asset] = net.get((ledger, asset), 0) + moved
        tick = self.progress("transactions seen on one side")
        for of in scratch.one_sided():
            tick(1)
            findings, said = self._settled(of, scratch.sayers(of))
            self.report.add(findings)
            for fact in () if findings else said:
                if fact.moved:
                    asset, amount = fact.moved
                    net[ledger_of(of), asset] = net.get((ledger_of(of), asset), 0) - amount
        for (ledger, asset), sum in sorted(net.items()):
            if sum:
                what = f"debits less credits of {asset}, over all accounts, are {sum}"
                self.report.add([Finding(ledger, ledger, 0, what)])

    def _settled(self, of: str, sayers: list[tuple[str, int]]) -> tuple[list[Finding], list[Fact]]:
        for wait in (0.1, 0.3, 1.0):
            findings, said = settling.settle(of, sayers)
            if not findings:
                break
            self.sleep(wait)
        return findings, said

    def _stripes(self) -> None:
        for account in self._striped.differing():
            for wait in (0.1, 0.3, 1.0):
                findings = self._striped.look(account)
                if not findings:
                    break
                self.sleep(wait)
            self.report.add(findings)

    def _rows(self, scratch: Scratch) -> None:
        for room in ROOMS:
            pace = Pace(self.rate, self.progress(room))
            compare = partial(
                reading.compare, room, segments=self.segments, pace=pace, scratch=scratch
            )
            together(compare, range(self.segments))
        scratch.suspect_missing()
        moving = sums.differing(self._sums, scratch.sums())
        for wait in self._waits():
            again = Report()
            self._look_again(again, scratch)
            wrong, moved = sums.settle(moving, self.segments, Pace(self.rate), scratch)
            again.add(wrong)
            if not again.count and not moved:
                return
            self.sleep(wait)
            moving = moved | {key for key in moving if wrong}
        self.report.absorb(again)
        self.report.unsettled += [f"totals {' '.join(key)} never stood still" for key in moved]

    def _waits(self) -> Iterator[float]:
        """Waits that double, until patience is at its end."""
        wait, waited = 0.25, 0.0
        while waited < self.patience:
            yield wait
            waited, wait = waited + wait, wait * 2
        yield 0.0

    def _look_again(self, report: Report, scratch: Scratch) -> None:
        for room, key, least in scratch.suspects():
            where = f"{room} {key}"
            found = [
                Finding(ledger_of(key), where, version, what)
                for version, what in reading.look(room, key, least)
            ]
            if not found:
                scratch.clear(room, key)
            report.add(found)
