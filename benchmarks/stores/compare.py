"""Part 3, stores: the same transfers on every contestant, one after the other in turns."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import results
from benchmarks.engine import CACHE, Missing
from benchmarks.stores.contestants import ORDER, OURS, Contestant, all_contestants
from tests import engines

HISTORIES = {10: 256, 100: 256, 500: 32, 1_000: 16, 10_000: 4}
"""How many accounts there are of each length: enough that a run makes them little longer."""

CLIENTS = (1, 2, 4, 8, 16)
SHARED = 100
"""The length of the histories that several clients share."""

Answer = dict[str, Any]
"""What one client says of its time (`worker.py`)."""


def run(*, quick: bool) -> None:
    """Measures on one fresh DynamoDB Local, and on PostgreSQL."""
    histories = {10: 64, 500: 8} if quick else HISTORIES
    shared, most = (10, 2) if quick else (SHARED, 16)
    seconds, rounds = (1.0, 1) if quick else (2.5, 3)
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
                shared, histories[shared], clients=clients, rounds=max(1, rounds - 1)
            )
        ]
    results.save(
        "stores",
        quick=quick,
        engine="DynamoDB Local; PostgreSQL",
        missing=contest.missing,
        event_bytes=sizes,
        histories=by_history,
        clients=by_clients,
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
        self, events: int, number: int, *, clients: int, rounds: int
    ) -> Iterator[dict[str, Any]]:
        """A row for each contestant, on so many accounts of so many events."""
        results.say(f"stores: {events} events per account, {clients} clients")
        accounts = _names(events, number)
        counted = self.contestants if events <= SHARED else []
        before = {one.name: one.stored(accounts) for one in counted if one.stored}
        turns = []
        for _ in range(rounds):
            turns.append(self.turn(accounts, clients))
            self.contestants.reverse()
        for one in sorted(self.contestants, key=lambda one: ORDER.index(one.name)):
            answers = [answer for turn in turns for answer in turn[one.name]]
            done = sum(answer["done"] for answer in answers)
            row = {"contestant": one.name, "events": events, "clients": clients, "done": done}
            rates = [(_rate(turn[one.name]), _rate(turn[OURS])) for turn in turns]
            lost = None
            if one.stored and one.name in before:
                lost = before[one.name] + 2 * done - one.stored(accounts)
            yield {
                **row,
                **_summary(answers),
                "per_second": results.median([rate for rate, _ in rates]),
                "of_twofold": results.median([rate / ours for rate, ours in rates if ours]),
                "lost_events": lost,
            }

    @contextmanager
    def _out_if_it_fails(self, one: Contestant) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, OSError) as error:
            if one.name == OURS:
                raise
            results.say(f"stores: {one.name} failed: {error}")
            self.missing[one.name] = f"it failed: {error}"
            self.contestants.remove(one)


def _rate(answers: Sequence[Answer]) -> float:
    return float(sum(answer["done"] / answer["seconds"] for answer in answers))


def _summary(answers: Sequence[Answer]) -> dict[str, Any]:
    took = [each for answer in answers for each in answer["milliseconds"]]
    return {
        "refused": sum(answer["refused"] for answer in answers),
        "conflicts": sum(answer["conflicts"] for answer in answers),
        "p50": results.percentile(took, 0.5),
        "p99": results.percentile(took, 0.99),
    }


def _names(events: int, accounts: int) -> list[str]:
    return [f"{events}-{place}" for place in range(accounts)]
