"""Patience: reads differing rows and sums again, until they are right or a time has passed."""

from collections.abc import Callable, Collection, Iterator

from ops.auditing import sums
from ops.auditing.findings import Report
from ops.auditing.scratch import KnownRows


def look_patiently(
    report: Report,
    patience: float,
    sleep: Callable[[float], None],
    look: Callable[[], Report],
    known: KnownRows,
    moving: Collection[sums.SumKey] = (),
) -> None:
    """Looks at suspected rows (`look`) and at sums until all are right, or `patience` ends.

    Then adds what is still wrong to the report.
    """
    for wait in _waits(patience):
        again = look()
        wrong, moved = sums.settle(moving, known)
        again.add(wrong)
        if not again.count and not moved:
            return
        sleep(wait)
        moving = moved | {key for key in moving if wrong}
    report.absorb(again)
    report.unsettled += [f"{' '.join(key)} changed at each attempt" for key in moved]


def _waits(patience: float) -> Iterator[float]:
    wait, waited = 0.25, 0.0
    while waited < patience:
        yield wait
        waited, wait = waited + wait, wait * 2
    yield 0.0
