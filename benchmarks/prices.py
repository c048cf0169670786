"""Prices: what a million transfers cost at Amazon's list prices, for us and for other designs.

Twofold's units are those that part 1 and part 5 counted. The others' are arithmetic on how their
documentation says that they store, with the sizes that are said beside each; none was run on AWS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from benchmarks.units import READ_BYTES

REGION = "us-east-1"
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
    """One transfer between two accounts in units of DynamoDB."""

    reads: float
    writes: float

    @property
    def dollars(self) -> float:
        """Of a million of them."""
        return self.reads * READ_DOLLARS + self.writes * WRITE_DOLLARS


def castore(event_bytes: int, events: int) -> Design:
    """Both accounts' events are read, consistently; three puts in one transaction, and one entry in
    the index of first events.
    """
    return Design(reads=2 * ceil(events * event_bytes / READ_BYTES), writes=2 * 3 + 1)


EQUINOX_DEFAULT = Design(reads=2 * 4 + 2, writes=2 * 17 + 2)
"""A tip of up to 32 KiB, half full on average: 4 units to read, 17 to rewrite, for each account;
and a small stream of its own for the process that moves the money, appended to twice."""

EQUINOX_SMALL = Design(reads=2 * 1 + 2, writes=2 * 5 + 2)
"""Likewise with the tip's limit set to a few KiB: 1 to read, 5 to rewrite with what is calved."""

AKKA = Design(reads=0, writes=4 * 2)
"""Resident entities: an event is a put and an entry in the index by slice; one event of each
account, and two of the process that moves the money."""


def twofold(cost: Mapping[str, Any]) -> Design:
    """The event table's part, as counted."""
    (row,) = [one for one in cost["rows"] if one["operation"] == "transfer, 2 entries"]
    return Design(reads=row["read_units"], writes=row["write_units"])


def read_models(projectors: Mapping[str, Any]) -> dict[str, Design]:
    """What each stack adds to a transfer, as counted where no two events of a batch share a row."""
    events = {"accounts": 2, "journal": _EVENTS}
    spread = projectors["rows"][0]["spread"]
    return {
        row["stack"]: Design(
            reads=row["read_units_per_event"] * events[row["stack"]],
            writes=row["write_units_per_event"] * events[row["stack"]],
        )
        for row in projectors["rows"]
        if row["spread"] == spread and row["delay_ms"] == 0
    }


def compute() -> float:
    """Dollars of API Gateway and Lambda for a million commands."""
    seconds = 1_000_000 * LAMBDA_GIGABYTES * LAMBDA_SECONDS
    return GATEWAY_DOLLARS + REQUEST_DOLLARS + seconds * GIGABYTE_SECOND_DOLLARS


def bill(cost: Mapping[str, Any], projectors: Mapping[str, Any]) -> Sequence[tuple[str, float]]:
    """The lines of a million transfers through Twofold, in dollars."""
    stacks = read_models(projectors)
    return [
        ("events: the transfers themselves", twofold(cost).dollars),
        ("accounts stack: balances and statements", stacks["accounts"].dollars),
        ("journal stack: transactions and trial balance", stacks["journal"].dollars),
        ("API Gateway and the command Lambda", compute()),
    ]
