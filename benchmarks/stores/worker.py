"""Worker: one client of a contestant, which does as it is told, a line of JSON at a time.

    {"do": "template"}                             make the account `template`: opened, paid 100
    {"do": "keys", "accounts": [...]}              the hash keys of accounts in its table
    {"do": "fill", "accounts": [...], "events": n} make accounts with n events, where only it can
    {"do": "run", "accounts": [...], "seconds": s, "threads": t, "hot": null}
                                                   transfer between random accounts, or to one;
                                                   no faster than "per_second", where that is given

A transfer takes 1 from an account that must have it, and gives it to another. It is tried again
until it succeeds or is refused. A contestant may take orders of its own besides.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from uuid import uuid4


class Refused(Exception):
    """The contestant gave a transfer up."""


class Contestant(Protocol):
    """A store, as its documentation says it is used."""

    conflicts: int

    def template(self) -> None:
        """Makes the account `template`: opened, then paid 100."""

    def keys(self, accounts: Sequence[str]) -> list[str]:
        """The hash keys of these accounts in its table."""

    def fill(self, accounts: Sequence[str], events: int) -> None:
        """Makes accounts with so many events each, all but the first a credit of 100."""

    def transfer(self, source: str, target: str, id: str) -> None:
        """Moves 1. Raises Refused. Counts the races it lost."""


Order = Callable[[dict[str, Any]], dict[str, Any] | None]
"""An order of a contestant's own, and its answer."""


def serve(contestant: Contestant, **orders: Order) -> None:
    """Does what the lines of standard input say."""
    for line in sys.stdin:
        told = json.loads(line)
        own = orders.get(told["do"])
        answer = _obey(contestant, told) if own is None else own(told) or {}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _obey(contestant: Contestant, told: dict[str, Any]) -> dict[str, Any]:
    match told["do"]:
        case "template":
            contestant.template()
            return {}
        case "keys":
            return {"keys": contestant.keys(told["accounts"])}
        case "fill":
            contestant.fill(told["accounts"], told["events"])
            return {}
        case _:
            return _run(contestant, told)


def _run(contestant: Contestant, told: dict[str, Any]) -> dict[str, Any]:
    lost = contestant.conflicts
    outcomes: list[dict[str, Any]] = []
    began = time.perf_counter()

    def client() -> None:
        outcomes.append(_transfer(contestant, told, began + told["seconds"]))

    # The first one stays in this thread, to which a contestant may tie its connection.
    threads = [threading.Thread(target=client) for _ in range(told.get("threads", 1) - 1)]
    for thread in threads:
        thread.start()
    client()
    for thread in threads:
        thread.join()
    if len(outcomes) <= len(threads):
        raise RuntimeError("a client failed")
    return {
        "done": sum(one["done"] for one in outcomes),
        "refused": sum(one["refused"] for one in outcomes),
        "conflicts": contestant.conflicts - lost,
        "seconds": time.perf_counter() - began,
        "milliseconds": [took for one in outcomes for took in one["milliseconds"]],
    }


def _transfer(contestant: Contestant, told: dict[str, Any], until: float) -> dict[str, Any]:
    done = refused = 0
    took: list[float] = []
    pause = 1 / told["per_second"] if told.get("per_second") else 0.0
    due = time.perf_counter()
    while (now := time.perf_counter()) < until:
        if now < due:
            time.sleep(min(due, until) - now)
            continue
        due += pause
        source, target = random.sample(told["accounts"], 2)
        try:
            contestant.transfer(source, told.get("hot") or target, str(uuid4()))
        except Refused:
            refused += 1
            continue
        done += 1
        took.append(round((time.perf_counter() - now) * 1000, 3))
    return {"done": done, "refused": refused, "milliseconds": took}
