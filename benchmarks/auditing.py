"""Part 8, audit and rebuild: their cost in ledgers of different sizes.

Commands run as an operator runs them, in processes of their own, whose start is included. CPU time
counts, since the engine shares the cores. Memory is that of the largest process.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks import results
from benchmarks.engine import dynamodb_local
from benchmarks.ledgers import filled
from chalicelib.commands.executor import Executor
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.store import Append
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.transactions.table import TransactionRow
from chalicelib.tables import Table
from ops.verifying.raw import all_items, client, key_of, name_of
from ops.verifying.read_models import GROUPS

SIZES, QUICK_SIZES = (20_000, 100_000, 500_000), (2_000,)
MOST, MOST_REBUILT = 100_000, 100_000
"""The events of the largest tables that are audited, unless the variable BENCH_EVENTS has another
number, and of the largest that are rebuilt, since that takes an hour.
"""

DAMAGED = 2_000
"""Rows that are deleted, to see what a finding costs."""

NEW_TRANSFERS = 200

_ROOT = Path(__file__).parents[1]


def run(*, quick: bool) -> None:
    """Measures on DynamoDB Local."""
    most = int(os.environ.get("BENCH_EVENTS", MOST))
    rows: list[dict[str, Any]] = []
    for events in QUICK_SIZES if quick else (size for size in SIZES if size <= most):
        with dynamodb_local() as endpoint:
            results.say(f"audit and rebuild: filling tables with {events} events")
            began = time.monotonic()
            sizes = filled(endpoint, events)
            results.say(f"audit and rebuild: filled in {time.monotonic() - began:.0f} s")
            for row in _measured(events, quick=quick):
                results.say(f"audit and rebuild: {row}")
                rows.append({**row, "stored": sizes})
                results.save("auditing", quick=quick, engine="DynamoDB Local", rows=rows)


def _measured(events: int, *, quick: bool) -> Iterator[dict[str, Any]]:
    first = (QUICK_SIZES if quick else SIZES)[0]
    for processes in (1, 2):
        yield _timed("audit", events, processes, "audit", "--processes", str(processes))
    _write_more(NEW_TRANSFERS)
    yield _timed("audit --since", events, 1, "audit", "--since", new=3 * NEW_TRANSFERS)
    if events <= MOST_REBUILT:
        for group in GROUPS:
            for processes in (1, 2)[: 2 if events == first else 1]:
                arguments = ("rebuild", group, "--processes", str(processes))
                yield _timed(f"rebuild {group}, all right", events, processes, *arguments)
    if events == first and events <= MOST_REBUILT:
        _delete(StatementRow, events)
        yield _timed("rebuild accounts, no statements", events, 1, "rebuild", "accounts")
    if events == first:
        damaged = _delete(TransactionRow, DAMAGED)
        yield _timed(
            "audit, rows missing", events, 1, "audit", "--patience", "0", new=damaged, status=1
        )


def _timed(
    what: str, events: int, processes: int, *arguments: str, new: int = 0, status: int = 0
) -> dict[str, Any]:
    """Runs a command. Its row: seconds, CPU seconds of all processes, bytes of the largest one."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile("w+") as output:
        began, memory = time.monotonic(), 0
        process = psutil.Popen(
            [sys.executable, "-m", "ops", *arguments, "--json"],
            cwd=_ROOT,
            env={**os.environ, "TWOFOLD_HOME": home},
            stdout=output,
        )
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            memory = max(memory, _largest(process))
            time.sleep(0.2)
        output.seek(0)
        printed = output.read()
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode != status:
        raise RuntimeError(f"{what}: ended with {process.returncode}: {printed[:2000]}")
    done = json.loads(printed)
    return {
        "what": what,
        "events": events,
        "counted": done["events"],
        "processes": processes,
        "new": new,
        "findings": done.get("findings", 0),
        "wall": time.monotonic() - began,
        "cpu": ended[2].ru_utime + ended[2].ru_stime,
        "memory": memory,
    }


def _largest(process: psutil.Process) -> int:
    """The peak memory, in bytes, of the largest of a command's processes so far."""
    sizes = [0]
    for each in (process, *process.children()):
        with suppress(OSError, StopIteration):
            status = Path(f"/proc/{each.pid}/status").read_text().splitlines()
            line = next(line for line in status if line.startswith("VmHWM"))
            sizes.append(int(line.split()[1]) * 1024)
    return max(sizes)


class _Projected(DynamoStore):
    """An event store that projects what it appends."""

    def append(self, *appends: Append) -> None:
        super().append(*appends)
        events = [event for each in appends for event in each.events]
        for model in (each for group in GROUPS.values() for each in group):
            model.project([each for each in events if each.stream.kind == model.projection.kind])


def _write_more(transfers: int) -> None:
    """Transfers in the first ledger."""
    executor = Executor(_Projected())
    for number in range(transfers):
        entries = tuple(
            Entry(account=account, direction=direction, amount=1, asset="USD/2")
            for account, direction in ((f"a{number % 100}", "debit"), ("a150", "credit"))
        )
        command = PostTransaction(
            ledger="ledger-00000", transaction=f"more-{number}", entries=entries
        )
        executor.execute(command, actor="bench")


def _delete(table: type[Table], most: int) -> int:
    """Deletes rows; how many."""
    keys = [key_of(table, item) for item, _ in zip(all_items(table), range(most), strict=False)]
    for start in range(0, len(keys), 25):
        deletes = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + 25]]
        client().batch_write_item(RequestItems={name_of(table): deletes})
    return len(keys)
