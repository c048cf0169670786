"""Part 5, projectors: the event rate of each projection group, and of bare writes of its rows."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any

from benchmarks import lag, results
from benchmarks.counting import Meter
from benchmarks.engine import dynamodb_local, ministack
from benchmarks.invocations import delivery
from benchmarks.network import DELAY_MILLISECONDS, played
from benchmarks.rows import STACKS, Batch, bare, conditional
from chalicelib.events.recorded import Recorded
from tests.books import Bookkeeper
from tests.domain.books import credit, debit

MANY, FEW = "1,000 accounts", "10 accounts"
SPREADS = {MANY: 1_000, FEW: 10}
"""The number of accounts of the transfers, by which events of a batch share rows."""

BUSY, QUIET = "batches of 100 events", "one transfer in a batch"
"""The delays after which a projector reads a batch, whose events share the writes of a row."""

_BATCH = 100
_ledgers = count(1)


def run(*, quick: bool) -> None:
    """Rates and lag on DynamoDB Local, units on ministack."""
    transfers, rounds = (60, 1) if quick else (500, 3)
    spreads = {MANY: SPREADS[MANY]} if quick else SPREADS
    with ministack():
        units = {
            **{spread: units_of(number, BUSY) for spread, number in spreads.items()},
            QUIET: units_of(1_000, QUIET),
        }
    rows = []
    for spread, number in spreads.items():
        results.say(f"projectors: transfers among {spread}")
        with dynamodb_local():
            _rates(number, min(transfers, 200))  # A fresh engine is slow at first.
            for delay in (0,) if quick else (0, DELAY_MILLISECONDS):
                with played(delay):
                    turns = [_rates(number, transfers) for _ in range(rounds)]
                rows += [
                    {
                        "stack": stack,
                        "spread": spread,
                        "delay_ms": delay,
                        **_summary([turn[stack] for turn in turns]),
                        **units[spread][stack],
                    }
                    for stack in STACKS
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


def _books(number: int, transfers: int) -> list[Recorded]:
    """The events of some transfers in a new ledger with so many accounts."""
    books = Bookkeeper(f"bench-{next(_ledgers)}")
    names = [f"customers:{place}" for place in range(number)]
    for name in names:
        books.open(name)
    opened = len(books.recorded)
    for place in range(transfers):
        first = names[2 * place % number]
        second = names[(2 * place + 1) % number]
        books.post(f"transfer-{place}", debit(first, 10), credit(second, 10))
    return list(books.recorded[opened:])


def _batches(stack: str, events: Sequence[Recorded], size: int | None) -> list[Batch]:
    """The events in batches of a group's event source; without a size, one transfer per batch."""
    each = sum(map(STACKS[stack].is_fed, events[:3]))  # A transfer is three events.
    size = size or each
    fed = [event for event in events if STACKS[stack].is_fed(event)]
    return [fed[start : start + size] for start in range(0, len(fed), size)]


Rates = dict[str, float]


def _rates(number: int, transfers: int) -> dict[str, Rates]:
    """Events per second of each group's projector, and of bare writes of other ledgers' rows."""
    ledgers = [_books(number, transfers) for _ in range(3)]
    found = {}
    for name, stack in STACKS.items():
        ours, bares, others = (_batches(name, events, _BATCH) for events in ledgers)
        works: dict[str, Sequence[Callable[[], object]]] = {
            "ours": [partial(stack.project, delivery(batch), None) for batch in ours],
            "bare": [bare(stack.rows(batch)) for batch in bares],
            "conditional": [conditional(stack.rows(batch)) for batch in others],
        }
        events = sum(len(batch) for batch in ours)
        found[name] = {kind: events / _seconds(work) for kind, work in works.items()}
    return found


def _summary(turns: Sequence[Rates]) -> dict[str, float]:
    return {
        "events_per_second": results.median([turn["ours"] for turn in turns]),
        "bare_events_per_second": results.median([turn["bare"] for turn in turns]),
        "conditional_events_per_second": results.median([turn["conditional"] for turn in turns]),
        "of_bare": results.median([turn["ours"] / turn["bare"] for turn in turns]),
        "of_conditional": results.median([turn["ours"] / turn["conditional"] for turn in turns]),
    }


def units_of(number: int, pace: str) -> dict[str, dict[str, float]]:
    """What each stack reads and writes of transfers among so many accounts, as the engine reports
    it, where it finds so much at once. The ledger is registered before, as it is once and for all.
    """
    events, size = (_books(number, 200), _BATCH) if pace == BUSY else (_books(number, 50), None)
    for stack in STACKS.values():
        stack.register(events)
    found = {}
    with Meter().attached() as meter:
        for name, stack in STACKS.items():
            batches = _batches(name, events, size)
            tally = meter.tally(partial(_feed, stack.project, batches))
            if tally.units is None:
                raise RuntimeError("the engine reported no units, and sizes do not tell")
            reads, writes = tally.units
            fed = sum(len(batch) for batch in batches)
            touched = sum(len(stack.rows(batch)) for batch in batches)
            found[name] = {
                "rows_per_event": touched / fed,
                "write_units_per_event": writes / fed,
                "read_units_per_event": reads / fed,
                "write_units_per_row": writes / touched,
            }
    return found


def _feed(project: Callable[[Any, Any], Any], batches: Sequence[Batch]) -> None:
    for batch in batches:
        project(delivery(batch), None)


def _seconds(works: Sequence[Callable[[], object]]) -> float:
    began = time.perf_counter()
    for work in works:
        work()
    return time.perf_counter() - began
