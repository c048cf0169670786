"""What things cost: parts 1 and 2, and the table that the page opens with."""

from benchmarks import prices
from benchmarks.pages.markdown import Found, Row, table, units
from benchmarks.prices import Design


def decide(cost: Found, stores: Found) -> str:
    """The table that the page opens with: those whose cost on DynamoDB can be said."""
    event = stores["event_bytes"].get("Castore")
    designs: list[tuple[str, str, Design | None, str]] = [
        ("**Twofold**", "counted", prices.twofold(cost), "yes, at any history"),
    ]
    for events in (10, 500, 10_000):
        design = prices.castore(event, events) if event else None
        designs.append((f"Castore, {events:,} events per account", "arithmetic", design, "yes"))
    designs += [
        ("Equinox, tip of 32 KiB", "arithmetic", prices.EQUINOX_DEFAULT, "no: a process, in steps"),
        (
            "Equinox, tip of a few KiB",
            "arithmetic",
            prices.EQUINOX_SMALL,
            "no: a process, in steps",
        ),
        ("Akka on DynamoDB", "arithmetic", prices.AKKA, "no: a process; its nodes run all day"),
    ]
    return table(
        ("", "how known", "read units", "write units", "all or nothing", "$ per million"),
        (
            (
                name,
                how,
                units(design.reads) if design else "?",
                units(design.writes) if design else "?",
                whole,
                f"${design.dollars:.2f}" if design else "?",
            )
            for name, how, design, whole in designs
        ),
    )


def bill(cost: Found, projectors: Found) -> str:
    """A million transfers through Twofold."""
    lines = list(prices.bill(cost, projectors))
    total = sum(dollars for _, dollars in lines)
    rows = [(line, f"${dollars:.2f}") for line, dollars in [*lines, ("**together**", total)]]
    return table(("of a million transfers", "dollars"), rows)


def cost(found: Found) -> str:
    """Part 1."""
    return table(
        (
            "request",
            "round trips",
            "calls",
            "read units",
            "write units",
            "sent, bytes",
            "received, bytes",
            "round trips, read units when warm",
        ),
        (
            (
                row["operation"],
                row["round_trips"],
                row["requests"],
                units(row["read_units"]),
                units(row["write_units"]),
                f"{row['sent']:,}",
                f"{row['received']:,}",
                f"{row['warm']['round_trips']}, {units(row['warm']['read_units'])}",
            )
            for row in found["rows"]
        ),
    )


def reported(found: Found) -> str:
    """Which engine reports what."""
    engines = list(found["reported"])
    calls = found["reported"][engines[0]]
    return table(
        ("call", "charged", *engines),
        (
            (
                call["call"],
                units(call["charged"]),
                *(_said(found["reported"][engine][place]) for engine in engines),
            )
            for place, call in enumerate(calls)
        ),
    )


def _said(row: Found) -> str:
    if row["reported"] is None:
        return "nothing"
    said = units(row["reported"])
    return said if row["reported"] == row["charged"] else f"**{said}**"


def histories(found: Found) -> str:
    """Part 2, by the length of histories."""
    return table(
        ("request", "events", "round trips", "read units", "write units", "ms", "of the shortest"),
        (
            (*_grown(row), f"{row['milliseconds']:.2f}", f"{row['of_shortest']:.3f}")
            for row in found["histories"]
        ),
    )


def in_tables(found: Found) -> str:
    """Part 2, by the size of the table."""
    return table(
        ("request", "events in the table", "round trips", "read units", "write units", "ms"),
        ((*_grown(row), f"{row['milliseconds']:.2f}") for row in found["tables"]),
    )


def _grown(row: Found) -> Row:
    return (
        row["operation"],
        f"{row['events']:,}",
        row["round_trips"],
        units(row["read_units_by_size"]),
        units(row["write_units_by_size"]),
    )
