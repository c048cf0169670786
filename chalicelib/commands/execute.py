"""Execute: load, decide, append; on a lost race, do it again.

All round trips of a command are here, and nothing of HTTP: a script or a test executes a command
just as the Lambda does.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import cast

from uuid_utils import uuid7

from chalicelib.commands.attempt import Commit, NotCertain, Places, Run
from chalicelib.commands.deciding import Command, needs, subject
from chalicelib.commands.memory import Memory
from chalicelib.domain import account
from chalicelib.domain.entries import expired_holds
from chalicelib.domain.managing import OpenAccount
from chalicelib.domain.refusals import (
    AccountNotEmpty,
    BalanceLimitExceeded,
    Contention,
    InsufficientFunds,
    Refusal,
)
from chalicelib.domain.transaction import ExpireHold, NewTransaction, Resolving
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded, Stream, account_stream
from chalicelib.events.store import Busy, Conflict, EventStore, all_of
from chalicelib.telemetry import raced


@dataclass(frozen=True)
class Executed:
    """What became of a command: the event that answers it, on the stream that it was about.

    `stripes` has the newest events of the account's stripes, if it was about one that has any.
    `replayed` says that it was done before, and that this is the answer again.
    """

    recorded: Recorded
    stripes: Sequence[Recorded] = ()
    replayed: bool = False


class Refused(Exception):
    """One of several commands was refused, and none was done. `place` counts from 0."""

    def __init__(self, place: int, refusal: Refusal, now: datetime) -> None:
        super().__init__(str(refusal))
        self.place = place
        self.refusal = refusal
        self.now = now


@dataclass(frozen=True)
class Backoff:
    """Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015)."""

    base: float = 0.05
    cap: float = 2.0
    deadline: float = 4.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after an attempt; attempts count from 0."""
        return random.uniform(0, min(self.cap, self.base * 2**attempt))


@dataclass(frozen=True)
class Executor:
    """Executes commands on a store; clock, ids and waiting are passed in."""

    store: EventStore
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], str] = lambda: str(uuid7())
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    backoff: Backoff = field(default_factory=Backoff)
    memory: Memory | None = None

    def execute(
        self, command: Command, *, actor: str, request: str = "", dry_run: bool = False
    ) -> Executed:
        """Decides the command and appends its events, once, however often it is sent.

        `request` is the id of the request that asks, by which its events can be found; one is made
        where there is none. A dry run decides and answers the same, and writes nothing. Raises the
        domain's refusals, or Contention.
        """
        try:
            return self.execute_together([command], actor=actor, request=request, dry_run=dry_run)[
                0
            ]
        except Refused as refused:
            raise refused.refusal from None

    def execute_together(
        self, commands: Sequence[Command], *, actor: str, request: str = "", dry_run: bool = False
    ) -> list[Executed]:
        """Likewise for several commands, each decided on what those before it did: all or none.

        Raises Refused for the first that is refused, ValueError for more events than one append
        holds, or Contention.
        """
        run = Run(
            commands,
            command_id=request or self.new_id(),
            actor=actor,
            dry_run=dry_run,
            look=dry_run,
            doubtful=any(isinstance(each, OpenAccount | NewTransaction) for each in commands),
            remembers=self.memory is not None and not dry_run,
        )
        try:
            return self._until_decided(run)
        finally:
            raced(type(commands[0]).__name__, run.lost, run.busy)

    def _until_decided(self, run: Run) -> list[Executed]:
        began = self.monotonic()
        for attempt in count():
            try:
                done = self._attempt_or_release(run, until=began + self.backoff.deadline)
                if done is not None:
                    return done
                continue
            except Conflict as conflict:
                run.lost += 1
                run.remembers = False
                if not run.look and any(subject(one) in conflict.lost for one in run.commands):
                    run.look = True
                    run.be_certain()
                    continue
                if run.lost == 1 and all(conflict.lost.values()):
                    # What is there now came with the refusal: it is tried on that at once.
                    continue
            except Busy:
                run.busy += 1
            run.kept = {}  # Old by the time that was waited.
            delay = self.backoff.delay(attempt)
            if self.monotonic() - began + delay > self.backoff.deadline:
                raise Contention
            self.sleep(delay)
        raise AssertionError("unreachable: the attempts are endless")

    def _attempt_or_release(self, run: Run, until: float) -> list[Executed] | None:
        """What was done, or None for what is worth another attempt at once. Raises Refused."""
        try:
            return self._attempt(run)
        except NotCertain:
            run.be_certain()
            return None
        except Refused as refused:
            if not run.is_certain:
                run.be_certain()
            elif run.doubtful:
                # Refused now, but perhaps done before, or meanwhile: then that answer stands.
                run.doubtful, run.look = False, True
            elif not self._release(run, refused, until):
                raise
            return None

    def _attempt(self, run: Run) -> list[Executed]:
        recalled: set[Stream] = set()
        places = Places(self.memory or Memory())
        heads = self._load([*run.releases, *run.commands], run, places, recalled)
        seen = dict(heads)
        commit = Commit(run, heads, places, self.clock())
        for release in run.releases:
            commit.decide(release)
        done = []
        for place, command in enumerate(run.commands):
            try:
                done.append(commit.decide(command))
            except Refusal as refusal:
                raise Refused(place, refusal, commit.now) from None
        if not recalled <= commit.events.keys():
            # Only what is appended to is sure to be as it is remembered.
            raise NotCertain
        if commit.events and not run.dry_run:
            try:
                self._append(commit)
            except Conflict as conflict:
                there = {stream: event for stream, event in conflict.lost.items() if event}
                run.kept = {**seen, **there}
                raise
        return [
            Executed(
                recorded or self._answer(command, commit),
                commit.stripes(subject(command)),
                replayed=recorded is None,
            )
            for command, recorded in zip(run.commands, done, strict=True)
        ]

    def _append(self, commit: Commit) -> None:
        if self.memory is None:
            self.store.append(*commit.appends())
            return
        try:
            self.store.append(*commit.appends())
        except Conflict as conflict:
            self.memory.lose(conflict.lost)
            raise
        except BaseException:
            self.memory.forget(commit.events)
            raise
        self.memory.remember(events[-1] for events in commit.events.values())

    def _load(
        self,
        commands: Sequence[Command],
        run: Run,
        places: Places,
        recalled: set[Stream],
    ) -> dict[Stream, Recorded]:
        """The newest events of all streams that the commands need, however they name each other.

        Those that were only remembered are added to `recalled`.
        """
        heads: dict[Stream, Recorded] = {}
        seen: set[Stream] = set()
        while True:
            wanted = dict.fromkeys(
                stream
                for command in commands
                for stream in needs(command, heads, places, look=run.look)
            )
            fresh = [stream for stream in wanted if stream not in seen]
            if not fresh:
                recalled.intersection_update(wanted)
                return heads
            known = self.memory.recall(fresh) if self.memory and run.remembers else {}
            kept = {stream: run.kept[stream] for stream in fresh if stream in run.kept}
            known |= kept
            recalled.update(known)
            unknown = [stream for stream in fresh if stream not in known]
            loaded = self.store.load(unknown) if unknown else {}
            places.memory.learn([*kept.values(), *loaded.values()])
            heads.update({**known, **loaded})
            seen.update(fresh)

    def _answer(self, command: Command, commit: Commit) -> Recorded:
        """What answered the command when it was done: an account answers as it is now, a new
        transaction with its first event, for ever, and a hold with the one that resolved it.
        """
        head = commit.heads[subject(command)]
        then = head.version
        if isinstance(command, NewTransaction):
            then = 1
        elif isinstance(command, Resolving):
            then = min(2, head.version)
        return head if then == head.version else self.store.read(head.stream, then)

    def _release(self, run: Run, refused: Refused, until: float) -> bool:
        """Frees what stands in a command's way and has expired; whether there was any.

        Nobody is kept waiting for the sweep: at the instant at which a hold expires its money is
        free for the next decision. A dry run only decides as if it had been freed.
        """
        refusal = refused.refusal
        if not isinstance(refusal, InsufficientFunds | BalanceLimitExceeded | AccountNotEmpty):
            return False
        ledger = run.commands[refused.place].ledger
        expired = self._expired(account_stream(ledger, refusal.account), refused.now)
        releases = [ExpireHold(ledger=ledger, transaction=id) for id in expired]
        fresh = [release for release in releases if release not in run.releases]
        if run.dry_run:
            run.releases += fresh
            return bool(fresh)
        # Clocks differ: what others wrote may show that a hold has expired before this one does.
        latest = max(expired.values(), default=refused.now)
        by_then = replace(self, clock=lambda: max(self.clock(), latest))
        for release in fresh:
            if self.monotonic() > until:
                raise Contention
            by_then.execute(release, actor=run.actor)
        return bool(fresh)

    def _expired(self, stream: Stream, now: datetime) -> dict[str, datetime]:
        """The transactions that hold something of an account though they have expired, and when."""
        expired: dict[str, datetime] = {}
        for head in all_of(self.store, stream):
            due = head.account.next_expiry
            if due and due <= now:
                events = (one.event for one in self.store.history(head.stream, newest_first=True))
                expired |= expired_holds(head.account, cast(Iterator[account.Event], events), now)
        return expired


@cache
def executor() -> Executor:
    """The executor that the Lambdas use."""
    return Executor(DynamoStore(), memory=Memory())
