"""Part 4, contention: everybody pays into one account, strict or striped."""

import sys
from contextlib import ExitStack
from typing import Any

from benchmarks import results
from benchmarks.books import history, item_of
from benchmarks.engine import dynamodb_local, fill
from benchmarks.stores.clients import Clients
from benchmarks.stores.twofold import LEDGER
from chalicelib.events.table import EventItem

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
PROCESSES = 8
STRIPES = (1, 4, 16)
DELAY_MILLISECONDS = 5
"""Added to every call where a network is played: an emulator on this machine has none, and how
long a decision stands open is what contention is about."""

_PAYERS = [f"payer-{number}" for number in range(256)]


def run(*, quick: bool) -> None:
    """Measures on DynamoDB Local."""
    seconds = 2.0 if quick else 5.0
    numbers = (1, 8) if quick else CLIENTS
    rows = []
    for delay in (0, DELAY_MILLISECONDS):
        with dynamodb_local() as endpoint, ExitStack() as stack:
            rows += _measure(stack, endpoint, delay, numbers, seconds)
    results.save("contention", quick=quick, engine="DynamoDB Local", rows=rows)


def _measure(
    stack: ExitStack, endpoint: str, delay: int, numbers: tuple[int, ...], seconds: float
) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.stores.twofold", str(delay)]
    clients = Clients(
        stack, command, min(PROCESSES, numbers[-1]), {"AWS_ENDPOINT_URL_DYNAMODB": endpoint}
    )
    payers = (item_of(event) for payer in _PAYERS for event in history(LEDGER, payer, 10))
    fill(endpoint, EventItem.Meta.table_name, payers)
    rows = []
    for stripes in STRIPES:
        hot = f"hot-{stripes}"
        clients.tell({"do": "fill", "accounts": [hot], "events": stripes})
        for number in numbers:
            results.say(f"contention: {number} clients, {stripes} stripes, {delay} ms")
            processes = min(number, PROCESSES)
            told = {"do": "run", "accounts": _PAYERS, "hot": hot, "threads": number // processes}
            answers = clients.tell({**told, "seconds": seconds}, processes)
            took = [each for answer in answers for each in answer["milliseconds"]]
            rows.append(
                {
                    "clients": number,
                    "stripes": stripes,
                    "delay_ms": delay,
                    "per_second": sum(answer["done"] / answer["seconds"] for answer in answers),
                    "refused": sum(answer["refused"] for answer in answers),
                    "done": sum(answer["done"] for answer in answers),
                    "conflicts": sum(answer["conflicts"] for answer in answers),
                    "p50": results.percentile(took, 0.5),
                    "p99": results.percentile(took, 0.99),
                }
            )
    return rows
