"""A world in virtual time: clients that share an account, on an engine that fails them.

Processes die, sleep, and lose requests and replies; requests arrive late; what is written becomes
visible item by item. All is decided by a seed. `wrong` says which answers were not true.
"""

import random as of_process
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from benchmarks.simulation.dynamo import Engine, SimulatedStore, Times
from benchmarks.simulation.inbox import SimulatedInbox
from benchmarks.simulation.virtual import VirtualTime
from chalicelib.backoff import Backoff
from chalicelib.commands.combining.hot import Combiner
from chalicelib.commands.execution import Executed, Refused
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.routing import Command, target_stream
from chalicelib.domain.errors import InsufficientFunds, OutcomeUnknown, Refusal
from chalicelib.domain.transaction.commands import HoldTransaction, PostTransaction
from chalicelib.events.recorded import FIRST_LINK, Recorded
from chalicelib.events.store import Busy, Place, Unanswered
from chalicelib.ledger.aggregates import account_state, account_stream
from tests.domain.books import credit, debit, opening, posting

RELEASES = ("HoldExpired", "HeldEntryReleased")
"""The events of holds that were over: whichever request they stood in the way of wrote them."""

START = datetime(2030, 1, 1, tzinfo=UTC)
HOT = account_stream("acme", "hot")
WRITES = {"append", "put", "take", "appoint", "withdraw", "delete", "commit"}
FAULTS = ("dies", "sleeps", "is throttled", "the request is lost", "the reply is lost", "is late")


class Died(BaseException):
    """The process is gone."""


@dataclass
class Claim:
    """What a client sent, when, and what it was told; `code` is empty until it is told anything."""

    commands: Sequence[Command]
    request: str
    began: int
    code: str = ""
    ended: int = 0
    executed: Sequence[Executed] = ()
    refusal: Refusal | None = None
    index: int = 0

    @property
    def taken(self) -> int:
        """What the commands take out of the account, up to the refused one."""
        return sum(
            entry.amount
            for command in self.commands[: self.index + 1]
            if isinstance(command, PostTransaction | HoldTransaction)
            for entry in command.entries
            if (entry.account, entry.direction) == ("hot", "debit")
        )


class LateEngine(Engine):
    """An engine whose writes become visible one by one, in any order."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hidden: set[Place] = set()
        self.most_hidden = 0.0

    def is_visible(self, place: Place) -> bool:
        return place not in self.hidden

    def written(self, places: Collection[Place]) -> None:
        for place in places:
            seconds = max(0.0, self.random.uniform(-self.most_hidden, self.most_hidden))
            if seconds:
                self.hidden.add(place)
                self.under_way.add(place)
                self.time.start(lambda place=place, seconds=seconds: self._show(place, seconds))  # type: ignore[misc]  # Of this turn.

    def _show(self, place: Place, seconds: float) -> None:
        self.time.sleep(seconds)
        self.hidden.discard(place)
        self.under_way.discard(place)


class Faulty:
    """A store or an inbox of one process, whose calls may fail."""

    def __init__(self, inner: Any, world: "World", number: int) -> None:
        self._inner, self._world, self._number = inner, world, number

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name == "history":
            return call
        return lambda *arguments, **named: self._world.struck(
            name, lambda: call(*arguments, **named), self._number
        )


@dataclass
class World:
    """An account with `funds`, and what happens to it. `rate` is the share of calls that fail."""

    seed: int
    funds: int = 10
    rate: float = 0.0
    hidden: float = 0.0
    combines: bool = True
    claims: list[Claim] = field(default_factory=list)
    dead: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.time, self.random = VirtualTime(), Random(self.seed)
        self.engine = LateEngine(self.time, self.random, Times())
        fund = posting("fund", debit("bank", self.funds), credit("hot", self.funds))
        self.setup = [
            opening("bank", min_balance=None),
            opening("hot", normal_balance="credit"),
            opening("till", normal_balance="credit"),
            *([fund] if self.funds else []),
        ]
        process = Executor(self.engine.books, clock=lambda: START - timedelta(minutes=1))
        for command in self.setup:
            process.execute(command, actor="setup")
        self.engine.most_hidden = self.hidden

    def process(self, number: int) -> Executor:
        """An executor of its own process, whose clock differs from the others'."""
        off = timedelta(milliseconds=self.random.uniform(-300, 300))
        inbox = Faulty(SimulatedInbox(self.engine, self.engine.inbox), self, number)
        return Executor(
            Faulty(SimulatedStore(self.engine), self, number),
            clock=lambda: START + off + timedelta(seconds=self.time.now),
            new_id=lambda: f"{self.time.now:012.6f}-{self.random.random()}",
            sleep=self.time.sleep,
            monotonic=lambda: self.time.now,
            backoff=Backoff(),
            head_cache=HeadCache(lambda: self.time.now),
            combiner=Combiner(lambda: inbox, self.time.together) if self.combines else None,
        )

    def run(self, clients: Sequence[Sequence[Sequence[Command]]]) -> None:
        """Lets each client send its requests, one after the other."""
        of_process.seed(self.seed)  # From which jitter is drawn.
        for number, requests in enumerate(clients):
            process = self.process(number)
            self.time.start(lambda n=number, p=process, r=requests: self._client(n, p, r))  # type: ignore[misc]  # Of this turn.
        self.time.run()

    def struck(self, name: str, call: Callable[[], Any], number: int) -> Any:
        """Does a call, perhaps with a fault."""
        if number in self.dead:
            raise Died
        if self.random.random() >= self.rate:
            return call()
        fault = self.random.choice(FAULTS if name in WRITES else FAULTS[1:3])
        if fault == "dies":
            if self.random.random() < 0.5:
                self._later(call, 0.0)
            self.dead.add(number)
            raise Died
        if fault == "sleeps":
            self.time.sleep(self.random.uniform(0.1, 3.0))
            return call()
        if fault == "is throttled":
            raise Busy(fault)
        if fault == "is late":
            self._later(call, self.random.uniform(0.0, 3.0))
        elif fault == "the reply is lost":
            call()
        self.time.sleep(0.05)
        raise Unanswered(fault)

    def _later(self, call: Callable[[], Any], seconds: float) -> None:
        def do() -> None:
            self.time.sleep(seconds)
            try:
                call()
            except Exception:  # noqa: BLE001  # Nobody is told.
                return

        self.time.start(do)

    def _client(
        self, number: int, process: Executor, requests: Sequence[Sequence[Command]]
    ) -> None:
        self.time.sleep(self.random.uniform(0.0, 0.1))
        for sent, commands in enumerate(requests):
            claim = Claim(commands, f"request-{number}-{sent}", self._version())
            self.claims.append(claim)
            try:
                claim.executed = process.execute_together(
                    commands, actor=f"client-{number}", request=claim.request
                )
                claim.code = "done"
            except Refused as refused:
                claim.code, claim.refusal = refused.refusal.code, refused.refusal
                claim.index = refused.index
            except Refusal as refusal:
                claim.code = refusal.code
            except Died:
                return
            claim.ended = self._version()

    def _version(self) -> int:
        return self.engine.books.load([HOT])[HOT].version

    def events(self) -> Iterator[Recorded]:
        """Every event that is stored."""
        for stream in self.engine.books.streams():
            yield from self.engine.books.history(stream)

    def wrong(self) -> list[str]:
        """What must not be: answers that are not true, and what the books may not hold."""
        found = list(self._unsound_books())
        by_request: dict[str, list[Recorded]] = defaultdict(list)
        for event in self.events():
            if event.type not in RELEASES:
                by_request[event.command_id].append(event)
        for claim in self.claims:
            found += self._false(claim, by_request[claim.request])
        return found

    def _unsound_books(self) -> Iterator[str]:
        for stream in self.engine.books.streams():
            previous = FIRST_LINK
            for version, event in enumerate(self.engine.books.history(stream), 1):
                if event.version != version or event.chained_to(previous) != event.hash:
                    yield f"{stream}@{version} does not follow the event before it"
                previous = event.hash
                if stream == HOT and account_state(event).posted < 0:
                    yield f"the account holds {account_state(event).posted}"

    def _false(self, claim: Claim, events: Sequence[Recorded]) -> Iterator[str]:
        said = f"{claim.request} was told {claim.code!r}"
        targets = [target_stream(command) for command in claim.commands]
        mine = [event for event in events if event.stream in targets]
        if len(mine) > len(targets) or (mine and len(mine) < len(targets)):
            yield f"{claim.request} took effect {len(mine)} times"
        if claim.code == "done":
            for executed in claim.executed:
                event = executed.recorded
                if self.engine.books.snapshot([event.place]).get(event.place) != event:
                    yield f"{said}, with an event that is not stored"
                if not executed.replayed and event not in mine:
                    yield f"{said}, by another's event"
        elif claim.code not in ("", OutcomeUnknown.code) and events:
            yield f"{said}, and it happened"
        if isinstance(claim.refusal, InsufficientFunds) and claim.refusal.account == "hot":
            states = [
                account_state(self.engine.books.read(HOT, version))
                for version in range(claim.began, claim.ended + 1)
            ]
            if all(state.available >= claim.taken for state in states):
                yield f"{said}, and had the funds all the time"
