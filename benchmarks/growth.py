"""Part 2, growth: the same requests with longer histories, and in a larger table.

Nothing is remembered, so that every command loads what it decides on. Histories take turns, so that
whatever else the machine does slows all of them down alike; a table that grows cannot be turned
back, so there a request to another table shows what the machine did.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from chalice.test import Client

from benchmarks import results
from benchmarks.api import COMMANDS, QUERIES, Api, Operation, feed, furnish, opened
from benchmarks.books import history, item_of
from benchmarks.cost import cost_of
from benchmarks.counting import Meter
from benchmarks.engine import dynamodb_local, fill
from chalicelib.commands.executor import executor
from chalicelib.events.table import EventItem

HISTORIES = (10, 100, 1_000, 10_000)
TABLES = (1_000, 10_000, 100_000, 1_000_000)
FILL_SECONDS = 300
"""A larger table is not begun if it would take longer than this to fill it, at the rate so far."""

TRIES = 3
"""Of a request, of which the fastest counts: what else a machine does only makes one slower."""

QUICK_ROUNDS = 2

COUNTED = (
    "transfer, 2 entries",
    "hold",
    "post a hold",
    "reverse",
    "batch of 30 transfers, atomic",
    "account",
    "balance now",
    "balance then",
    "entries, a page of 5",
    "statement, a page of 5",
    "trial balance",
)
CONTROL = "account"
"""Reads another table, as a measure of the machine's noise."""

IN_TABLE = (CONTROL, "open", "transfer, 2 entries", "hold", "post a hold", "reverse")


def run(*, quick: bool) -> None:
    """Measures on DynamoDB Local. Units are by arithmetic, since it misreports transactions."""
    rounds = QUICK_ROUNDS if quick else 50
    operations = _named(COUNTED)
    with dynamodb_local() as endpoint, opened() as client:
        apis = {
            events: _with_history(client, endpoint, events)
            for events in ((10, 1_000) if quick else HISTORIES)
        }
        histories = _compare(operations, apis, rounds)
    with dynamodb_local() as endpoint, opened() as client:
        tables = list(_in_tables(client, endpoint, quick=quick))
    results.save("growth", quick=quick, engine="DynamoDB Local", histories=histories, tables=tables)


def _with_history(client: Client, endpoint: str, events: int) -> Api:
    """A ledger of two accounts with this many events each, projected."""
    api = furnish(client, f"history-{events}", size=2)
    api.accounts = ["long-1", "long-2"]
    for account in api.accounts:
        recorded = list(history(api.ledger, account, events))
        fill(endpoint, EventItem.Meta.table_name, map(item_of, recorded))
        feed(recorded)
    return api


def _compare(
    operations: Sequence[Operation], apis: dict[int, Api], rounds: int
) -> list[dict[str, Any]]:
    with Meter().attached() as meter:
        counted = {
            (operation.name, size): cost_of(operation, api, meter, remembers=False)
            for operation in operations
            for size, api in apis.items()
        }
    times = timed(operations, apis, rounds)
    return [
        {
            "operation": operation.name,
            "events": size,
            **counted[operation.name, size],
            "milliseconds": results.median(times[operation.name, size]),
            "of_shortest": results.median(
                [
                    here / shortest
                    for here, shortest in zip(
                        times[operation.name, size],
                        times[operation.name, min(apis)],
                        strict=True,
                    )
                ]
            ),
        }
        for operation in operations
        for size in apis
    ]


def timed(
    operations: Sequence[Operation], apis: dict[int, Api], rounds: int
) -> dict[tuple[str, int], list[float]]:
    """Milliseconds of each request, alternating the sizes."""
    tries = TRIES if rounds > QUICK_ROUNDS else 1
    times: dict[tuple[str, int], list[float]] = {
        (operation.name, size): [] for operation in operations for size in apis
    }
    for turn in range(rounds + 2):
        for operation in operations:
            sizes = list(apis) if turn % 2 else list(reversed(apis))
            for size in sizes:
                took = min(_milliseconds(operation.ready(apis[size])) for _ in range(tries))
                if turn >= 2:  # The first ones warm up.
                    times[operation.name, size].append(took)
    return times


def _in_tables(client: Client, endpoint: str, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Commands, in a table with more and more events of others."""
    api = furnish(client, "table", size=4)
    operations, held, filling = _named(IN_TABLE), 0, 0.0
    timed(operations, {0: api}, QUICK_ROUNDS if quick else 50)  # A fresh engine is slow at first.
    for size in TABLES[:1] if quick else TABLES:
        if held and filling * size / held > FILL_SECONDS:
            return
        results.say(f"growth: filling the table up to {size} events")
        began = time.monotonic()
        held += fill(endpoint, EventItem.Meta.table_name, _others(held, size - held))
        filling += time.monotonic() - began
        with Meter().attached() as meter:
            counted = {one.name: cost_of(one, api, meter, remembers=False) for one in operations}
        times = timed(operations, {size: api}, QUICK_ROUNDS if quick else 50)
        control = results.median(times[CONTROL, size])
        for operation in operations:
            milliseconds = results.median(times[operation.name, size])
            yield {
                "operation": operation.name,
                "events": size,
                **counted[operation.name],
                "milliseconds": milliseconds,
                "of_control": milliseconds / control,
            }


def _others(first: int, number: int) -> Iterator[dict[str, Any]]:
    """Events of other accounts, ten each: copies of one account's but for the stream's name."""
    events = [item_of(event) for event in history("others", "0000000", 10)]
    for place in range(first, first + number):
        account, version = divmod(place, len(events))
        yield {**events[version], "stream": {"S": f"others/account/{account:07d}"}}


def _named(names: Sequence[str]) -> list[Operation]:
    return [one for one in (*COMMANDS, *QUERIES) if one.name in names]


def _milliseconds(request: Callable[[], object]) -> float:
    """Of a process with empty caches."""
    executor.cache_clear()
    executor()
    began = time.perf_counter()
    request()
    return (time.perf_counter() - began) * 1000
