"""A lane on a clock of the test's own: what it sent, when, and what it gave up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.delivery import Invoke, Lane, Record, discarded
from simulator.mapping import SourceMapping
from tests.simulator.streams import WRITTEN

FUNCTION, SHARD = "books", "shard-1"


@dataclass
class Delivered:
    """How long each wait was between two attempts, and what the destination was told."""

    waits: list[float] = field(default_factory=list)
    discarded: list[dict[str, Any]] = field(default_factory=list)


def deliver(
    batch: Sequence[Record],
    invoke: Invoke,
    mapping: SourceMapping = SourceMapping(report_failures=True),  # noqa: B008  # It is frozen.
    *,
    late: float = 0,
) -> Delivered:
    """Lets a lane try until nothing is left, beginning so many seconds after `WRITTEN`."""
    result = Delivered()

    def discard(*what: Any, **how: Any) -> None:
        result.discarded.append(discarded(*what, **how, function=FUNCTION, shard=SHARD))

    lane = Lane(mapping, invoke, discard)
    lane.put(batch)
    now = begun = WRITTEN.timestamp() + late
    while (due := lane.due) is not None:
        if due > now:
            result.waits.append(round(due - now, 6))
            now = due
        lane.attempt(now)
    assert now >= begun
    return result
