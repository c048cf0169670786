"""Part 4, contention: all clients pay into one account, plain or striped."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from benchmarks import results
from benchmarks.books import PAYERS, history, item_of
from benchmarks.engine import dynamodb_local, fill
from benchmarks.network import DELAY_MILLISECONDS
from benchmarks.stores import twofold
from benchmarks.stores.clients import Answer, Clients, rate, summary
from chalicelib.events.table import EventItem

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
PROCESSES = 8
"""The number of clients beyond which they are threads, each with its own head cache."""

STRICT, STRIPES = 1, (4, 16)
SPREAD = 0
"""The same load without a shared account: the maximum of the engine."""


def run(*, quick: bool) -> None:
    """Measures on DynamoDB Local."""
    seconds, rounds = (0.5, 1) if quick else (1.2, 2)
    numbers = (1, 4) if quick else CLIENTS
    rows: list[dict[str, Any]] = []
    for delay in (DELAY_MILLISECONDS,) if quick else (0, DELAY_MILLISECONDS):
        with dynamodb_local() as endpoint, ExitStack() as stack:
            command = twofold.command(delay=delay)
            processes = min(PROCESSES, numbers[-1])
            clients = Clients(stack, command, processes, {"AWS_ENDPOINT_URL_DYNAMODB": endpoint})
            items = (item_of(one) for payer in PAYERS for one in history(twofold.LEDGER, payer, 10))
            fill(endpoint, EventItem.Meta.table_name, items)
            for stripes in (STRICT, *STRIPES):
                clients.tell({"do": "open", "account": _hot(stripes), "stripes": stripes})
            _turn(clients, SPREAD, processes, 3 * seconds)  # A fresh engine is slow at first.
            for number in numbers:
                results.say(f"contention: {number} clients, {delay} ms")
                rows += _measure(clients, number, delay, seconds, rounds)
    results.save("contention", quick=quick, engine="DynamoDB Local", rows=rows)


def _measure(
    clients: Clients, number: int, delay: int, seconds: float, rounds: int
) -> Iterator[dict[str, Any]]:
    """A row for each kind of account, which take turns."""
    kinds = (SPREAD, STRICT, *STRIPES)
    turns = [{kind: _turn(clients, kind, number, seconds) for kind in kinds} for _ in range(rounds)]
    for kind in kinds:
        answers = [answer for turn in turns for answer in turn[kind]]
        yield {
            "clients": number,
            "stripes": kind,
            "delay_ms": delay,
            "per_second": results.median([rate(turn[kind]) for turn in turns]),
            **summary(answers),
        }


def _turn(clients: Clients, stripes: int, number: int, seconds: float) -> list[Answer]:
    """Of new clients, with empty caches."""
    processes = min(number, PROCESSES)
    clients.tell({"do": "forget"}, processes)
    told = {"do": "run", "accounts": PAYERS, "threads": number // processes, "seconds": seconds}
    return clients.tell({**told, "hot": _hot(stripes) if stripes else None}, processes)


def _hot(stripes: int) -> str:
    return f"hot-{stripes}"
