"""The auditor: a pass over the events, one over each read table, a second look at the rest."""

import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from threading import Lock

from chalicelib.events.table import EventItem
from ops.auditing import reading, settling, sums
from ops.auditing.assertions import Assertion
from ops.auditing.expectations import Lines, counted, lines_of, rows_of
from ops.auditing.findings import Finding, Report, ledger_of
from ops.auditing.scratch import Scratch
from ops.auditing.streams import StreamCheck
from ops.auditing.stripes import Striped
from ops.checkpoints import proof
from ops.verifying.events import grouped
from ops.verifying.raw import Item, last, name_of, query
from ops.verifying.read_models import READ_MODELS
from ops.verifying.scanning import Bars, Pages, RateLimiter, Scanner, silent

_FLUSH = 5000
"""Assertions of one stream held in memory."""


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
        """What was found."""
        with scratch_file() as scratch:
            return self.audit(scratch)

    def audit(self, scratch: Scratch) -> Report:
        """What was found, with a scratch file that has the heads which are to be proved."""
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
        # Streams of earlier checkpoints that the scan did not find are looked for by themselves.
        for name, earlier in scratch.gone():
            if last(EventItem, name) is None:
                self.report.add([proof.gone(name, earlier)])

    def _stream(self, name: str, items: Iterable[Item], scratch: Scratch) -> None:
        """One stream. What seems wrong in a scan is read again by itself, in order."""
        again = scratch.has_stream(name)
        check, lines = self._fold(name, items, scratch, first_look=True)
        for wait in (0.0, 0.3):
            if check.findings or again:
                self.sleep(wait)
                check, lines = self._fold(name, query(EventItem, name), scratch)
                again = False
        with self._lock:
            self.report.add(check.findings)
            self._striped.take(check)
            if check.asset and check.whole and check.newest:
                self._sums.take(counted(check, check.newest))
        scratch.expect(rows_of(check, lines))
        ledger, net = ledger_of(name), check.tally.net
        scratch.add_stream(check.head, ledger, check.count, check.at, check.asset, net)

    def _fold(
        self, name: str, items: Iterable[Item], scratch: Scratch, *, first_look: bool = False
    ) -> tuple[StreamCheck, list[Lines]]:
        """The stream, and the rows of its histories. A first look ends with a finding."""
        check = StreamCheck(name)
        lines = lines_of(check) if self.rows else []
        noted: list[tuple[int, int, Assertion]] = []
        earlier = scratch.proven(name)
        hashes = dict.fromkeys((each.version for each in earlier), b"")
        for item in items:
            one, said = check.take(item)
            if check.version in hashes:
                hashes[check.version] = check.hash
            if first_look and check.findings:
                break
            noted += [(check.version, place, each) for place, each in enumerate(said)]
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
        """Settles what only one side said, and sums each asset without what is on its way."""
        net: dict[tuple[str, str], int] = {}
        for _, ledger, events, at, asset, moved in scratch.streams():
            count, streams, newest = self.report.ledgers.get(ledger, (0, 0, ""))
            self.report.ledgers[ledger] = (count + events, streams + 1, max(newest, at))
            if asset:
                net[ledger, asset] = net.get((ledger, asset), 0) + moved
        tick = self.bars("transactions seen on one side", None)
        for of in scratch.one_sided():
            tick(1)
            findings, said = self._settled(of, scratch.sayers(of))
            self.report.add(findings)
            for each in () if findings else said:
                if each.moved:
                    asset, amount = each.moved
                    net[ledger_of(of), asset] = net.get((ledger_of(of), asset), 0) - amount
        for (ledger, asset), sum in sorted(net.items()):
            if sum:
                what = f"debits less credits of {asset}, over all accounts, are {sum}"
                self.report.add([Finding(ledger, ledger, 0, what)])

    def _settled(
        self, of: str, sayers: list[tuple[str, int]]
    ) -> tuple[list[Finding], list[Assertion]]:
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
        for name, model in READ_MODELS.items():
            compare = partial(reading.compare, model, scratch)
            self._scanner.run(name, name_of(model.table), compare, consistent=False)
        scratch.suspect_missing()
        self._look_patiently(scratch, self._sums.differing(scratch))

    def _look_patiently(self, scratch: Scratch, moving: Collection[sums.SumKey] = ()) -> None:
        """Looks again at suspected rows, and at sums, until all are right or patience ends."""
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
        self.report.unsettled += [f"{' '.join(key)} never stood still" for key in moved]

    def _waits(self) -> Iterator[float]:
        """Waits that double, until patience is at its end."""
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
    """A scratch file in a folder of its own, which goes with it."""
    with (
        tempfile.TemporaryDirectory(prefix="twofold-audit-") as folder,
        closing(Scratch(Path(folder))) as scratch,
    ):
        yield scratch
