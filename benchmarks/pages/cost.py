"""What things cost: parts 1 and 2, and the alternatives."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks import prices
from benchmarks.pages.markdown import Found, Row, dollars, table, units
from benchmarks.prices import Design
from benchmarks.projectors import BUSY, QUIET

_STEPS = "no: a process, in steps"
_SERVERS = "its servers"

PUBLISHED: tuple[Row, ...] = (
    (
        "django-hordak on PostgreSQL",
        "a server",
        _SERVERS,
        "included",
        "yes, with locks",
        "part 3, *this machine*",
    ),
    (
        "Formance Ledger v3",
        "3 nodes of 8 cores",
        _SERVERS,
        "included",
        "no balance was checked in that run",
        "106,000/s on average, p99 72-74 ms, *published* [1]",
    ),
    (
        "TigerBeetle",
        "a cluster",
        _SERVERS,
        "balances",
        "yes",
        "48,000/s, PostgreSQL beside it 3,356/s, *published by a third party* [2]",
    ),
    (
        "pgledger on PostgreSQL",
        "a server",
        _SERVERS,
        "in SQL",
        "yes",
        "10,637/s among 50 accounts, 7,559/s among 10, *published* [3]",
    ),
    (
        "Modern Treasury Ledgers",
        "nothing",
        "its contract",
        "included",
        "yes",
        "100 requests/s; 20 synchronous entries/s on one account, *published limits* [4]",
    ),
)
"""Those whose price is not per transfer; how fast they are is what they publish themselves."""


def decide(cost: Found, stores: Found, projectors: Found) -> str:
    """What a user could pick instead."""
    busy, batches, quiet = prices.total(cost, projectors)
    whole = f"{dollars(busy)} busy, {dollars(batches)} in batches, {dollars(quiet)} quiet"
    rows: list[Row] = [
        (
            "**Twofold**",
            "nothing",
            f"**{dollars(prices.twofold(cost).dollars)}** at any history, *counted*",
            whole,
            "yes",
            "parts 3 and 4, *emulator*",
        ),
    ]
    for name, design in _designs(stores):
        castore = name.startswith("Castore")
        rows.append(
            (
                name,
                "nothing" if castore else "nodes, all day" if "Akka" in name else "a process",
                f"{dollars(design.dollars)}, *arithmetic*",
                "build it",
                "yes" if castore else _STEPS,
                "part 3, *emulator*" if castore else "none published for DynamoDB",
            )
        )
    return table(
        (
            "",
            "you run",
            "$ per million transfers, to store them",
            "with read side, API, Lambda and logs",
            "both accounts or none, never overdrawn by a race",
            "how fast, and who says so",
        ),
        [*rows, *PUBLISHED],
    )


def break_even(cost: Found, projectors: Found) -> str:
    """How many transfers a month cost as much as a server at 100 dollars."""
    busy, _, _ = prices.total(cost, projectors)
    return f"{100 / busy:.0f} million"


def _designs(stores: Found) -> Iterator[tuple[str, Design]]:
    """Others that store on DynamoDB, so that their cost can be worked out."""
    event = stores["event_bytes"].get("Castore")
    for events in (10, 500, 10_000) if event else ():
        yield f"Castore, {events:,} events per account", prices.castore(event, events)
    yield "Equinox, tip of 32 KiB", prices.EQUINOX_DEFAULT
    yield "Equinox, tip of a few KiB", prices.EQUINOX_SMALL
    yield "Akka on DynamoDB", prices.AKKA


def assumptions(cost: Found, stores: Found) -> str:
    """How the dollars of storing a transfer come about."""
    ours = prices.twofold(cost)
    rows = [("**Twofold**", units(ours.reads), units(ours.writes), "counted, part 1")]
    before = ""
    for name, design in _designs(stores):
        why = "likewise" if design.why == before else design.why
        rows.append((name, units(design.reads), units(design.writes), why))
        before = design.why
    return table(("a transfer", "read units", "write units", "because"), rows)


def bill(cost: Found, projectors: Found) -> str:
    """A million transfers through Twofold."""
    lines = prices.bill(cost, projectors)
    together = {"**together**": prices.total(cost, projectors)}
    rows = [(line, *map(dollars, figures)) for line, figures in (lines | together).items()]
    head = ("of a million transfers", f"busy: {BUSY}", f"busy, sent in batches of {prices.BATCH}")
    return table((*head, f"quiet: {QUIET}"), rows)


def kept(cost: Found) -> str:
    """The cost of storing a million transfers, for a month and a year."""
    monthly = prices.kept(cost)
    lines = {**monthly, "**together**": sum(monthly.values())}
    rows = [(line, dollars(month), dollars(12 * month)) for line, month in lines.items()]
    return table(("for a million transfers that are kept", "a month", "a year"), rows)


def at_rest(cost: Found) -> str:
    """The cost of an environment without traffic, for a month and a year."""
    monthly = prices.at_rest(cost)
    lines = {**monthly, "**together**": sum(monthly.values())}
    rows = [(line, dollars(month), dollars(12 * month)) for line, month in lines.items()]
    return table(("for an environment without traffic", "a month", "a year"), rows)


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
    return _growing(found["histories"], "of_shortest", "events per account")


def in_tables(found: Found) -> str:
    """Part 2, by the size of the table."""
    return _growing(found["tables"], "of_control", "events in the table")


def _growing(rows: Sequence[Found], ratio: str, title: str) -> str:
    """One line per request: its cost, which must not change, and its time at each size."""
    sizes = list(dict.fromkeys(row["events"] for row in rows))
    by = {(row["operation"], row["events"]): row for row in rows}
    head = ("request", "round trips", "read units", "write units")
    return table(
        (*head, *(f"{title}: {size:,}" if size == sizes[0] else f"{size:,}" for size in sizes)),
        (
            (
                operation,
                *(
                    _all_of(cost, (by[operation, size] for size in sizes))
                    for cost in ("round_trips", "read_units_by_size", "write_units_by_size")
                ),
                *(
                    f"{row['milliseconds']:.2f} ms ({row[ratio]:.2f})"
                    for size in sizes
                    for row in (by[operation, size],)
                ),
            )
            for operation in dict.fromkeys(row["operation"] for row in rows)
        ),
    )


def _all_of(cost: str, rows: Iterable[Found]) -> str:
    """That cost at every size: one figure where it is the same."""
    return ", ".join(dict.fromkeys(units(row[cost]) for row in rows))
