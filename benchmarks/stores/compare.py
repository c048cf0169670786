"""Part 3, stores: the same transfers on every contestant, one after the other in turns."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import results
from benchmarks.engine import CACHE, Missing
from benchmarks.stores.clients import Answer, rate, summary
from benchmarks.stores.contestants import LOADING, ORDER, OURS, Contestant, all_contestants
from tests import engines

HISTORIES = {10: 512, 100: 256, 500: 32, 1_000: 16, 10_000: 4}
"""How many accounts there are of each length: enough that the runs make them little longer."""

CLIENTS = (1, 2, 4, 8, 16)
SHARED = 100
"""The length of the histories that ever more clients share."""

MANY = 4
"""How many clients also share histories of every other length."""


def run(*, quick: bool) -> None:
    """Measures on one fresh DynamoDB Local, and on PostgreSQL."""
    histories = {10: 64, 500: 8} if quick else HISTORIES
    shared, most, many = (10, 2, 2) if quick else (SHARED, 16, MANY)
    seconds, rounds = (0.4, 1) if quick else (1.0, 3)
    with ExitStack() as stack:
        endpoint = stack.enter_context(engines.dynamodb_local(CACHE / "dynamodb-local"))
        if endpoint is None:
            raise Missing("DynamoDB Local needs java and npm")
        stack.enter_context(engines.connected(endpoint))
        contest = Contest(*all_contestants(stack, endpoint, most), seconds=seconds)
        for events, accounts in histories.items():
            results.say(f"stores: {accounts} accounts of {events} events each")
            contest.fill(_names(events, accounts), events)
        sizes = {one.name: one.event_bytes() for one in contest.contestants if one.event_bytes}
        contest.fill(_names(0, 64), 10)
        contest.turn(_names(0, 64), most)  # A fresh engine is slow at first.
        by_history = [
            row
            for events, accounts in histories.items()
            for row in contest.measure(events, accounts, clients=1, rounds=rounds)
        ]
        by_clients = [
            row
            for clients in CLIENTS
            if clients <= most
            for row in contest.measure(
                shared, histories[shared], clients=clients, rounds=max(1, rounds - 1), counts=True
            )
        ]
        shared_histories = [
            row
            for events, accounts in histories.items()
            if events != shared
            for row in contest.measure(events, accounts, clients=many, rounds=max(1, rounds - 1))
        ]
    results.save(
        "stores",
        quick=quick,
        engine="DynamoDB Local; PostgreSQL",
        missing=contest.missing,
        event_bytes=sizes,
        histories=by_history,
        clients=by_clients,
        shared=shared_histories,
    )


@dataclass
class Contest:
    """Who takes part, and why the others do not. One that fails is out from then on."""

    contestants: list[Contestant]
    missing: dict[str, str]
    seconds: float

    def fill(self, accounts: list[str], events: int) -> None:
        """Accounts of so many events each, for all."""
        for one in list(self.contestants):
            with self._out_if_it_fails(one):
                one.fill(accounts, events)

    def turn(self, accounts: list[str], clients: int) -> dict[str, list[Answer]]:
        """What each one's clients answer after their time, one contestant after the other."""
        told = {"do": "run", "accounts": accounts, "seconds": self.seconds}
        answers = {}
        for one in list(self.contestants):
            with self._out_if_it_fails(one):
                answers[one.name] = one.clients.tell(told, clients)
        return answers

    def measure(
        self, events: int, number: int, *, clients: int, rounds: int, counts: bool = False
    ) -> Iterator[dict[str, Any]]:
        """A row for each contestant, on so many accounts of so many events. With `counts`, it is
        also counted whether what was acknowledged is there.
        """
        results.say(f"stores: {events} events per account, {clients} clients")
        accounts = _names(events, number)
        counted = self.contestants if counts else []
        before = {one.name: one.stored(accounts) for one in counted if one.stored}
        turns = []
        for _ in range(rounds):
            turns.append(self.turn(accounts, clients))
            self.contestants.reverse()
        for one in sorted(self.contestants, key=lambda one: ORDER.index(one.name)):
            answers = [answer for turn in turns for answer in turn[one.name]]
            told = summary(answers)
            rates = [(rate(turn[one.name]), rate(turn[LOADING])) for turn in turns]
            lost = None
            if one.stored and one.name in before:
                lost = before[one.name] + 2 * told["done"] - one.stored(accounts)
            yield {
                "contestant": one.name,
                "events": events,
                "clients": clients,
                **told,
                "per_second": results.median([ours for ours, _ in rates]),
                "of_loading": results.median([ours / loading for ours, loading in rates]),
                "lost_events": lost,
            }

    @contextmanager
    def _out_if_it_fails(self, one: Contestant) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, OSError) as error:
            if one.name in (OURS, LOADING):
                raise
            results.say(f"stores: {one.name} failed: {error}")
            self.missing[one.name] = f"it failed: {error}"
            self.contestants.remove(one)


def _names(events: int, accounts: int) -> list[str]:
    return [f"{events}-{place}" for place in range(accounts)]
