"""How fast events are projected: part 5."""

from benchmarks.pages.markdown import Found, ms, table


def projectors(found: Found) -> str:
    """Part 5, rates and units."""
    return table(
        (
            "group",
            "transfers among",
            "ms added per call",
            "events/s",
            "bare write, events/s",
            "of bare",
            "of bare with conditions",
            "row by row, events/s",
            "CPU µs an event",
            "row by row",
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
                f"{row['singly_events_per_second']:.0f}",
                f"{row['cpu_microseconds']:.0f}",
                f"{row['singly_cpu_microseconds']:.0f}",
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
            ("group", "transfers/s", "samples", "p50 ms", "p99 ms"),
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
