"""Targets: what was set out for, what was measured, and whether it was met."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Mapping[str, Any] | None]
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Target:
    """One line of the table."""

    aim: str
    measured: str
    met: bool


def targets(results: Results) -> Iterator[Target]:
    """Every target of the parts that were measured."""
    judges: dict[str, Callable[[Mapping[str, Any]], Iterator[Target]]] = {
        "cost": _cost,
        "growth": _growth,
        "stores": _stores,
        "contention": _contention,
        "projectors": _projectors,
        "cold": _cold,
    }
    for part, judge in judges.items():
        found = results.get(part)
        if found is not None:
            yield from judge(found)


def _cost(found: Mapping[str, Any]) -> Iterator[Target]:
    rows = {row["operation"]: row for row in found["rows"]}
    transfer, account = rows["transfer, 2 entries"], rows["account"]
    yield _costs("a transfer: 2 round trips, 2 read units, 6 write units", transfer, 2, 2, 6)
    aim = "a transfer between accounts that the process remembers: 1 round trip, no read units"
    yield _costs(aim, transfer["warm"], 1, 0, 6)
    yield _costs("a command on one stream: 1 write unit", rows["freeze"], 2, 1, 1)
    yield _costs("an account read: 1 round trip, half a read unit", account, 1, 0.5, 0)


def _costs(aim: str, row: Mapping[str, Any], trips: int, reads: float, writes: float) -> Target:
    counted = (row["round_trips"], row["read_units"], row["write_units"])
    said = "{} round trips, {:g} read and {:g} write units".format(*counted)
    return Target(aim, said, counted == (trips, reads, writes))


def _growth(found: Mapping[str, Any]) -> Iterator[Target]:
    longest = max(row["events"] for row in found["histories"])
    rows = [row for row in found["histories"] if row["events"] == longest]
    worst = max(rows, key=lambda row: float(row["of_shortest"]))
    yield Target(
        f"flat: at {longest:,} events within 5 % of 10",
        f"{worst['of_shortest'] - 1:+.1%} at worst ({worst['operation']})",
        worst["of_shortest"] <= 1.05,
    )
    units = {
        (row["operation"], row["read_units_by_size"], row["write_units_by_size"])
        for row in found["histories"]
    }
    same = len(units) == len(rows)
    yield Target("flat in units, exactly", "the same" if same else "not the same", same)


def _stores(found: Mapping[str, Any]) -> Iterator[Target]:
    lengths = sorted({row["events"] for row in found["histories"]})
    for events in lengths:
        share = _of(found["histories"], "Castore", events)
        if share is not None:
            least = {500: 2.0, 10_000: 10.0}.get(events, 1.0)
            aim = "ahead of Castore" if least == 1 else f"ahead of Castore {least:g} times"
            yield Target(
                f"{aim} at {events:,} events", f"{1 / share:.2f} times", 1 / share >= least
            )
    shares = [share for one in lengths if (share := _of(found["histories"], "bare loop", one))]
    if shares:
        yield Target(
            "within 1.5 times of a bare loop",
            f"{max(shares):.2f} times at worst",
            max(shares) <= 1.5,
        )


def _of(rows: Rows, contestant: str, events: int) -> float | None:
    """Its rate as a share of ours."""
    for row in rows:
        if (row["contestant"], row["events"]) == (contestant, events):
            return float(row["of_twofold"]) or None
    return None


def _contention(found: Mapping[str, Any]) -> Iterator[Target]:
    far = [row for row in found["rows"] if row["delay_ms"]]
    strict = [row for row in far if row["stripes"] == 1]
    best, last = max(strict, key=_per_second), strict[-1]
    aim = "one strict account takes more than 20 entries a second, with a network played"
    said = f"{best['per_second']:.0f} from {best['clients']} clients at once, "
    said += f"{last['per_second']:.0f} from {last['clients']}"
    yield Target(aim, said, best["per_second"] > 20)
    peaks = {
        stripes: max(_per_second(row) for row in far if row["stripes"] == stripes)
        for stripes in sorted({row["stripes"] for row in far})
    }
    said = ", ".join(f"{stripes}: {rate:.0f}/s" for stripes, rate in peaks.items())
    rates = list(peaks.values())
    yield Target("throughput grows with the stripes", said, rates == sorted(rates))


def _per_second(row: Mapping[str, Any]) -> float:
    return float(row["per_second"])


def _projectors(found: Mapping[str, Any]) -> Iterator[Target]:
    for row in found["rows"]:
        played = ", with a network played" if row["delay_ms"] else ""
        aim = f"{row['stack']} stack, {row['spread']}{played}: 60 % of the bare write rate"
        yield Target(aim, f"{row['of_bare']:.0%}", row["of_bare"] >= 0.6)
    for row in found["rows"]:
        if not row["delay_ms"]:
            # A totals row is written in a transaction, a row with an index entry is two writes.
            most = 2 if row["stack"] == "journal" else 1
            needs = ", double where an index or exactly-once needs it" if most == 2 else ""
            yield Target(
                f"{row['stack']} stack, {row['spread']}: a write unit per row and batch{needs}",
                f"{row['write_units_per_row']:.2f}",
                row["write_units_per_row"] <= most * 1.01,
            )
    for state in ("accounts", "journal"):
        lag = found["lag"][f"loaded_{state}"]["p99"]
        said = "not seen" if lag is None else f"{lag:.0f} ms"
        yield Target(
            f"{state} stack: lag p99 under 1 s at half of the saturated write rate",
            said,
            lag is not None and lag < 1000,
        )


def _cold(found: Mapping[str, Any]) -> Iterator[Target]:
    for row in found["rows"][:-2]:
        said = f"{row['of_floor']:.2f} times"
        aim = f"{row['lambda']} Lambda starts within 1.25 times the floor"
        yield Target(aim, said, row["of_floor"] <= 1.25)
