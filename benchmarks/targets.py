"""Targets: what was set out for, what was measured, and by how much and why a target was missed."""

from collections.abc import Callable, Iterator, Mapping

from benchmarks import hot_targets
from benchmarks.judging import Found, Target
from benchmarks.pages.markdown import ms
from benchmarks.pages.speed import clients_of
from benchmarks.projectors import BUSY, NEW
from benchmarks.stores.contestants import OURS


def targets(results: Mapping[str, Found | None]) -> Iterator[Target]:
    """Every target of the parts that were measured."""
    judges: dict[str, Callable[[Found], Iterator[Target]]] = {
        "cost": _cost,
        "growth": _growth,
        "stores": _stores,
        "contention": hot_targets.contention,
        "simulation": hot_targets.simulation,
        "projectors": _projectors,
        "cold": _cold,
        "auditing": _auditing,
        "laptop": _laptop,
    }
    for part, judge in judges.items():
        found = results.get(part)
        if found is not None:
            yield from judge(found)


def _cost(found: Found) -> Iterator[Target]:
    rows = {row["operation"]: row for row in found["rows"]}
    transfer, freeze, account = rows["transfer, 2 entries"], rows["freeze"], rows["account"]
    yield _costs("a transfer: 2 round trips, 2 read units, 6 write units", transfer, 2, 2, 6)
    aim = "a transfer between accounts with cached heads: 1 round trip, no read units"
    yield _costs(aim, transfer["warm"], 1, 0, 6)
    yield _costs("a command on one stream: 1 read unit, 1 write unit", freeze, 2, 1, 1)
    yield _costs("an account read: 1 round trip, half a read unit", account, 1, 0.5, 0)


def _costs(aim: str, row: Found, trips: int, reads: float, writes: float) -> Target:
    counted = (row["round_trips"], row["read_units"], row["write_units"])
    made = "1 round trip" if row["round_trips"] == 1 else f"{row['round_trips']} round trips"
    said = f"{made}, {row['read_units']:g} read and {row['write_units']:g} write units"
    return Target(aim, said, counted == (trips, reads, writes))


def _growth(found: Found) -> Iterator[Target]:
    longest = max(row["events"] for row in found["histories"])
    rows = [row for row in found["histories"] if row["events"] == longest]
    worst = max(rows, key=lambda row: float(row["of_shortest"]))
    yield Target(
        f"flat: at {longest:,} events within 5 % of 10",
        f"{worst['of_shortest'] - 1:+.1%} at worst ({worst['operation']})",
        worst["of_shortest"] <= 1.05,
        "units and round trips are the same. The read of an account, which cannot depend on its "
        "history, varies as much: emulator and machine are not that steady",
    )
    units = {
        (row["operation"], row["read_units_by_size"], row["write_units_by_size"])
        for row in found["histories"]
    }
    same = len(units) == len(rows)
    yield Target("flat in units, exactly", "the same" if same else "not the same", same)


def _stores(found: Found) -> Iterator[Target]:
    """On Twofold without head cache: like is compared with like."""
    cached = {
        row["events"]: row["of_loading"] for row in found["histories"] if row["contestant"] == OURS
    }
    for row in found["histories"]:
        if row["contestant"] == "Castore":
            least = {500: 2.0, 10_000: 10.0}.get(row["events"], 1.0)
            aim = "ahead of Castore" if least == 1 else f"ahead of Castore {least:g} times"
            ahead = 1 / row["of_loading"]
            yield Target(
                f"{aim} at {row['events']:,} events, without head cache",
                f"{ahead:.2f} times; {cached[row['events']] * ahead:.2f} with head cache",
                ahead >= least,
                "at a short history both read as little; the rest is Python against Node, and "
                "hashes, limits and idempotency against none",
            )
    compared = [*found["histories"], *found["shared"], *found["clients"]]
    floors = [row for row in compared if row["contestant"] == "bare loop"]
    if floors:
        worst = max(floors, key=lambda row: float(row["of_loading"]))
        said = f"{worst['of_loading']:.2f} times at worst ({worst['events']:,} events, "
        said += f"{clients_of(worst['clients'])})"
        yield Target(
            "a bare loop is at most 1.5 times as fast, without head cache",
            said,
            worst["of_loading"] <= 1.5,
            "deciding, folding, hashing and PynamoDB are CPU time beside an emulator that answers "
            "in a millisecond (part 7); round trips and units are the same",
        )


_OF_BARE = {"accounts": 60, "journal": 35}
"""The percentage of the bare write rate that each group aims for."""


def _projectors(found: Found) -> Iterator[Target]:
    for stack, counted in found["units"][BUSY].items():
        rows = [row for row in found["rows"] if row["stack"] == stack and row["spread"] != NEW]
        said = ", ".join(
            f"{row['of_bare']:.0%} ({row['spread']}, {row['delay_ms']} ms added)" for row in rows
        )
        kept = [row["of_conditional"] for row in rows]
        shares = sorted(row["of_bare"] * 100 for row in rows)
        aim = _OF_BARE[stack]
        yield Target(
            f"group {stack}: {aim} % of the bare write rate",
            f"{said}; of bare writes with conditions {min(kept):.0%} to {max(kept):.0%}",
            shares[0] >= aim,
            f"by {max(0, aim - shares[-1]):.0f} to {aim - shares[0]:.0f} points: a projector reads "
            "events and makes rows, and the engine takes longer for a statement with a condition "
            "than for a put (part 5)",
        )
        parts = [row["cpu_microseconds"] / row["singly_cpu_microseconds"] for row in rows]
        yield Target(
            f"group {stack}: a third of the CPU time of single writes",
            f"{min(parts):.2f} to {max(parts):.2f}",
            max(parts) <= 1 / 3,
            "reading events, making rows and the transactions of totals take the same as before",
        )
        units = counted["write_units_per_row"]
        yield Target(
            f"group {stack}: at most a write unit per row and batch, plus what exactly-once needs",
            f"{units:.2f}",
            units <= 1.01,
            "a transaction's row is 2 units for its entry in the index by day; the rest is what "
            "exactly-once needs, an account's total and its sum in one transaction",
        )
    for stack in ("accounts", "journal"):
        lag = found["lag"][f"loaded_{stack}"]["p99"]
        yield Target(
            f"group {stack}: lag p99 under 1 s at half of the saturated write rate",
            "not seen" if lag is None else f"{lag:.0f} ms",
            lag is not None and lag < 1000,
        )


def _cold(found: Found) -> Iterator[Target]:
    for row in found["rows"]:
        if row["ours"]:
            yield Target(
                f"{row['lambda']} Lambda starts within 1.25 times the floor",
                f"{row['of_floor']:.2f} times; {row['of_trimmed']:.2f} times a bare client out of "
                "our trimmed package",
                row["of_floor"] <= 1.25,
                "Chalice, PynamoDB and msgspec are loaded besides botocore",
            )
    yield Target(
        "imports that a Lambda does not need are not loaded",
        "held by `tests/test_lambdas.py`",
        met=True,
    )


def _auditing(found: Found) -> Iterator[Target]:
    """By the CPU time of one process, its start included."""
    rows = [row for row in found["rows"] if row["what"] == "audit" and row["processes"] == 1]
    costs = {int(row["events"]): float(row["cpu"]) / row["events"] for row in rows}
    smallest, largest = min(costs), max(costs)
    if smallest == largest:
        return
    ratio = costs[largest] / costs[smallest]
    yield Target(
        f"an audit of {largest:,} events costs at most 1.15 times as much for an event as one of "
        f"{smallest:,}",
        f"{ratio:.2f} times",
        ratio <= 1.15,
        "the machine was shared by other work while this was measured",
    )


def _laptop(found: Found) -> Iterator[Target]:
    """Of as many clients as a test suite has at the most."""
    most = max(row["clients"] for row in found["rows"])
    for row in (row for row in found["rows"] if row["clients"] == most):
        yield Target(
            f"a laptop takes 100 writes a second from {most} clients of {row['kind']}, p99 below "
            "300 ms",
            f"{row['per_second']:.0f}/s, p99 {ms(row['p99'])} ms, {row['refused']} refused",
            row["per_second"] >= 100 and row["p99"] < 300 and not row["refused"],
            f"a write takes {row['server_cpu_ms'] + row['engine_cpu_ms']:.0f} ms of CPU time of "
            "both processes together, on cores that the clients share (part 10)",
        )
