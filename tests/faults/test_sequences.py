"""Faults in sequence, on a real engine: what a command is told after each, and what is stored."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread
from typing import Any

import pytest

from chalicelib import tables
from chalicelib.backoff import Backoff
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.routing import Command, target_stream
from chalicelib.domain.account.commands import ChangeAccount, CloseAccount, FreezeAccount
from chalicelib.domain.transaction.commands import (
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Stream
from chalicelib.events.store import Busy
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from ops.faults.claims import Claim, false_claims, invalid_events, send
from ops.faults.proxy import NONE, Fault, Proxy, proxied
from simulator.dynamodb_errors import REASONS, Error, cancelled, documented
from tests import engines
from tests.domain.books import credit, debit, opening, posting

LOST, DROPPED = Fault("the reply is lost"), Fault("the request is lost")
CUT = Fault("a reply that is cut off")
THROTTLED = Fault("an error instead", Error("ThrottlingException"))
FAILED = Fault("an error instead", Error("InternalServerError", 500))
FAILED_AFTER = Fault("an error after it was done", Error("InternalServerError", 500))
IN_PROGRESS = Fault("an error after it was done", Error("TransactionInProgressException"))
APPENDS = ("PutItem", "TransactWriteItems")


@dataclass
class Script:
    """The faults of the next appends, and those of all reads."""

    appends: deque[Fault] = field(default_factory=deque)
    sent: int = 0

    def choose(self, operation: str, _: dict[str, Any]) -> Fault:
        """The fault of a request."""
        if operation not in APPENDS:
            return NONE
        self.sent += 1
        return self.appends.popleft() if self.appends else NONE


@dataclass
class World:
    """A ledger behind a proxy."""

    ledger: str
    script: Script
    proxy: Proxy
    process: Executor


@pytest.fixture
def world(ministack_endpoint: str, ledger: str) -> Iterator[World]:
    """Alice has 100, 40 of which are held for Bob; the till is empty."""
    script = Script()
    with proxied(ministack_endpoint, script.choose) as (address, proxy), engines.connected(address):
        process = Executor(
            DynamoStore(), head_cache=HeadCache(), backoff=Backoff(base=0.001, cap=0.01)
        )
        for command in (
            opening("cash", min_balance=None, ledger=ledger),
            opening("till", ledger=ledger),
            opening("alice", normal_balance="credit", ledger=ledger),
            opening("bob", normal_balance="credit", ledger=ledger),
            posting("funding", debit("cash", 90), credit("alice", 90), ledger=ledger),
            posting("gift", debit("cash", 10), credit("alice", 10), ledger=ledger),
            HoldTransaction(
                ledger=ledger,
                transaction="h1",
                entries=(debit("alice", 40), credit("bob", 40)),
                timeout_seconds=None,
            ),
        ):
            process.execute(command, actor="key-1")
        yield World(ledger, script, proxy, process)


def commands(ledger: str) -> dict[str, Command]:
    """One of each kind."""
    return {
        "open": opening("carol", ledger=ledger),
        "open striped": opening("hot", min_balance=None, stripes=3, ledger=ledger),
        "change if matched": ChangeAccount(
            ledger=ledger, account="bob", metadata={"a": "b"}, if_version=2
        ),
        "freeze": FreezeAccount(ledger=ledger, account="bob", debits=True, credits=True),
        "close": CloseAccount(ledger=ledger, account="till"),
        "post": posting("payment", debit("alice", 60), credit("bob", 60), ledger=ledger),
        "post a hold": PostHold(ledger=ledger, transaction="h1"),
        "void a hold": VoidHold(ledger=ledger, transaction="h1", key="k"),
        "reverse": ReverseTransaction(ledger=ledger, transaction="back", reverses="gift"),
    }


SEQUENCES: dict[str, list[Fault]] = {
    "the reply is lost": [LOST],
    "the reply is lost twice": [LOST, LOST],
    "the reply is lost, then it is throttled": [LOST, THROTTLED, THROTTLED, THROTTLED],
    "the reply is lost, then requests are": [LOST, DROPPED, DROPPED],
    "it fails after it was done": [FAILED_AFTER],
    "it fails, before and after it was done": [FAILED, FAILED_AFTER, FAILED],
    "its first send is in progress": [IN_PROGRESS, THROTTLED, IN_PROGRESS],
    "the reply is cut off": [CUT, THROTTLED],
    "the request is lost, then the reply": [DROPPED, THROTTLED, LOST, DROPPED],
    "it is throttled": [THROTTLED, THROTTLED],
}


USUAL = list(SEQUENCES)[2:5]
"""What each kind of command is put to; the rest is for one of each kind of append."""
CASES = [
    (kind, name)
    for kind in commands("any")
    for name in SEQUENCES
    if name in USUAL or kind in ("post", "freeze")
]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_command_is_done_once_and_told_so_whatever_happens_to_its_append(
    world: World, kind: str, name: str
) -> None:
    command = commands(world.ledger)[kind]
    before = len(list(world.process.store.history(target_stream(command))))
    world.script.appends.extend(SEQUENCES[name])

    [claim] = send(world.process, "request-1", command)

    assert claim.code == "done"
    assert len(list(world.process.store.history(target_stream(command)))) == before + 1
    assert wrong([claim], world, target_stream(command)) == []


@pytest.mark.parametrize("operation", APPENDS)
@pytest.mark.parametrize("after", [False, True], ids=["nothing done", "after a lost reply"])
def test_each_error_that_is_documented_leaves_every_claim_true(
    world: World, operation: str, after: bool
) -> None:
    claims, asked = [], []
    errors = documented(operation)
    if operation == "TransactWriteItems":
        errors = (*errors, *(cancelled(3, reason) for reason in REASONS))
    for number, error in enumerate(errors):
        command: Command = opening(f"p{number}", ledger=world.ledger)
        if operation == "TransactWriteItems":
            entries = debit("cash", 1), credit("bob", 1)
            command = posting(f"p{number}", *entries, ledger=world.ledger)
        world.script.appends.clear()
        world.script.appends.extend([LOST] * after + [Fault("an error instead", error)])
        claims += send(world.process, f"request-{number}", command)
        asked.append(command)
    world.script.appends.clear()
    again = [
        answer
        for number, one in enumerate(asked)
        for answer in send(world.process, f"again-{number}", one)
    ]

    assert wrong([*claims, *again], world, *map(target_stream, asked)) == []
    assert {claim.code for claim in claims} == {"done", "internal_error"}
    # What was refused for good was not done, unless its first send was.
    for claim, found in zip(claims, again, strict=True):
        assert found.code == ("replayed" if after or claim.code == "done" else "done")


def wrong(claims: list[Claim], world: World, *streams: Stream) -> list[str]:
    """All that is wrong with these claims, and with these streams and the accounts."""
    accounts = [account_stream(world.ledger, id) for id in ("cash", "till", "alice", "bob")]
    events = [
        event for stream in {*streams, *accounts} for event in world.process.store.history(stream)
    ]
    return [*false_claims(claims, events), *invalid_events(events)]


def test_the_errors_are_those_of_the_service_model() -> None:
    put, transaction = ({error.code for error in documented(operation)} for operation in APPENDS)

    assert {"ProvisionedThroughputExceededException", "TransactionConflictException"} < put
    assert {
        "TransactionInProgressException",
        "IdempotentParameterMismatchException",
    } < transaction


class InOrder(Random):
    """No chance: what is written first is shown first."""

    def sample(self, population: Any, k: int, **_: Any) -> list[Any]:
        return list(population)[:k]


def test_a_deposit_that_is_seen_to_be_done_is_not_missed_by_a_withdrawal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, go_on = Event(), Event()
    deposit = transaction_stream(world.ledger, "deposit")
    visibility, show = world.proxy.visibility, world.proxy.visibility.show

    def one_by_one(item: dict[str, Any]) -> None:
        show(item)
        if item["stream"]["S"] == str(deposit):
            shown.set()
            go_on.wait(20)

    visibility.show = one_by_one  # type: ignore[method-assign]  # The transaction is shown first.
    monkeypatch.setattr(world.proxy, "_chance", InOrder())
    world.script.appends.append(Fault("item by item"))
    command = posting("deposit", debit("cash", 500), credit("alice", 500), ledger=world.ledger)
    other = Executor(DynamoStore(), head_cache=HeadCache(), backoff=Backoff(base=0.01, cap=0.05))
    depositing = Thread(target=lambda: send(world.process, "request-1", command))
    depositing.start()
    assert shown.wait(20)

    # Whoever asks sees that the deposit is done, and the account as it was before.
    assert deposit in other.store.load([deposit])
    alice = account_stream(world.ledger, "alice")
    assert account_state(other.store.load([alice])[alice]).posted == 100
    withdrawal = posting("out", debit("alice", 500), credit("bob", 500), ledger=world.ledger)
    other = Executor(
        other.store,
        head_cache=HeadCache(),
        backoff=other.backoff,
        sleep=lambda _: go_on.set(),
    )
    [answer] = send(other, "request-2", withdrawal)
    depositing.join(20)

    assert answer.code == "done"


def test_an_append_that_arrives_after_its_time_out_is_done_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "READ_TIMEOUT_SECONDS", 0.2)
    tables.disconnect()
    claims = []
    for number, kind in enumerate(["done late", "answered late", "done late"]):
        world.script.appends.append(Fault(kind, seconds=0.3))  # type: ignore[arg-type]  # Kinds.
        command = posting(f"p{number}", debit("cash", 1), credit("bob", 1), ledger=world.ledger)
        claims += send(world.process, f"request-{number}", command)
    world.proxy.settle()

    streams = [transaction_stream(world.ledger, f"p{number}") for number in range(3)]
    assert wrong(claims, world, *streams) == []


@pytest.mark.parametrize("kind", ["post", "freeze", "post a hold"])
def test_a_ledger_that_takes_a_missing_reply_for_a_write_that_never_was_is_found_out(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.events.dynamodb.of_append", lambda *_: Busy("nothing written"))
    command = commands(world.ledger)[kind]
    world.script.appends.append(LOST)

    [claim] = send(world.process, "request-1", command)

    assert wrong([claim], world, target_stream(command)) != []
