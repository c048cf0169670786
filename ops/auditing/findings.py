"""Findings: what is wrong and where."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from chalicelib.read_models.integrity.table import Checkpoint

MOST_KEPT = 10_000
"""The most findings that are kept; all are counted."""


@dataclass(frozen=True, order=True)
class Finding:
    """A finding about a stream or a row, and a version, or 0."""

    ledger: str
    where: str
    version: int
    what: str

    def __str__(self) -> str:
        return f"{self.where}{f' {self.version}' if self.version else ''}: {self.what}"


@dataclass
class Report:
    """The result of an audit. `unsettled` are sums that changed too often to be compared.

    `ledgers` has the numbers of events and streams and the newest `recorded_at` of each ledger.
    `checkpoints` are those that the audit wrote, and `notes` are remarks on them.
    """

    found: list[Finding] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    ledgers: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, findings: Iterable[Finding]) -> None:
        """Counts findings, and keeps the first ones."""
        for finding in findings:
            self.wrong[finding.ledger] += 1
            if len(self.found) < MOST_KEPT:
                self.found.append(finding)

    def take(self, found: Iterable[Finding], wrong: Mapping[str, int]) -> None:
        """Adds findings of which there are `wrong` in each ledger; `found` are the first ones."""
        self.wrong.update(wrong)
        self.found += islice(found, MOST_KEPT - len(self.found))

    def count_ledgers(self, ledgers: Mapping[str, tuple[int, int, str]]) -> None:
        """Adds the events and streams of another part of each ledger."""
        for ledger, (events, streams, newest) in ledgers.items():
            count, number, at = self.ledgers.get(ledger, (0, 0, ""))
            self.ledgers[ledger] = (count + events, number + streams, max(newest, at))

    def absorb(self, other: "Report") -> None:
        """Adds the findings of another report."""
        self.wrong += other.wrong
        self.found += other.found[: MOST_KEPT - len(self.found)]

    @property
    def count(self) -> int:
        """The number of findings."""
        return self.wrong.total()

    @property
    def events(self) -> int:
        """The number of audited events."""
        return sum(events for events, _, _ in self.ledgers.values())

    @property
    def streams(self) -> int:
        """The number of audited streams."""
        return sum(streams for _, streams, _ in self.ledgers.values())


def ledger_of(key: str) -> str:
    """The ledger of a stream's name or of a row's key: the text before the first / or #."""
    return key.replace("#", "/").partition("/")[0]
