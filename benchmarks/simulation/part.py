"""Part 9, simulation: hot accounts in virtual time, whose figures depend on the seed only."""

from collections.abc import Iterator
from typing import Any

from benchmarks import results
from benchmarks.simulation import escrow
from benchmarks.simulation.clients import MakeExecutor, combining, direct, simulate
from benchmarks.simulation.throttling import Throttled

CLIENTS = (1, 2, 4, 16, 64, 256)
COMBINED, DIRECT = "combined", "not combined"
"""Executors with an inbox and without one."""

_CAPACITIES = (1_000, 500, 250)
"""Write units a second of one key. DynamoDB's are the first."""

_THROTTLED_CLIENTS, _ESCROW_CLIENTS = (64, 256), (16, 64, 256)
_SEED = 1


def run(*, quick: bool) -> None:
    """Simulates."""
    seconds = 2.0 if quick else 10.0
    results.save(
        "simulation",
        quick=quick,
        engine="none: virtual time",
        seconds=seconds,
        seed=_SEED,
        combining=list(_combining(seconds, CLIENTS)),
        throttled=list(_throttled(seconds, _THROTTLED_CLIENTS[: 1 if quick else None])),
        escrow=list(_escrow(seconds, _ESCROW_CLIENTS[: 1 if quick else None])),
    )


def _combining(seconds: float, numbers: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    executors: dict[str, MakeExecutor] = {DIRECT: direct, COMBINED: combining}
    for kind, executor in executors.items():
        for number in numbers:
            results.say(f"simulation: {kind}, {number} clients")
            found = simulate(number, seconds=seconds, seed=_SEED, executor=executor)
            row = _row(found.seconds, found.refused, found.units, seconds)
            yield {"kind": kind, "clients": number, **row}


def _throttled(seconds: float, numbers: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    for capacity in _CAPACITIES:
        for number in numbers:
            results.say(f"simulation: {capacity} units a key, {number} clients")
            executor = Throttled(capacity)
            found = simulate(number, seconds=seconds, seed=_SEED, executor=executor)
            yield {
                "capacity": capacity,
                "clients": number,
                "throttled": executor.buckets.throttled if executor.buckets else 0,
                **_row(found.seconds, found.refused, found.units, seconds),
            }


def _escrow(seconds: float, numbers: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    kinds = {f"{escrow.STRIPES} stripes that lend": True, "one account, combined": False}
    for funds, has in ((escrow.PLENTY, "plenty"), (escrow.SCARCE, "scarce")):
        for kind, lends in kinds.items():
            for number in numbers:
                results.say(f"simulation: {kind}, {has}, {number} clients")
                found = escrow.simulate(number, funds, lends=lends, seconds=seconds, seed=_SEED)
                yield {
                    "kind": kind,
                    "funds": has,
                    "clients": number,
                    "declined": found.declined,
                    "loans": found.loans,
                    **_row(found.seconds, found.refused, found.units, seconds),
                }


def _row(
    took: list[float], refused: int, units: dict[str, float], seconds: float
) -> dict[str, Any]:
    done = len(took)
    return {
        "done": done,
        "refused": refused,
        "per_second": done / seconds,
        "p50": 1000 * (results.percentile(took, 0.5) or 0),
        "p99": 1000 * (results.percentile(took, 0.99) or 0),
        "write_units": units.get("write", 0) / max(1, done),
        "read_units": units.get("read", 0) / max(1, done),
    }
