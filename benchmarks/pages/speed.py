"""How fast transfers are stored: parts 3 and 4."""

from collections.abc import Callable, Sequence

from benchmarks.pages.markdown import Found, ms, table
from benchmarks.stores.contestants import HORDAK, LOADING, OURS


def stores_by_history(found: Found) -> str:
    """Part 3, one client."""
    return _compared(found["histories"], "events", f"{clients_of(1)}, by events per account")


def stores_shared(found: Found) -> str:
    """Part 3, some clients at every length."""
    rows = found["shared"]
    clients = rows[0]["clients"]
    return _compared(rows, "events", f"{clients_of(clients)}, by events per account")


def stores_by_clients(found: Found) -> str:
    """Part 3, ever more clients: how fast, how long it took, and what was lost."""
    rows = found["clients"]
    length = rows[0]["events"]
    tables = [_compared(rows, "clients", f"{length} events per account, by clients")]
    lost = [
        ("p50 and p99, ms", lambda row: f"{ms(row['p50'])}, {ms(row['p99'])}"),
        ("lost races per transfer", lambda row: f"{row['conflicts'] / max(1, row['done']):.2f}"),
        (
            "acknowledged events that are not there",
            lambda row: "not counted" if row["lost_events"] is None else row["lost_events"],
        ),
    ]
    tables += [_pivoted(rows, "clients", f"{title}, by clients", cell) for title, cell in lost]
    missing = [f"{name} did not take part: {why}." for name, why in found["missing"].items()]
    return "\n\n".join([*tables, *missing])


def hordak(found: Found) -> str:
    """Part 3: where the relational alternative is faster, and where it is not."""
    said = []
    for rows, key in ((found["histories"], "events"), (found["clients"], "clients")):
        names = [HORDAK["checked"], HORDAK["unchecked"], LOADING, OURS]
        rates = {(row["contestant"], row[key]): row["per_second"] for row in rows}
        if not all(name in {row["contestant"] for row in rows} for name in names):
            continue
        for place in (rows[0][key], rows[-1][key]):
            checked, unchecked, loading, ours = (round(rates[name, place]) for name in names)
            where = f"{place:,} events per account" if key == "events" else clients_of(place)
            said.append(
                f"with {where}, {checked:,} transfers/s checked and {unchecked:,} unchecked, "
                f"against Twofold's {loading:,}, or {ours:,} where it remembers"
            )
    return "; ".join(said) + "." if said else "It did not take part."


def clients_of(number: int) -> str:
    """So many clients, in words."""
    return "one client" if number == 1 else f"{number} clients"


def _compared(rows: Sequence[Found], key: str, title: str) -> str:
    return _pivoted(
        rows,
        key,
        f"transfers/s (times Twofold, remembering nothing): {title}",
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


def contention(found: Found) -> str:
    """Part 4, without a network and with one."""
    rows = found["rows"]
    return "\n\n".join(
        _contended([row for row in rows if row["delay_ms"] == delay], delay)
        for delay in dict.fromkeys(row["delay_ms"] for row in rows)
    )


def _contended(rows: Sequence[Found], delay: int) -> str:
    clients = list(dict.fromkeys(row["clients"] for row in rows))
    cells = {(row["stripes"], row["clients"]): row for row in rows}
    return table(
        (
            f"{delay} ms added per call: transfers/s, p99 ms, refused, by clients",
            *map(str, clients),
        ),
        (
            (
                kind_of(stripes),
                *(
                    f"{row['per_second']:.0f}, {ms(row['p99'])}, {refused(row):.0%}"
                    for number in clients
                    for row in (cells[stripes, number],)
                ),
            )
            for stripes in dict.fromkeys(row["stripes"] for row in rows)
        ),
    )


def refused(row: Found) -> float:
    """The share of transfers that were not through in time."""
    return float(row["refused"] / max(1, row["done"] + row["refused"]))


def kind_of(stripes: int) -> str:
    """What all clients pay into."""
    return {0: "256 accounts", 1: "one strict account"}.get(
        stripes, f"one account in {stripes} stripes"
    )
