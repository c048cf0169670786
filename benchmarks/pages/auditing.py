"""Part 8: what an audit and a rebuild cost, as measured and extrapolated to larger tables."""

from benchmarks.pages.markdown import Found, Row, dollars, table
from benchmarks.prices import READ_DOLLARS
from benchmarks.units import READ_BYTES
from ops.verifying.read_models import GROUPS, READ_MODELS

MACHINE_CORES, MACHINE_DOLLARS = 16, 0.68
"""Of an hour of a c5.4xlarge, which has 32 GiB, on demand in us-east-1 (Amazon EC2 pricing)."""

ON_PAPER = (10**8, 10**10)

_SHOWN = ("audit", "rebuild accounts, all right", "rebuild journal, all right")


def measured(found: Found) -> str:
    """What was measured: CPU seconds per 1,000 events, wall seconds, memory."""
    rows: list[Row] = [
        (
            row["what"],
            f"{row['events']:,}",
            row["processes"],
            f"{row['cpu']:.1f}",
            f"{1000 * row['cpu'] / row['events']:.3f}",
            f"{row['wall']:.0f}",
            f"{row['memory'] / 2**20:.0f} MiB",
            _more(row),
        )
        for row in found["rows"]
    ]
    head = ("command", "events", "processes", "CPU s", "CPU s per 1,000 events", "wall s", "memory")
    return table((*head, "besides"), rows)


def _more(row: Found) -> str:
    if row["findings"]:
        return f"{row['findings']:,} findings"
    return f"{row['new']:,} new events" if row["new"] else ""


def on_paper(found: Found) -> str:
    """Hours and dollars for 10^8 and 10^10 events."""
    rows: list[Row] = []
    for what in _SHOWN:
        of = [row for row in found["rows"] if row["what"] == what]
        if not of:
            continue
        largest = max(of, key=lambda row: (int(row["events"]), int(row["processes"])))
        for events in ON_PAPER:
            hours = events * cpu_per_event(largest) / 3600
            read = events * read_units(largest) * READ_DOLLARS / 1e6
            machine = hours / MACHINE_CORES * MACHINE_DOLLARS
            rows.append(
                (
                    what,
                    f"{events:,}",
                    f"{hours:,.0f}",
                    _hours(hours / MACHINE_CORES),
                    f"{events / hours * MACHINE_CORES / 3600:,.0f}/s",
                    dollars(read),
                    dollars(machine),
                )
            )
    head = ("command", "events", "hours of a core", f"on {MACHINE_CORES} cores")
    return table((*head, "events", "DynamoDB reads", "machine"), rows)


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"


def cpu_per_event(row: Found) -> float:
    """CPU seconds for an event."""
    return float(row["cpu"]) / float(row["events"])


def read_units(row: Found) -> float:
    """Read units for an event: an audit reads events strongly, rows eventually consistently.

    A rebuild also reads, for each row, its event, and for each event, its rows: a unit each.
    """
    stored, events = row["stored"], row["events"]
    size = {name: each["bytes"] / READ_BYTES / events for name, each in stored.items()}
    if row["what"] == "audit":
        return float(size["events"] + sum(size[name] for name in READ_MODELS) / 2)
    group = [model.name for model in GROUPS[row["what"].split()[1].strip(",")]]
    rows = sum(stored[name]["count"] for name in group) / events
    return float(size["events"] + sum(size[name] for name in group) + 2 * rows)
