"""The auditor: scans the events and each read table, and reads again what differs."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import TypeVar

from chalicelib.events.table import EventItem
from ops.auditing import reading, settling, sums
from ops.auditing.assertions import Assertion
from ops.auditing.expectations import Lines, counted, lines_of, rows_of
from ops.auditing.findings import Finding, Report, ledger_of
from ops.auditing.scratch import Scratch
from ops.auditing.streams import StreamCheck
from ops.auditing.stripes import Striped
from ops.bars import Bars, silent
from ops.checkpoints import proof
from ops.verifying.events import grouped
from ops.verifying.raw import Item, last, name_of, query
from ops.verifying.read_models import READ_MODELS
from ops.verifying.scanning import Pages, RateLimiter, Scanner

_FLUSH = 5000
"""Assertions of one stream held in memory."""

_WAITS = (0.1, 0.3, 1.0)
"""Seconds between reads of items that may have been read during a write."""

Seen = TypeVar("Seen")


@dataclass
class Auditor:
    """Audits this environment's tables. Writes nothing.

    `segments` scans run in parallel and read at most `rate` items a second (0: no limit). What
    differs is read again for `patience` seconds. Without `rows` only the events are audited.
    """

    segments: int = 4
    rate: int = 0
    patience: float = 15.0
    rows: bool = True
    bars: Bars = silent
    sleep: Callable[[float], None] = time.sleep
    report: Report = field(default_factory=Report)
    _sums: sums.Folded = field(default_factory=sums.Folded)
    _striped: Striped = field(default_factory=Striped)
    _lock: Lock = field(default_factory=Lock)

    @cached_property
    def _scanner(self) -> Scanner:
        return Scanner(self.segments, RateLimiter(self.rate), self.bars)

    def run(self) -> Report:
        """The findings."""
        with scratch_file() as scratch:
            return self.audit(scratch)

    def audit(self, scratch: Scratch) -> Report:
        """The findings, with a scratch file that has the heads of earlier checkpoints."""
        began = time.monotonic()
        self._events(scratch)
        self._transactions(scratch)
        self._stripes()
        if self.rows:
            self._rows(scratch)
        self.report.found.sort()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _events(self, scratch: Scratch) -> None:
        def audit(_: int, pages: Pages) -> None:
            for name, items in grouped(pages(None)):
                self._stream(name, items, scratch)

        self._scanner.run("events", name_of(EventItem), audit)
        # Streams of earlier checkpoints that the scan did not find are read directly.
        for name, earlier in scratch.gone():
            if last(EventItem, name) is None:
                self.report.add([proof.gone(name, earlier)])

    def _stream(self, name: str, items: Iterable[Item], scratch: Scratch) -> None:
        """Audits a stream. After a finding of the scan the stream is queried."""
        is_repeated = scratch.has_stream(name)
        check, lines = self._fold(name, items, scratch, first_look=True)
        if check.findings or is_repeated:
            check, lines = self._until_sound(
                (0.3, 0.0),
                lambda: self._fold(name, query(EventItem, name), scratch),
                lambda found: found[0].findings,
            )
        self._report(check)
        scratch.add_stream(check)
        if check.asset and check.whole and check.newest:
            with self._lock:
                self._sums.take(counted(check, check.newest))
        scratch.expect(rows_of(check, lines))

    def _report(self, check: StreamCheck) -> None:
        with self._lock:
            self.report.add(check.findings)
            self._striped.take(check)

    def _until_sound(
        self, waits: Iterable[float], look: Callable[[], Seen], wrong: Callable[[Seen], object]
    ) -> Seen:
        """The first result that is not `wrong`, or the last one, with these waits in between."""
        for wait in waits:
            seen = look()
            if not wrong(seen):
                break
            self.sleep(wait)
        return seen

    def _fold(
        self, name: str, items: Iterable[Item], scratch: Scratch, *, first_look: bool = False
    ) -> tuple[StreamCheck, list[Lines]]:
        """The stream, and the digests of its histories. A first look ends at a finding."""
        check = StreamCheck(name)
        lines = lines_of(check) if self.rows else []
        noted: list[tuple[int, int, Assertion]] = []
        earlier = scratch.proven(name)
        hashes = dict.fromkeys((each.version for each in earlier), b"")
        for item in items:
            one, asserted = check.take(item)
            if check.version in hashes:
                hashes[check.version] = check.hash
            if first_look and check.findings:
                break
            noted += [(check.version, number, each) for number, each in enumerate(asserted)]
            if len(noted) > _FLUSH:
                scratch.add_assertions(name, noted)
                noted.clear()
            if one is not None:
                for each in lines:
                    each.take(one)
        scratch.add_assertions(name, noted)
        if earlier:
            found = {version: hash for version, hash in hashes.items() if hash}
            check.findings += proof.differing(name, check.version, found, earlier)
        return check, lines

    def _transactions(self, scratch: Scratch) -> None:
        """Compares both sides of transactions, and the sums of each asset over all accounts."""
        net: Counter[tuple[str, str]] = Counter()
        for _, ledger, events, at, asset, moved in scratch.streams():
            count, streams, newest = self.report.ledgers.get(ledger, (0, 0, ""))
            self.report.ledgers[ledger] = (count + events, streams + 1, max(newest, at))
            net[ledger, asset] += moved if asset else 0
        tick = self.bars("transactions seen on one side", None)
        for of in scratch.one_sided():
            tick(1)
            findings, asserted = self._until_sound(
                _WAITS, partial(settling.settle, of, scratch.asserting(of)), itemgetter(0)
            )
            self.report.add(findings)
            for each in () if findings else asserted:
                if each.moved:
                    asset, amount = each.moved
                    net[ledger_of(of), asset] -= amount
        for (ledger, asset), sum in sorted(net.items()):
            if sum:
                what = f"debits less credits of {asset}, over all accounts, are {sum}"
                self.report.add([Finding(ledger, ledger, 0, what)])

    def _stripes(self) -> None:
        for account in self._striped.differing():
            look = partial(self._striped.look, account)
            self.report.add(self._until_sound(_WAITS, look, bool))

    def _rows(self, scratch: Scratch) -> None:
        for name, model in READ_MODELS.items():
            compare = partial(reading.compare, model, scratch)
            self._scanner.run(name, name_of(model.table), compare, consistent=False)
        scratch.suspect_missing()
        self._look_patiently(scratch, self._sums.differing(scratch))

    def _look_patiently(self, scratch: Scratch, moving: Collection[sums.SumKey] = ()) -> None:
        """Reads suspected rows and sums again, until all are right or `patience` ends."""
        for wait in self._waits():
            again = Report()
            self._look_again(again, scratch)
            wrong, moved = sums.settle(moving, scratch)
            again.add(wrong)
            if not again.count and not moved:
                return
            self.sleep(wait)
            moving = moved | {key for key in moving if wrong}
        self.report.absorb(again)
        self.report.unsettled += [f"{' '.join(key)} changed at each attempt" for key in moved]

    def _waits(self) -> Iterator[float]:
        wait, waited = 0.25, 0.0
        while waited < self.patience:
            yield wait
            waited, wait = waited + wait, wait * 2
        yield 0.0

    def _look_again(self, report: Report, scratch: Scratch) -> None:
        for name, key, least in scratch.suspects():
            model = READ_MODELS[name]
            found = [
                Finding(reading.ledger_of_row(model, key), f"{name} {key}", version, what)
                for version, what in reading.look(model, key, least)
            ]
            if not found:
                scratch.clear(name, key)
            report.add(found)


@contextmanager
def scratch_file() -> Iterator[Scratch]:
    """A scratch file in a temporary folder."""
    with (
        tempfile.TemporaryDirectory(prefix="twofold-audit-") as folder,
        closing(Scratch(Path(folder))) as scratch,
    ):
        yield scratch
