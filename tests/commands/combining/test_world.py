"""Clients that share an account, among faults of all kinds: every answer is true, and final."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from benchmarks.simulation.inbox import SimulatedInbox
from chalicelib.commands.combining.inbox import Row
from chalicelib.commands.combining.waiting import Waiting
from chalicelib.commands.routing import Command
from chalicelib.commands.unit_of_work import UnitOfWork
from chalicelib.domain.account.commands import ChangeAccount, FreezeAccount, UnfreezeAccount
from chalicelib.domain.transaction.commands import HoldTransaction, PostHold, PostTransaction
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Place
from tests.commands.combining.world import World
from tests.domain.books import credit, debit, posting
from tests.soak import examples

CLIENTS, REQUESTS = 16, 5


def pay(id: str, amount: int) -> PostTransaction:
    return posting(id, debit("hot", amount), credit("till", amount))


def add(id: str, amount: int) -> PostTransaction:
    return posting(id, debit("bank", amount), credit("hot", amount))


def hold(id: str) -> HoldTransaction:
    lines = debit("hot", 1), credit("till", 1)
    return HoldTransaction(ledger="acme", transaction=id, entries=lines, timeout_seconds=1)


def change(number: int) -> ChangeAccount:
    return ChangeAccount(ledger="acme", account="hot", max_balance=number)


def freeze() -> FreezeAccount:
    return FreezeAccount(ledger="acme", account="hot", debits=True, credits=False)


def unfreeze() -> UnfreezeAccount:
    return UnfreezeAccount(ledger="acme", account="hot", debits=True, credits=True)


KINDS: dict[str, tuple[int, Callable[[str, Random], Sequence[Command]]]] = {
    "pay": (34, lambda name, random: [pay(name, random.randint(1, 4))]),
    "add": (24, lambda name, random: [add(name, random.randint(1, 4))]),
    "sent twice": (8, lambda _, random: [pay(f"shared-{random.randint(0, 2)}", 1)]),
    "batch": (8, lambda name, _: [pay(f"{name}a", 1), pay(f"{name}b", 2)]),
    "change": (6, lambda _, random: [change(random.randint(100, 1000))]),
    "freeze": (2, lambda *_: [freeze()]),
    "unfreeze": (8, lambda *_: [unfreeze()]),
    "hold": (6, lambda name, _: [hold(name)]),
    "post a hold": (
        4,
        lambda name, random: [
            PostHold(ledger="acme", transaction=f"t-{random.randint(0, CLIENTS)}-0", key=name)
        ],
    ),
}
"""How often each kind of request is sent, and what it asks for."""


def requests(seed: int) -> list[list[Sequence[Command]]]:
    """What each client sends."""
    random = Random(seed)
    kinds, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    return [
        [
            KINDS[kind][1](f"t-{client}-{number}", random)
            for number, kind in enumerate(random.choices(kinds, weights, k=REQUESTS))
        ]
        for client in range(CLIENTS)
    ]


def run(seed: int, *, rate: float) -> World:
    """A world after all that was sent has ended."""
    world = World(seed, rate=rate, hidden=0.05)
    world.run(requests(seed))
    return world


@pytest.mark.parametrize("seed", range(examples(4, 400)))
def test_without_faults_every_request_is_answered_and_none_for_contention(seed: int) -> None:
    world = run(seed, rate=0.0)

    assert world.wrong() == []
    assert len(world.claims) == CLIENTS * REQUESTS
    assert {claim.code for claim in world.claims}.isdisjoint({"", "contention", "outcome_unknown"})


@pytest.mark.parametrize("seed", range(examples(12, 3000)))
def test_among_faults_every_answer_is_true(seed: int) -> None:
    world = run(seed, rate=0.03 if seed % 2 else 0.1)

    assert world.wrong() == []
    assert sum(claim.code == "done" for claim in world.claims) > 10


@pytest.mark.parametrize("seed", range(examples(1, 50)))
def test_commands_as_large_as_a_transaction_do_not_starve_on_a_hot_account(seed: int) -> None:
    """One fills a leader's transaction; the other is larger than a row of an inbox may be."""
    world = World(seed, funds=10**6)
    single = posting("single", debit("hot", 95), *(credit("till", 1) for _ in range(95)))
    batch = [pay(f"part-{number}", 1) for number in range(33)]
    others = [[[pay(f"t-{client}-{number}", 1)] for number in range(12)] for client in range(16)]

    world.run([*others, [[single]], [batch]])

    assert world.wrong() == []
    assert {claim.code for claim in world.claims} == {"done"}


def unconfirmed(*_: object) -> None:
    return None


def withdrawn_in_any_case(inbox: SimulatedInbox, row: Row, **_: Any) -> bool:
    inbox.inner.stored.pop(row.id, None)
    return True


def judged_by_plain_reads(
    inbox: SimulatedInbox, row: Row, places: Sequence[Place]
) -> tuple[Row | None, dict[Place, Recorded]]:
    found, events = inbox.inner.outcome(row, places)
    return found, {place: one for place, one in events.items() if inbox.engine.is_visible(place)}


@pytest.mark.parametrize(
    ("owner", "name", "broken", "seed"),
    [
        (UnitOfWork, "confirm", unconfirmed, 8),
        (SimulatedInbox, "withdraw", withdrawn_in_any_case, 11),
        (SimulatedInbox, "outcome", judged_by_plain_reads, 3),
        (Waiting, "_may_be_put", property(lambda _: False, lambda *_: None), 26),
    ],
    ids=lambda case: case if isinstance(case, str) else getattr(case, "__name__", ""),
)
def test_what_breaks_a_rule_of_the_protocol_is_found_out(
    owner: type, name: str, broken: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(seed, rate=0.1).wrong() == []
    monkeypatch.setattr(owner, name, broken)

    assert any(run(each, rate=0.1).wrong() for each in range(seed, seed + 60))
