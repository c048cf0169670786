"""Targets of accounts that many clients write."""

from collections.abc import Iterator
from itertools import pairwise

from benchmarks.contention import LOCAL, SPREAD, STRICT, STRIPED, UNCOMBINED
from benchmarks.judging import Found, Rows, Target
from benchmarks.pages.hot import refused
from benchmarks.pages.markdown import ms
from benchmarks.pages.speed import clients_of
from benchmarks.simulation.part import COMBINED, DIRECT


def contention(found: Found) -> Iterator[Target]:
    """Of real clients, on an emulator."""
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
    """Up to what the engine takes at the most, which is what it takes where nobody shares."""
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
    """Of clients in virtual time."""
    rows = {(row["kind"], row["clients"]): row for row in found["combining"]}
    for clients, seconds in ((64, 0.5), (256, None)):
        row = rows[COMBINED, clients]
        is_quick = seconds is None or row["p99"] < 1000 * seconds
        yield Target(
            f"simulated, {clients} clients of one account: 400/s, none refused"
            + (f", p99 below {seconds} s, at most 10 write units" if seconds else ""),
            f"{row['per_second']:.0f}/s, {row['refused']} refused, p99 {row['p99']:.0f} ms, "
            f"{row['write_units']:.1f} write units",
            row["per_second"] >= 400
            and not row["refused"]
            and is_quick
            and (seconds is None or row["write_units"] <= 10),
            "the simulation is in part 9",
        )
    for clients in (1, 2, 4):
        before, row = rows[DIRECT, clients], rows[COMBINED, clients]
        most = 1.0 if clients == 1 else 1.4
        rate = row["per_second"] / before["per_second"]
        units = row["write_units"] / before["write_units"]
        yield Target(
            f"simulated, {clients_of(clients)}: no slower than without inboxes, at most {most:g} "
            "times its write units",
            f"{rate:.2f} times as fast, {units:.2f} times the write units",
            rate >= 1 and units <= most,
            "a term of leading takes a few round trips, which so few clients do not fill; p99 is "
            f"{row['p99']:.0f} ms instead of {before['p99']:.0f} ms",
        )


def _best(rows: Rows) -> Found:
    return max(rows, key=_rate)


def _rate(row: Found) -> float:
    return float(row["per_second"])
