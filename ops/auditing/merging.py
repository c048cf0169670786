"""Merging: one partition of what all segments spilled, in a scratch file: both sides of each
transaction, and the rows of the read models with those that the events require.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

import msgspec

from chalicelib.events.table import EventItem
from ops.auditing.findings import Finding, Report, ledger_of
from ops.auditing.folding import ASSERTIONS, EXPECTED, PROVEN, STREAMS
from ops.auditing.heads import Heads
from ops.auditing.looking import look_again
from ops.auditing.plan import EVENTS, Plan, no_tick
from ops.auditing.scratch import Row, Scratch
from ops.auditing.settling import settle_all
from ops.auditing.spill import Record, blocks
from ops.bars import Tick
from ops.checkpoints import proof
from ops.verifying.raw import last

Net = Counter[tuple[str, str]]
"""Debits less credits of a ledger and an asset."""


class MergedPart(msgspec.Struct):
    """What was found in a partition. `net` are debits less credits by ledger and asset."""

    number: int
    found: list[Finding]
    wrong: dict[str, int]
    ledgers: dict[str, tuple[int, int, str]]
    net: list[tuple[str, str, int]]
    suspects: bool


class LookedPart(msgspec.Struct):
    """The findings of the suspected rows of a partition."""

    number: int
    found: list[Finding]
    wrong: dict[str, int]


def merge_part(plan: Plan, number: int) -> MergedPart:
    """Merges a partition, and compares what is in it."""
    path = plan.part(number)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.unlink(missing_ok=True)
    report, net = Report(), Net()
    with closing(Scratch(fresh)) as scratch:
        _load(plan, number, scratch)
        for name, earlier in scratch.gone() if plan.proven else ():
            if last(EventItem, name) is None:
                report.add([proof.gone(name, earlier)])
        compare_transactions(scratch, report, net, plan.sleep)
        if plan.rows:
            _compare_rows(plan, number, scratch)
        suspects = next(scratch.suspects(), None) is not None
        scratch.commit()
    fresh.replace(path)
    nets = [(*key, amount) for key, amount in net.items() if amount]
    return MergedPart(number, report.found, dict(report.wrong), report.ledgers, nets, suspects)


def look_at_part(plan: Plan, number: int) -> LookedPart:
    """Reads the suspected rows of a partition again."""
    with closing(Scratch(plan.part(number))) as scratch:
        report = look_again(scratch)
        scratch.commit()
    return LookedPart(number, report.found, dict(report.wrong))


def compare_transactions(
    scratch: Scratch,
    report: Report,
    net: Net,
    sleep: Callable[[float], None],
    tick: Tick = no_tick,
) -> None:
    """Compares both sides of transactions; adds what streams say of their ledgers and sums."""
    for _, ledger, events, at, asset, moved in scratch.streams():
        count, streams, newest = report.ledgers.get(ledger, (0, 0, ""))
        report.ledgers[ledger] = (count + events, streams + 1, max(newest, at))
        net[ledger, asset] += moved if asset else 0
    for settled in settle_all(scratch, sleep, tick):
        report.add(settled.findings)
        for each in () if settled.findings else settled.asserted:
            if each.moved:
                asset, amount = each.moved
                net[ledger_of(settled.of), asset] -= amount


def unbalanced(net: Net) -> Iterator[Finding]:
    """A finding for each asset of a ledger whose debits and credits differ."""
    for (ledger, asset), amount in sorted(net.items()):
        if amount:
            what = f"debits less credits of {asset}, over all accounts, are {amount}"
            yield Finding(ledger, ledger, 0, what)


def _load(plan: Plan, number: int, scratch: Scratch) -> None:
    add: dict[str, Callable[[list[Any]], None]] = {
        ASSERTIONS: scratch.add_assertions,
        STREAMS: scratch.add_streams,
        EXPECTED: scratch.expect,
        PROVEN: scratch.add_proven,
    }
    spills = (plan.spill(EVENTS, each) for each in range(plan.segments[EVENTS]))
    for path in chain(spills, [plan.proven_spill] if plan.proven else []):
        for records in blocks(path, number):
            for kind, values in _by_kind(records).items():
                if kind in add:
                    add[kind](values)


def _by_kind(records: Sequence[Record]) -> dict[str, list[Record]]:
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for kind, *values in records:
        found[kind].append(tuple(values))
    return found


def _compare_rows(plan: Plan, number: int, scratch: Scratch) -> None:
    """Suspects the rows that differ from the expected ones, except those of damaged streams."""
    with closing(Heads(plan.earlier, read_only=True)) as damaged:
        for name in plan.segments.keys() - {EVENTS}:
            for segment in range(plan.segments[name]):
                for records in blocks(plan.spill(name, segment), number):
                    marks = {key: (mark, stream) for _, _, key, mark, stream in records}
                    wanted = scratch.expected(name, list(marks))
                    scratch.see_rows(name, wanted)
                    wrong = [
                        key for key, (mark, _) in marks.items() if _differs(wanted.get(key), mark)
                    ]
                    known = damaged.damaged([marks[key][1] for key in wrong])
                    scratch.suspect((name, key) for key in wrong if marks[key][1] not in known)
    scratch.suspect_missing()


def _differs(row: Row | None, mark: str) -> bool:
    return row is None or row.digest != mark
