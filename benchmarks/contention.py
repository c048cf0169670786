"""Part 4, contention: all clients pay into one account, strict or striped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks import results
from benchmarks.books import PAYERS, history, item_of
from benchmarks.engine import dynamodb_local, fill, ministack
from benchmarks.network import DELAY_MILLISECONDS
from benchmarks.stores import twofold
from benchmarks.stores.clients import Answer, Clients, rate, summary
from chalicelib.events.table import EventItem

CLIENTS = (1, 2, 4, 16, 64, 256)
PROCESSES = 4
"""The number of clients beyond which they are threads, each with its own head cache and inbox."""

_DELAYS = (0, DELAY_MILLISECONDS)
_SECONDS, _QUICK_SECONDS = 3.0, 1.0


@dataclass(frozen=True)
class Kind:
    """What all clients pay into: `stripes` is 0 where each picks another account."""

    name: str
    stripes: int = 1
    combines: bool = True

    @property
    def account(self) -> str | None:
        """The account's id."""
        return f"hot-{self.stripes}-{self.combines:d}" if self.stripes else None


SPREAD = Kind("256 accounts", stripes=0)
"""The same load without a shared account: the maximum of the engine."""

STRICT = Kind("one strict account")
UNCOMBINED = Kind("one strict account, not combined", combines=False)
"""As it would be without inboxes."""

STRIPED = tuple(Kind(f"one account in {stripes} stripes", stripes) for stripes in (4, 16))

LOCAL = "DynamoDB Local"
"""The faster engine, on which all kinds are compared."""

ENGINES: dict[str, tuple[Callable[[], AbstractContextManager[str]], Sequence[Kind]]] = {
    LOCAL: (dynamodb_local, (SPREAD, STRICT, UNCOMBINED, *STRIPED)),
    "ministack": (ministack, (STRICT, UNCOMBINED)),
}
"""Each engine, and what is measured on it."""


def run(*, quick: bool) -> None:
    """Measures on both engines, without a network and with one. Raises Missing."""
    rows: list[dict[str, Any]] = []
    for engine, (started, kinds) in ENGINES.items():
        for delay in (DELAY_MILLISECONDS,) if quick else _DELAYS:
            with started() as endpoint, ExitStack() as stack:
                clients = _clients(stack, endpoint, delay, kinds)
                seconds = _QUICK_SECONDS if quick else _SECONDS
                for number in (1, 16) if quick else CLIENTS:
                    results.say(f"contention: {engine}, {number} clients, {delay} ms")
                    found = _measure(clients, number, kinds, seconds)
                    rows += ({"engine": engine, "delay_ms": delay, **row} for row in found)
    results.save("contention", quick=quick, engine=", ".join(ENGINES), rows=rows)


def _clients(stack: ExitStack, endpoint: str, delay: int, kinds: Sequence[Kind]) -> Clients:
    """Processes beside a filled engine, which have each done something."""
    command = twofold.command(delay=delay)
    clients = Clients(stack, command, PROCESSES, {"AWS_ENDPOINT_URL_DYNAMODB": endpoint})
    items = (item_of(one) for payer in PAYERS for one in history(twofold.LEDGER, payer, 10))
    fill(endpoint, EventItem.Meta.table_name, items)
    for kind in kinds:
        if kind.account:
            clients.tell({"do": "open", "account": kind.account, "stripes": kind.stripes})
    _turn(clients, SPREAD, PROCESSES, _SECONDS)  # A fresh engine is slow at first.
    return clients


def _measure(
    clients: Clients, number: int, kinds: Sequence[Kind], seconds: float
) -> Iterator[dict[str, Any]]:
    """A row for each kind."""
    for kind in kinds:
        answers = _turn(clients, kind, number, seconds)
        found = summary(answers)
        done = max(1, found["done"])
        yield {
            "clients": number,
            "kind": kind.name,
            "per_second": rate(answers),
            "round_trips": sum(answer["round_trips"] for answer in answers) / done,
            "write_units": sum(answer["write_units"] for answer in answers) / done,
            **found,
        }


def _turn(clients: Clients, kind: Kind, number: int, seconds: float) -> list[Answer]:
    """Of new clients, with empty caches."""
    processes = min(number, PROCESSES)
    clients.tell({"do": "forget", "combines": kind.combines}, processes)
    told = {"do": "run", "accounts": PAYERS, "threads": number // processes, "seconds": seconds}
    answers = clients.tell({**told, "hot": kind.account}, processes)
    counted = clients.tell({"do": "count"}, processes)
    return [{**answer, **count} for answer, count in zip(answers, counted, strict=True)]
