"""Part 5, projectors: the event rate of each projection group, and of bare writes of its rows."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from unittest.mock import patch

from benchmarks import lag, results
from benchmarks.counting import Meter
from benchmarks.engine import dynamodb_local, ministack
from benchmarks.invocations import delivery
from benchmarks.network import DELAY_MILLISECONDS, played
from benchmarks.rows import STACKS, Batch, bare, conditional
from chalicelib.events.recorded import Recorded
from chalicelib.read_models import guarded
from tests.books import Bookkeeper
from tests.domain.books import credit, debit

NEW, MANY, FEW = "1,000 new accounts", "1,000 accounts", "10 accounts"
SPREADS = {MANY: 1_000, FEW: 10}
"""The accounts of the transfers: with few, the events of a batch share rows. The rows of new
accounts do not exist yet, those of the others do."""

BUSY, QUIET = "batches of 100 events", "one transfer in a batch"
"""The delays after which a projector reads a batch, whose events share the writes of a row."""

_BATCH = 100
_ledgers = count(1)

Events = Mapping[str, Sequence[Recorded]]
"""The events of a ledger, by the name under which they are measured (NEW, MANY, FEW)."""


def run(*, quick: bool) -> None:
    """Rates and lag on DynamoDB Local, units on ministack."""
    transfers, rounds = (60, 1) if quick else (500, 3)
    spreads = {MANY: SPREADS[MANY]} if quick else SPREADS
    with ministack():
        units = {
            **{spread: units_of(number, BUSY) for spread, number in spreads.items()},
            NEW: units_of(400, BUSY, new=True),
            QUIET: units_of(1_000, QUIET),
        }
    rows = []
    for spread in spreads:
        results.say(f"projectors: transfers among {spread}")
        with dynamodb_local():
            _speeds(spread, min(transfers, 200))  # A fresh engine is slow at first.
            for delay in (0,) if quick else (0, DELAY_MILLISECONDS):
                with played(delay):
                    turns = [_speeds(spread, transfers) for _ in range(rounds)]
                rows += [
                    {
                        "stack": stack,
                        "spread": measured,
                        "delay_ms": delay,
                        **_summary([turn[measured, stack] for turn in turns]),
                        **units[measured][stack],
                    }
                    for measured, stack in turns[0]
                ]
    results.say("projectors: lag")
    results.save(
        "projectors",
        quick=quick,
        engine="DynamoDB Local, ministack",
        rows=rows,
        units={BUSY: units[MANY], QUIET: units[QUIET]},
        lag=lag.measure(quick=quick),
    )


def openings_and_transfers(
    number: int, transfers: int
) -> tuple[Sequence[Recorded], Sequence[Recorded]]:
    """The events of so many new accounts in a new ledger, and of transfers among them."""
    books = Bookkeeper(f"bench-{next(_ledgers)}")
    names = [f"customers:{place}" for place in range(number)]
    for name in names:
        books.open(name)
    opened = len(books.recorded)
    for place in range(transfers):
        first = names[2 * place % number]
        second = names[(2 * place + 1) % number]
        books.post(f"transfer-{place}", debit(first, 10), credit(second, 10))
    return books.recorded[:opened], books.recorded[opened:]


def batches(stack: str, events: Sequence[Recorded], size: int | None = _BATCH) -> list[Batch]:
    """The events in batches of a group's event source; without a size, one transfer per batch."""
    each = sum(map(STACKS[stack].is_fed, events[:3]))  # A transfer is three events.
    size = size or each
    fed = [event for event in events if STACKS[stack].is_fed(event)]
    return [fed[start : start + size] for start in range(0, len(fed), size)]


@dataclass(frozen=True)
class Speed:
    """Events per second, and microseconds of this process's CPU time per event."""

    rate: float
    cpu: float


Speeds = Mapping[str, Speed]
"""The speed of each thing that is compared: "ours", "singly", "bare", "conditional"."""


def _speeds(spread: str, transfers: int) -> dict[tuple[str, str], Speeds]:
    """The speeds of each group's projector, of one that writes rows singly, and of bare writes,
    each in its own ledger; by the name of the events and the group.
    """
    ledgers = [_events(spread, transfers) for _ in _WORKS]
    return {
        (measured, stack): {
            kind: work(stack, batches(stack, events[measured]))
            for (kind, work), events in zip(_WORKS.items(), ledgers, strict=True)
        }
        for measured in ledgers[0]
        for stack in STACKS
    }


def _events(spread: str, transfers: int) -> Events:
    opened, moved = openings_and_transfers(SPREADS[spread], transfers)
    if spread == MANY:
        return {NEW: opened, MANY: moved}
    for stack in STACKS:
        feed(stack, opened)
    return {spread: moved}


def _ours(stack: str, fed: Sequence[Batch]) -> Speed:
    return _speed(fed, [partial(STACKS[stack].project, delivery(one), None) for one in fed])


def _singly(stack: str, fed: Sequence[Batch]) -> Speed:
    with patch.object(guarded, "write", guarded.singly):
        return _ours(stack, fed)


_WORKS: Mapping[str, Callable[[str, Sequence[Batch]], Speed]] = {
    "ours": _ours,
    "singly": _singly,
    "bare": lambda stack, fed: _speed(fed, [bare(STACKS[stack].rows(one)) for one in fed]),
    "conditional": lambda stack, fed: _speed(
        fed, [conditional(STACKS[stack].rows(one)) for one in fed]
    ),
}


def _speed(fed: Sequence[Batch], works: Sequence[Callable[[], object]]) -> Speed:
    events = sum(map(len, fed))
    began, used = time.perf_counter(), time.process_time()
    for work in works:
        work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    return Speed(events / seconds, cpu / events * 1e6)


def _summary(turns: Sequence[Speeds]) -> dict[str, float]:
    def median(value: Callable[[Speeds], float]) -> float:
        return results.median(list(map(value, turns)))

    return {
        "events_per_second": median(lambda turn: turn["ours"].rate),
        "cpu_microseconds": median(lambda turn: turn["ours"].cpu),
        "singly_events_per_second": median(lambda turn: turn["singly"].rate),
        "singly_cpu_microseconds": median(lambda turn: turn["singly"].cpu),
        "bare_events_per_second": median(lambda turn: turn["bare"].rate),
        "conditional_events_per_second": median(lambda turn: turn["conditional"].rate),
        "of_bare": median(lambda turn: turn["ours"].rate / turn["bare"].rate),
        "of_conditional": median(lambda turn: turn["ours"].rate / turn["conditional"].rate),
    }


def units_of(number: int, pace: str, *, new: bool = False) -> dict[str, dict[str, float]]:
    """The units and rows for each event of each group, as the engine reports them: of transfers
    among `number` accounts or, with `new`, of opening these. The ledger itself is registered
    before, since that is done once.

    Each row is written singly, since ministack charges one unit for every statement of a batch.
    """
    transfers, size = (200, _BATCH) if pace == BUSY else (50, None)
    touched = number if new else min(number, 2 * transfers)
    opened, moved = openings_and_transfers(touched, transfers)
    events = opened if new else moved
    for name, stack in STACKS.items():
        stack.register(opened)
        if not new:
            feed(name, opened)
    found = {}
    with patch.object(guarded, "write", guarded.singly), Meter().attached() as meter:
        for name, stack in STACKS.items():
            tally = meter.tally(partial(feed, name, events, size))
            if tally.units is None:
                raise RuntimeError("the engine reported no units, and sizes do not tell")
            reads, writes = tally.units
            fed = batches(name, events, size)
            total = sum(map(len, fed))
            rows = sum(len(stack.rows(batch)) for batch in fed)
            found[name] = {
                "rows_per_event": rows / total,
                "write_units_per_event": writes / total,
                "read_units_per_event": reads / total,
                "write_units_per_row": writes / rows,
            }
    return found


def feed(stack: str, events: Sequence[Recorded], size: int | None = _BATCH) -> None:
    """Projects events in such batches."""
    for batch in batches(stack, events, size):
        STACKS[stack].project(delivery(batch), None)
