"""Prices: what a million transfers cost at Amazon's list prices, for us and for other designs.

Twofold's units are those that part 1 and part 5 counted. The others' are arithmetic on how their
documentation says that they store, with the sizes that are said beside each; none was run on AWS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

from benchmarks.projectors import BUSY, MANY, QUIET
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

BATCH, BATCH_SECONDS = 30, 0.1
"""Transfers of a batch, and how long its command is assumed to run."""

LOG_DOLLARS, LOG_STORAGE_DOLLARS = 0.50, 0.03
"""Per gigabyte: to write it, and to keep it for a month (Amazon CloudWatch pricing)."""
STORAGE_DOLLARS, RECOVERY_DOLLARS = 0.25, 0.20
"""Per gigabyte and month: a table, and its point-in-time recovery (Amazon DynamoDB pricing)."""
ALARM_DOLLARS, DASHBOARD_DOLLARS, METRIC_DOLLARS = 0.10, 3.00, 0.30
"""Per month (Amazon CloudWatch pricing, without what is free)."""
MINUTES = 43_800
"""Of a month."""

Line = tuple[float, float, float]
"""Dollars of a million transfers: busy, busy and sent in batches, quiet."""

_GIGABYTE = 1_000_000_000 / 1_000_000
"""Bytes for each of a million transfers that make one gigabyte."""

FED = {"accounts": 2, "journal": 3}
"""Events of a transfer between two accounts that each projection group is fed."""


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
    return {
        stack: Design(
            reads=found["read_units_per_event"] * FED[stack],
            writes=found["write_units_per_event"] * FED[stack],
        )
        for stack, found in units.items()
    }


def batched(cost: Mapping[str, Any]) -> Design:
    """The event table's part of a transfer in an atomic batch, as counted."""
    (row,) = [one for one in cost["rows"] if one["operation"] == "batch of 30 transfers, atomic"]
    return Design(reads=row["read_units"] / BATCH, writes=row["write_units"] / BATCH)


def compute(batch: int = 1) -> float:
    """Dollars of API Gateway and Lambda for a million transfers in batches of this size."""
    seconds = LAMBDA_SECONDS if batch == 1 else BATCH_SECONDS
    return GATEWAY_DOLLARS / batch + _invoked(1_000_000 / batch, seconds)


def logs(logged: Mapping[str, Any], pace: str, batch: int = 1) -> float:
    """Dollars of a million transfers' logs."""
    size = logged["command"] / batch + logged["projectors"][pace]
    return float(size) / _GIGABYTE * LOG_DOLLARS


def _invoked(times: float, seconds: float) -> float:
    """Dollars of a Lambda that is invoked so often, for so long each time."""
    duration = seconds * LAMBDA_GIGABYTES * GIGABYTE_SECOND_DOLLARS
    return times * (REQUEST_DOLLARS / 1_000_000 + duration)


def projecting(projectors: Mapping[str, Any]) -> Line:
    """Dollars of the projectors' Lambdas for a million transfers.

    Busy: full batches, at the rate that part 5 measured with a network's delay. Quiet: a batch for
    each transfer, which is assumed to take as long as a command.
    """
    busy = 0.0
    for group, events in FED.items():
        (row,) = [
            one
            for one in projectors["rows"]
            if (one["stack"], one["spread"]) == (group, MANY) and one["delay_ms"]
        ]
        batches = 1_000_000 * events / 100
        busy += _invoked(batches, 100 / row["events_per_second"])
    return busy, busy, len(FED) * _invoked(1_000_000, LAMBDA_SECONDS)


def bill(cost: Mapping[str, Any], projectors: Mapping[str, Any]) -> dict[str, Line]:
    """The lines of a million transfers through Twofold."""
    busy, quiet = (read_models(projectors["units"][pace]) for pace in (BUSY, QUIET))
    logged = partial(logs, cost["running"]["logged_bytes"])
    return {
        "events: the transfers themselves": (
            twofold(cost).dollars,
            batched(cost).dollars,
            twofold(cost).dollars,
        ),
        "group accounts: balances and statements": (
            busy["accounts"].dollars,
            busy["accounts"].dollars,
            quiet["accounts"].dollars,
        ),
        "group journal: transactions and trial balance": (
            busy["journal"].dollars,
            busy["journal"].dollars,
            quiet["journal"].dollars,
        ),
        "API Gateway and the command Lambda": (compute(), compute(BATCH), compute()),
        "the projectors' Lambdas": projecting(projectors),
        "logs": (logged(BUSY), logged(BUSY, BATCH), logged(QUIET)),
    }


def total(cost: Mapping[str, Any], projectors: Mapping[str, Any]) -> Line:
    """All lines together."""
    busy, batches, quiet = map(sum, zip(*bill(cost, projectors).values(), strict=True))
    return busy, batches, quiet


def kept(cost: Mapping[str, Any]) -> dict[str, float]:
    """What a million stored transfers cost each month, in dollars."""
    gigabytes = sum(cost["running"]["stored_bytes"].values()) / _GIGABYTE
    return {
        "storage": gigabytes * STORAGE_DOLLARS,
        "point-in-time recovery": gigabytes * RECOVERY_DOLLARS,
    }


def at_rest(cost: Mapping[str, Any]) -> dict[str, float]:
    """What an environment without traffic costs each month, in dollars."""
    running = cost["running"]
    minutely = 3 * MINUTES  # The sweep, and the watch of each projection group.
    return {
        f"{running['alarms']} alarms": running["alarms"] * ALARM_DOLLARS,
        f"{running['dashboards']} dashboards": running["dashboards"] * DASHBOARD_DOLLARS,
        "the sweep and the watches, each minute": _invoked(minutely, LAMBDA_SECONDS),
    }
