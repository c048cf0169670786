"""Findings: what is wrong and where, named so that an operator can look at it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.read_models.integrity.table import Checkpoint

MOST_KEPT = 10_000
"""Of the findings kept to be shown; the rest are counted only."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong: on a stream (or a table's row), at a version, or 0 where none is."""

    ledger: str
    where: str
    version: int
    what: str

    def __str__(self) -> str:
        return f"{self.where}{f' {self.version}' if self.version else ''}: {self.what}"


@dataclass
class Report:
    """What an audit found. `unsettled` is what never stood still long enough to be compared.

    `ledgers` counts events and streams, and has the newest `recorded_at`, of each ledger.
    `checkpoints` are those that the audit wrote, and `notes` is what else is to be told of them.
    """

    found: list[Finding] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    ledgers: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, findings: Iterable[Finding]) -> None:
        """Counts findings, and keeps them as long as there are not too many."""
        for finding in findings:
            self.wrong[finding.ledger] += 1
            if len(self.found) < MOST_KEPT:
                self.found.append(finding)

    def absorb(self, other: "Report") -> None:
        """Adds what another report found."""
        self.wrong += other.wrong
        self.found += other.found[: MOST_KEPT - len(self.found)]

    @property
    def count(self) -> int:
        """How many findings there are."""
        return self.wrong.total()

    @property
    def events(self) -> int:
        """How many events were audited."""
        return sum(events for events, _, _ in self.ledgers.values())

    @property
    def streams(self) -> int:
        """How many streams were audited."""
        return sum(streams for _, streams, _ in self.ledgers.values())


def ledger_of(key: str) -> str:
    """The ledger of a stream's name or of a row's key: what stands before the first / or #."""
    return key.replace("#", "/").partition("/")[0]
