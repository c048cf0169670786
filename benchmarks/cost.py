"""Part 1, cost: round trips, units and bytes of every command and every query."""

from collections.abc import Iterable
from typing import Any

from benchmarks import combined, reporting, results, running
from benchmarks.api import COMMANDS, QUERIES, Api, Operation, furnish, opened
from benchmarks.counting import Meter
from benchmarks.engine import Missing, dynamodb_local, ministack
from chalicelib.commands.executor import executor
from tests import engines


def run(*, quick: bool) -> None:
    """Counts on ministack, and checks which engines report what DynamoDB charges."""
    with ministack(), opened() as client:
        api = furnish(client, "cost")
        rows = measure(api, [*COMMANDS, *QUERIES])
        combining = combined.measure("combined")
        reported = {"ministack": reporting.check()}
        left = running.measure(client)
    with engines.moto():
        reported["moto"] = reporting.check()
    try:
        with dynamodb_local():
            reported["DynamoDB Local"] = reporting.check()
    except Missing as missing:
        results.say(f"cost: {missing}, so its reports are not checked")
    found = {"rows": rows, "combining": combining, "reported": reported, "running": left}
    results.save("cost", quick=quick, engine="ministack", **found)


def measure(api: Api, operations: Iterable[Operation]) -> list[dict[str, Any]]:
    """What each operation costs, counted on one request of a process that remembers nothing, and
    on one of a process that has just done the same.
    """
    with Meter().attached() as meter:
        return [
            {
                "operation": operation.name,
                **cost_of(operation, api, meter, remembers=False),
                "warm": cost_of(operation, api, meter, remembers=True),
            }
            for operation in operations
        ]


def cost_of(operation: Operation, api: Api, meter: Meter, *, remembers: bool) -> dict[str, Any]:
    """What one request costs."""
    request, replies = operation.ready(api), []
    if not remembers:
        executor.cache_clear()
    tally = meter.tally(lambda: replies.append(request()))
    reads, writes = tally.reported or (None, None)
    reads_by_size, writes_by_size = tally.by_size or (None, None)
    return {
        "round_trips": tally.round_trips,
        "requests": len(tally.calls),
        "read_units": reads,
        "write_units": writes,
        "read_units_by_size": reads_by_size,
        "write_units_by_size": writes_by_size,
        "sent": tally.sent,
        "received": tally.received,
        "reply": len(replies[0].body),
    }
