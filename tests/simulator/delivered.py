"""A delivery queue with the test's own clock: what it delivered, when, and what it discarded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.delivery import DeliveryQueue, Function, Invoke, Record
from simulator.mapping import SourceMapping
from tests.simulator.streams import WRITTEN

FUNCTION, SHARD = "books", "shard-1"


@dataclass
class Delivered:
    """The wait between each two attempts, in seconds, and what the destination was sent."""

    waits: list[float] = field(default_factory=list)
    discarded: list[dict[str, Any]] = field(default_factory=list)


def deliver(
    batch: Sequence[Record],
    invoke: Invoke,
    mapping: SourceMapping = SourceMapping(report_failures=True),  # noqa: B008  # It is frozen.
    *,
    late: float = 0,
) -> Delivered:
    """Lets a queue deliver until nothing is pending, from so many seconds after `WRITTEN` on."""
    result = Delivered()
    function = Function(FUNCTION, invoke, mapping, result.discarded.append)
    queue = DeliveryQueue(function, SHARD)
    queue.put(batch)
    now = begun = WRITTEN.timestamp() + late
    while (due := queue.due) is not None:
        if due > now:
            result.waits.append(round(due - now, 6))
            now = due
        queue.attempt(now)
    assert now >= begun
    return result
