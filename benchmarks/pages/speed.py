"""How fast transfers are stored: part 3."""

from collections.abc import Callable, Sequence

from benchmarks.pages.markdown import Found, ms, table


def stores_by_history(found: Found) -> str:
    """Part 3, one client."""
    return _compared(found["histories"], "events", f"{clients_of(1)}, by events per account")


def stores_shared(found: Found) -> str:
    """Part 3, some clients at every length."""
    rows = found["shared"]
    clients = rows[0]["clients"]
    return _compared(rows, "events", f"{clients_of(clients)}, by events per account")


def stores_by_clients(found: Found) -> str:
    """Part 3, ever more clients: rate, latency, conflicts, and lost events."""
    rows = found["clients"]
    length = rows[0]["events"]
    tables = [_compared(rows, "clients", f"{length} events per account, by clients")]
    cells: dict[str, Callable[[Found], object]] = {
        "p50 and p99, ms": lambda row: f"{ms(row['p50'])}, {ms(row['p99'])}",
        "conflicts per transfer": lambda row: f"{row['conflicts'] / max(1, row['done']):.2f}",
        "lost events": lambda row: row["lost_events"],
    }
    for title, cell in cells.items():
        shown = [row for row in rows if title.startswith("p50") or _occurs(cell, row, rows)]
        tables.append(_pivoted(shown, "clients", f"{title}, by clients", cell))
    uncounted = {row["contestant"] for row in rows if row["lost_events"] is None}
    tables.append(
        "A contestant without a row had none."
        + (f" Not counted: lost events of {'; '.join(sorted(uncounted))}." if uncounted else "")
    )
    missing = [f"{name} did not take part: {why}." for name, why in found["missing"].items()]
    return "\n\n".join([*tables, *missing])


def _occurs(cell: Callable[[Found], object], row: Found, rows: Sequence[Found]) -> bool:
    """Whether this row's contestant has the figure above zero with any number of clients."""
    own = (one for one in rows if one["contestant"] == row["contestant"])
    return any(float(str(cell(one) or 0)) > 0 for one in own)


def clients_of(number: int) -> str:
    """So many clients, in words."""
    return "one client" if number == 1 else f"{number} clients"


def _compared(rows: Sequence[Found], key: str, title: str) -> str:
    return _pivoted(
        rows,
        key,
        f"transfers/s (times Twofold, without head cache): {title}",
        lambda row: f"{row['per_second']:.0f} ({row['of_loading']:.2f})",
    )


def _pivoted(rows: Sequence[Found], key: str, title: str, cell: Callable[[Found], object]) -> str:
    columns = list(dict.fromkeys(row[key] for row in rows))
    names = list(dict.fromkeys(row["contestant"] for row in rows))
    cells = {(row["contestant"], row[key]): cell(row) for row in rows}
    return table(
        (title, *(f"{column:,}" for column in columns)),
        ((name, *(cells.get((name, column), "") for column in columns)) for name in names),
    )
