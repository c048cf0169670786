"""Hot accounts, in parts 1, 4 and 9."""

from collections.abc import Sequence

from benchmarks.pages.markdown import Found, ms, table, units


def contention(found: Found) -> str:
    """Part 4: a table for each engine, without a network and with one."""
    rows = found["rows"]
    settings = dict.fromkeys((row["engine"], row["delay_ms"]) for row in rows)
    return "\n\n".join(
        _contended(
            [row for row in rows if (row["engine"], row["delay_ms"]) == setting],
            f"{setting[0]}, {setting[1]} ms added per call",
        )
        for setting in settings
    )


def _contended(rows: Sequence[Found], setting: str) -> str:
    clients = list(dict.fromkeys(row["clients"] for row in rows))
    cells = {(row["kind"], row["clients"]): _contended_cell(row) for row in rows}
    return table(
        (
            f"{setting}: transfers/s, p50 and p99 ms, refused, units written, round trips; clients",
            *map(str, clients),
        ),
        (
            (kind, *(cells.get((kind, number), "") for number in clients))
            for kind in dict.fromkeys(row["kind"] for row in rows)
        ),
    )


def _contended_cell(row: Found) -> str:
    each = (units(row[name] and round(row[name], 1)) for name in ("write_units", "round_trips"))
    times = f"{row['per_second']:.0f}, {ms(row['p50'])}, {ms(row['p99'])}"
    return ", ".join((times, f"{refused(row):.0%}", *each))


def counted(found: Found) -> str:
    """Part 1: what commands cost that collide with others."""
    return table(
        ("command", "round trips", "requests", "read units", "write units"),
        (
            (
                row["case"],
                row["round_trips"],
                row["requests"],
                units(row["read_units"]),
                units(row["write_units"]),
            )
            for row in found["combining"]
        ),
    )


def refused(row: Found) -> float:
    """The share of transfers that were refused with `contention`."""
    return float(row["refused"] / max(1, row["done"] + row["refused"]))


def simulated(found: Found) -> str:
    """Clients of one hot account, with inboxes and without."""
    rows = found["combining"]
    clients = list(dict.fromkeys(row["clients"] for row in rows))
    cells = {(row["kind"], row["clients"]): _simulated_cell(row) for row in rows}
    return table(
        (
            "simulated: transfers/s, p99 ms, refused, write and read units; by clients",
            *map(str, clients),
        ),
        (
            (kind, *(cells[kind, number] for number in clients))
            for kind in dict.fromkeys(row["kind"] for row in rows)
        ),
    )


def _simulated_cell(row: Found) -> str:
    return (
        f"{row['per_second']:.0f}, {row['p99']:.0f}, {refused(row):.1%}, "
        f"{row['write_units']:.1f}, {row['read_units']:.1f}"
    )


def throttled(found: Found) -> str:
    """The same behind a limit of write units for each key."""
    return table(
        (
            "write units/s of one key",
            "clients",
            "transfers/s",
            "p99 ms",
            "refused",
            "throttled calls per transfer",
        ),
        (
            (
                f"{row['capacity']:,}",
                row["clients"],
                f"{row['per_second']:.0f}",
                f"{row['p99']:.0f}",
                f"{refused(row):.1%}",
                f"{row['throttled'] / max(1, row['done']):.2f}",
            )
            for row in found["throttled"]
        ),
    )


def escrow(found: Found) -> str:
    """Stripes that share a limit, beside one combined account."""
    return table(
        (
            "pool",
            "funds",
            "clients",
            "answers/s",
            "p99 ms",
            "not through",
            "declined",
            "write units",
            "read units",
            "loans per answer",
        ),
        (
            (
                row["kind"],
                row["funds"],
                row["clients"],
                f"{row['per_second']:.0f}",
                f"{row['p99']:.0f}",
                f"{refused(row):.1%}",
                f"{row['declined'] / max(1, row['done']):.1%}",
                f"{row['write_units']:.1f}",
                f"{row['read_units']:.1f}",
                f"{row['loans'] / max(1, row['done']):.2f}",
            )
            for row in found["escrow"]
        ),
    )
