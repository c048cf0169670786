"""How fast things are: parts 3 to 7."""

from collections.abc import Sequence

from benchmarks.pages.markdown import Found, ms, table


def machine(found: Found) -> str:
    """On what it was measured."""
    of = found["machine"]
    return (
        f"{of['cores']} cores, {of['memory']} of memory, {of['system']}, Python {of['python']}, "
        f"{of['java']}, Node {of['node']}; {found['measured_at']}, load average {of['load']}"
    )


def stores_by_history(found: Found) -> str:
    """Part 3, one client."""
    return _stores(found["histories"], "events", "events per account")


def stores_by_clients(found: Found) -> str:
    """Part 3, several clients on shared accounts."""
    rows = table(
        ("", "clients", "transfers/s", "p50 ms", "p99 ms", "lost races", "events lost"),
        (
            (
                row["contestant"],
                row["clients"],
                f"{row['per_second']:.0f}",
                ms(row["p50"]),
                ms(row["p99"]),
                row["conflicts"],
                "not counted" if row["lost_events"] is None else row["lost_events"],
            )
            for row in found["clients"]
        ),
    )
    missing = [f"{name} did not take part: {why}." for name, why in found["missing"].items()]
    return "\n\n".join([rows, *missing])


def _stores(rows: Sequence[Found], key: str, title: str) -> str:
    columns = list(dict.fromkeys(row[key] for row in rows))
    names = list(dict.fromkeys(row["contestant"] for row in rows))
    cells = {(row["contestant"], row[key]): row for row in rows}
    return table(
        (f"transfers/s (and of Twofold's), by {title}", *(f"{column:,}" for column in columns)),
        (
            (
                name,
                *(
                    f"{cells[name, column]['per_second']:.0f} "
                    f"({cells[name, column]['of_twofold']:.2f})"
                    for column in columns
                ),
            )
            for name in names
        ),
    )


def contention(found: Found) -> str:
    """Part 4."""
    return table(
        (
            "stripes",
            "ms added per call",
            "clients",
            "transfers/s",
            "p50 ms",
            "p99 ms",
            "lost races per transfer",
            "refused",
        ),
        (
            (
                row["stripes"],
                row["delay_ms"],
                row["clients"],
                f"{row['per_second']:.0f}",
                ms(row["p50"]),
                ms(row["p99"]),
                f"{row['conflicts'] / max(1, row['done']):.1f}",
                row["refused"],
            )
            for row in found["rows"]
        ),
    )


def projectors(found: Found) -> str:
    """Part 5, rates and units."""
    return table(
        (
            "stack",
            "transfers among",
            "ms added per call",
            "events/s",
            "bare write, events/s",
            "of bare",
            "of bare with conditions",
            "rows per event",
            "write units per event",
            "per row",
            "read units per event",
        ),
        (
            (
                row["stack"],
                row["spread"],
                row["delay_ms"],
                f"{row['events_per_second']:.0f}",
                f"{row['bare_events_per_second']:.0f}",
                f"{row['of_bare']:.2f}",
                f"{row['of_conditional']:.2f}",
                f"{row['rows_per_event']:.2f}",
                f"{row['write_units_per_event']:.2f}",
                f"{row['write_units_per_row']:.2f}",
                f"{row['read_units_per_event']:.2f}",
            )
            for row in found["rows"]
        ),
    )


def lag(found: Found) -> str:
    """Part 5, lag."""
    of = found["lag"]
    rates = {"idle": "one at a time", "loaded": f"{of['loaded_per_second']:.0f}"}
    return (
        table(
            ("stack", "transfers/s", "samples", "p50 ms", "p99 ms"),
            (
                (
                    stack,
                    rate,
                    of[f"{state}_{stack}"]["samples"],
                    ms(of[f"{state}_{stack}"]["p50"]),
                    ms(of[f"{state}_{stack}"]["p99"]),
                )
                for state, rate in rates.items()
                for stack in ("accounts", "journal")
            ),
        )
        + f"\n\nSaturated, the same machine wrote {of['saturated_per_second']:.0f} transfers/s."
    )


def cold(found: Found) -> str:
    """Part 6."""
    rows = table(
        ("", "import ms", "first request ms", "both", "of the floor", "peak MB", "modules"),
        (
            (
                row["lambda"],
                f"{row['import']:.0f}",
                f"{row['first']:.0f}",
                f"{row['total']:.0f}",
                f"{row['of_floor']:.2f}",
                f"{row['megabytes']:.0f}",
                row["modules"],
            )
            for row in found["rows"]
        ),
    )
    size = found["zip"]
    packed, unpacked = size["packed"] / 2**20, size["unpacked"] / 2**20
    return f"{rows}\n\nThe package: {packed:.1f} MB, unpacked {unpacked:.1f} MB."


def cpu(found: Found) -> str:
    """Part 7."""
    owners = ("chalicelib", "pynamodb", "botocore", "chalice", "Python")
    pure = found["pure"]["transfer, 2 entries"]
    return (
        table(
            ("", "CPU, µs", *owners),
            (
                (
                    row["operation"],
                    f"{row['microseconds']:.0f}",
                    *(
                        f"{found['profiles'][row['operation']]['shares'].get(owner, 0):.0%}"
                        for owner in owners
                    ),
                )
                for row in found["rows"]
            ),
        )
        + f"\n\nA transfer on a store in memory, decided, folded, encoded, hashed: {pure:.0f} µs."
    )


def hot_spots(found: Found) -> str:
    """Part 7: the functions in which most of a transfer's time is spent, without what they call."""
    ours = found["profiles"]["transfer, 2 entries"]["functions"]
    return table(
        ("function", "of the time"), ((f"`{f}`", f"{share:.0%}") for f, share in ours.items())
    )
