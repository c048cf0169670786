"""Targets of hot accounts."""

from collections.abc import Iterator
from itertools import pairwise

from benchmarks.contention import LOCAL, SPREAD, STRICT, STRIPED, UNCOMBINED
from benchmarks.judging import Found, Rows, Target
from benchmarks.pages.hot import refused
from benchmarks.pages.markdown import ms
from benchmarks.pages.speed import clients_of
from benchmarks.simulation.part import COMBINED, DIRECT


def contention(found: Found) -> Iterator[Target]:
    """The targets of real clients, on an emulator."""
    far = [row for row in found["rows"] if row["delay_ms"] and row["engine"] == LOCAL]
    of = {
        kind.name: [row for row in far if row["kind"] == kind.name] for kind in (STRICT, UNCOMBINED)
    }
    strict = of[STRICT.name] or of[UNCOMBINED.name]
    said = "; ".join(
        f"{row['per_second']:.0f} from {clients_of(row['clients'])} (p99 {ms(row['p99'])} ms, "
        f"{refused(row):.0%} refused)"
        for row in (_best(strict), strict[-1])
    )
    yield Target(
        "one strict account takes more than the 20 entries a second that the best-known "
        "commercial ledger sells, with a simulated network",
        said,
        _rate(_best(strict)) > 20,
    )
    yield _grows(far)


def _grows(rows: Rows) -> Target:
    """More stripes, more transfers, up to the maximum of the engine: without a shared account."""
    peaks = {
        kind.name: _rate(_best([row for row in rows if row["kind"] == kind.name]))
        for kind in (UNCOMBINED, *STRIPED, SPREAD)
    }
    most = peaks.pop(SPREAD.name)
    said = ", ".join(f"{name}: {rate:.0f}/s" for name, rate in peaks.items())
    rates = list(peaks.values())
    grows = all(later > earlier or later > 0.9 * most for earlier, later in pairwise(rates))
    return Target(
        "throughput grows with the stripes until the engine saturates",
        f"{said}; {most:.0f}/s with no account in common",
        grows,
    )


def simulation(found: Found) -> Iterator[Target]:
    """The targets of clients in virtual time."""
    rows = {(row["kind"], row["clients"]): row for row in found["combining"]}
    many, most = rows[COMBINED, 64], rows[COMBINED, 256]
    is_cheap = many["p99"] < 500 and many["write_units"] <= 10
    aim = "simulated, {} clients of one account: 400/s, none refused"
    yield Target(
        f"{aim.format(64)}, p99 below 0.5 s, at most 10 write units",
        _simulated(many),
        _holds(many) and is_cheap,
        "the simulation is in part 9",
    )
    yield Target(aim.format(256), _simulated(most), _holds(most), "the simulation is in part 9")
    for clients in (1, 2, 4):
        before, row = rows[DIRECT, clients], rows[COMBINED, clients]
        times = 1.0 if clients == 1 else 1.4
        rate = row["per_second"] / before["per_second"]
        units = row["write_units"] / before["write_units"]
        yield Target(
            f"simulated, {clients_of(clients)}: no slower than without inboxes, at most {times:g} "
            "times its write units",
            f"{rate:.2f} times as fast, {units:.2f} times the write units",
            rate >= 1 and units <= times,
            "a term of leading takes a few round trips, which so few clients do not fill; p99 is "
            f"{row['p99']:.0f} ms instead of {before['p99']:.0f} ms",
        )


def _simulated(row: Found) -> str:
    return (
        f"{row['per_second']:.0f}/s, {row['refused']} refused, p99 {row['p99']:.0f} ms, "
        f"{row['write_units']:.1f} write units"
    )


def _holds(row: Found) -> bool:
    return bool(row["per_second"] >= 400 and not row["refused"])


def _best(rows: Rows) -> Found:
    return max(rows, key=_rate)


def _rate(row: Found) -> float:
    return float(row["per_second"])
