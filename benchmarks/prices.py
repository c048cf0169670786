"""Prices: what a million transfers cost at Amazon's list prices, for us and for other designs.

Twofold's units are those that part 1 and part 5 counted. The others' are arithmetic on how their
documentation says that they store, with the sizes that are said beside each; none was run on AWS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from benchmarks.projectors import BUSY, QUIET
from benchmarks.units import READ_BYTES

WRITE_DOLLARS, READ_DOLLARS = 0.625, 0.125
"""Per million units, on demand, standard table class (Amazon DynamoDB pricing, since November
2024)."""

REQUEST_DOLLARS, GATEWAY_DOLLARS = 0.20, 3.50
"""Per million: a Lambda request, and a call of a REST API (AWS Lambda and Amazon API Gateway
pricing)."""
GIGABYTE_SECOND_DOLLARS = 0.0000166667
LAMBDA_GIGABYTES, LAMBDA_SECONDS = 0.5, 0.03
"""What a command's Lambda is given, and how long it is assumed to run: two round trips of a few
milliseconds, and its own CPU time at that size."""

_EVENTS = 3
"""Of a transfer between two accounts: one of the transaction, one of each account."""


@dataclass(frozen=True)
class Design:
    """One transfer between two accounts in units of DynamoDB, and how these come about."""

    reads: float
    writes: float
    why: str = ""

    @property
    def dollars(self) -> float:
        """Of a million of them."""
        return self.reads * READ_DOLLARS + self.writes * WRITE_DOLLARS


def castore(event_bytes: int, events: int) -> Design:
    """An aggregate is read from all of its events."""
    return Design(
        reads=2 * ceil(events * event_bytes / READ_BYTES),
        writes=2 * 3 + 1,
        why=f"all events of both accounts are read, consistently, at {event_bytes} bytes each, as "
        "measured with the short names of this benchmark; three puts in one transaction, and the "
        "transfer's entry in the index of first events",
    )


EQUINOX_DEFAULT = Design(
    reads=2 * 4 + 2,
    writes=2 * 17 + 2,
    why="a tip of up to 32 KiB, half full on average: 4 units to read and 17 to rewrite, for each "
    "account; and a small stream for the process that moves the money, appended to twice. A cache "
    "saves the reads, as Twofold's head cache does; calving comes on top",
)
EQUINOX_SMALL = Design(
    reads=2 * 1 + 2,
    writes=2 * 5 + 2,
    why="likewise, the tip's limit set to a few KiB: 1 to read, 5 to rewrite with what is calved",
)
AKKA = Design(
    reads=0,
    writes=4 * 2,
    why="resident entities: an event is a put and an entry in the index by slice, which queries "
    "and projections need; one event of each account, two of the process that moves the money; "
    "snapshots come on top",
)


def twofold(cost: Mapping[str, Any]) -> Design:
    """The event table's part, as counted."""
    (row,) = [one for one in cost["rows"] if one["operation"] == "transfer, 2 entries"]
    return Design(reads=row["read_units"], writes=row["write_units"])


def read_models(units: Mapping[str, Any]) -> dict[str, Design]:
    """What each group adds to a transfer, as counted by part 5."""
    events = {"accounts": 2, "journal": _EVENTS}
    return {
        stack: Design(
            reads=found["read_units_per_event"] * events[stack],
            writes=found["write_units_per_event"] * events[stack],
        )
        for stack, found in units.items()
    }


def compute() -> float:
    """Dollars of API Gateway and Lambda for a million commands."""
    seconds = 1_000_000 * LAMBDA_GIGABYTES * LAMBDA_SECONDS
    return GATEWAY_DOLLARS + REQUEST_DOLLARS + seconds * GIGABYTE_SECOND_DOLLARS


def bill(cost: Mapping[str, Any], projectors: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """The lines of a million transfers through Twofold, in dollars: when it is busy, and quiet."""
    busy, quiet = (read_models(projectors["units"][pace]) for pace in (BUSY, QUIET))
    return {
        "events: the transfers themselves": (twofold(cost).dollars,) * 2,
        "group accounts: balances and statements": (
            busy["accounts"].dollars,
            quiet["accounts"].dollars,
        ),
        "group journal: transactions and trial balance": (
            busy["journal"].dollars,
            quiet["journal"].dollars,
        ),
        "API Gateway and the command Lambda": (compute(),) * 2,
    }


def total(cost: Mapping[str, Any], projectors: Mapping[str, Any]) -> tuple[float, float]:
    """All lines together: when it is busy, and quiet."""
    lines = bill(cost, projectors).values()
    return sum(busy for busy, _ in lines), sum(quiet for _, quiet in lines)
