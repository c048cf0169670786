"""What matters most, in one table: what the page opens with."""

from benchmarks import prices
from benchmarks.contention import LOCAL, STRICT, STRIPED, UNCOMBINED
from benchmarks.pages.markdown import Found, Row, dollars, table, units
from benchmarks.projectors import BUSY, QUIET
from benchmarks.stores.contestants import LOADING, OURS

COUNTED, EMULATOR = "counted", "emulator"


def summary(cost: Found, stores: Found, contention: Found, projectors: Found, cold: Found) -> str:
    """The table that the page opens with."""
    rows: list[Row] = [
        *_costs(cost),
        *_dollars(cost, projectors),
        *_rates(stores, contention),
        *_delays(projectors, cold),
    ]
    return table(("what", "figure", "known by"), rows)


def _costs(found: Found) -> list[Row]:
    rows = {row["operation"]: row for row in found["rows"]}
    transfer = rows["transfer, 2 entries"]["warm"]
    return [
        ("**write**: transfer between two accounts", _cost(rows["transfer, 2 entries"]), COUNTED),
        ("… when the process wrote these accounts last", _cost(transfer), COUNTED),
        ("… atomic batch of 30 transfers", _cost(rows["batch of 30 transfers, atomic"]), COUNTED),
        ("change of one account, such as a freeze", _cost(rows["freeze"]), COUNTED),
        ("**read**: an account or a transaction", _cost(rows["account"]), COUNTED),
        ("balance at a time", _cost(rows["balance then"]), COUNTED),
        ("statement, a page of 5 entries", _cost(rows["statement, a page of 5"]), COUNTED),
        ("trial balance", _cost(rows["trial balance"]), COUNTED),
    ]


def _cost(row: Found) -> str:
    counted = {
        "round trip": row["round_trips"],
        "read unit": row["read_units"],
        "write unit": row["write_units"],
    }
    return ", ".join(
        f"{units(number)} {name}{'' if number in (0.5, 1) else 's'}"
        for name, number in counted.items()
        if number or name != "write unit"
    )


def _dollars(cost: Found, projectors: Found) -> list[Row]:
    busy, batches, quiet = prices.total(cost, projectors)
    known = "counted units at list prices"
    return [
        ("**a million transfers**, stored", dollars(prices.twofold(cost).dollars), known),
        (
            "… with read side, API, Lambda and logs",
            f"{dollars(busy)} in {BUSY} ({dollars(batches)} if sent in batches of {prices.BATCH}), "
            f"{dollars(quiet)} with {QUIET}",
            f"{known}; 30 ms of Lambda assumed",
        ),
    ]


def _rates(stores: Found, contention: Found) -> list[Row]:
    alone = {
        (row["contestant"], row["events"]): f"{row['per_second']:.0f}/s"
        for row in stores["histories"]
    }
    events = max(events for _, events in alone)
    delay = max(row["delay_ms"] for row in contention["rows"])
    best: dict[str, float] = {}
    for row in contention["rows"]:
        if (row["engine"], row["delay_ms"]) == (LOCAL, delay):
            best[row["kind"]] = max(best.get(row["kind"], 0), row["per_second"])
    kinds = {
        STRICT: "",
        UNCOMBINED: " not combined",
        STRIPED[-1]: f" with {STRIPED[-1].stripes} stripes",
    }
    known = [f"{best[kind.name]:.0f}/s{how}" for kind, how in kinds.items() if kind.name in best]
    return [
        (
            f"**throughput** of one client, {events:,} events per account",
            f"{alone[LOADING, events]}; {alone[OURS, events]} with head cache",
            EMULATOR,
        ),
        (
            f"into one account, {delay} ms added to every call",
            "; ".join(known),
            EMULATOR,
        ),
    ]


def _delays(projectors: Found, cold: Found) -> list[Row]:
    lag = projectors["lag"]
    loaded = lag["loaded_accounts"]
    (start,) = [row for row in cold["rows"] if row["lambda"] == "write"]
    return [
        (
            f"**delay** until a read shows a write, at {lag['loaded_per_second']:.0f} transfers/s",
            f"p50 {loaded['p50']:.0f} ms, p99 {loaded['p99']:.0f} ms",
            EMULATOR,
        ),
        (
            "cold start of the command Lambda, first answer included",
            f"{start['total']:.0f} ms, {start['of_floor']:.2f} times a bare botocore client",
            "this machine",
        ),
    ]
