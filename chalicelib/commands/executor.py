"""Executor: load, decide, append; on a lost race, do it again.

A command is retried, at the same read level or a higher one, after a conflict, after a call for
which the store had no time, and after a refusal that is not certain. It is refused once all that it
was decided on is known to have been there at one instant.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from typing import TypeVar

from uuid_utils import uuid7

from chalicelib.backoff import Backoff
from chalicelib.commands.combining.hot import Combiner, combiner
from chalicelib.commands.decider import Cache, Command, Decider
from chalicelib.commands.execution import Executed, Led, ReadLevel, Refused, Run
from chalicelib.commands.outcome import give_up
from chalicelib.commands.turns import TakeTurns, turns
from chalicelib.commands.unit_of_work import Loading, UnitOfWork, load
from chalicelib.events.clocks import SENT_WITHIN
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Busy, Conflict, EventStore, Place, Unanswered
from chalicelib.telemetry import raced

GRACE_SECONDS = 1.0
"""How long after the deadline the outcome of a command is read again and again."""

_NOW = partial(datetime.now, UTC)
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Executor:
    """Executes commands on a store; clock, ids and waiting are passed in."""

    store: EventStore
    clock: Callable[[], datetime] = _NOW
    new_id: Callable[[], str] = lambda: str(uuid7())
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    backoff: Backoff = field(default_factory=Backoff)
    head_cache: Cache | None = None
    decider: Decider = field(default_factory=lambda: _ledger())
    combiner: Combiner | None = None
    take_turns: TakeTurns = nullcontext

    def execute(
        self,
        command: Command,
        *,
        actor: str,
        request: str = "",
        dry_run: bool = False,
        within: float | None = None,
    ) -> Executed:
        """Decides the command and appends its events, once, however often it is sent.

        `request` is the id of the request that asks, by which its events can be found; one is made
        where there is none. A dry run decides and answers the same, and writes nothing. `within`
        is how many seconds there are, where that is less than usual.

        Raises the domain's refusals, also Contention where it is known that nothing was written,
        and OutcomeUnknown where it is not.
        """
        try:
            [executed] = self.execute_together(
                [command], actor=actor, request=request, dry_run=dry_run, within=within
            )
        except Refused as refused:
            raise refused.refusal from None
        return executed

    def execute_together(
        self,
        commands: Sequence[Command],
        *,
        actor: str,
        request: str = "",
        dry_run: bool = False,
        within: float | None = None,
    ) -> list[Executed]:
        """Likewise for several commands, each decided on what those before it did: all or none.

        Raises Refused for the first that is refused, ValueError for more events than one append
        holds, Contention, or OutcomeUnknown.
        """
        patience = self.backoff.deadline
        first_level = ReadLevel.FRESH if self.head_cache is None else ReadLevel.CACHED
        run = Run(
            commands,
            self.decider,
            self.head_cache or self.decider.new_cache(),
            command_id=request or self.new_id(),
            actor=actor,
            dry_run=dry_run,
            until=self.monotonic() + (patience if within is None else min(within, patience)),
            level=ReadLevel.REPLAY_CHECKED if dry_run else first_level,
        )
        try:
            with self.take_turns(run):
                return self.until_decided(run)
        finally:
            if run.conflicts or run.busy:
                raced(type(commands[0]).__name__, run.conflicts, run.busy)

    def retrying(self, read: Callable[[], _Found]) -> _Found:
        """What a read finds. Raises Busy if the store has no time for it for GRACE_SECONDS."""
        until = self.monotonic() + GRACE_SECONDS
        for attempt in count():
            try:
                return read()
            except Busy:
                delay = self.backoff.delay(attempt)
                if self.monotonic() + delay > until:
                    raise
                self.sleep(delay)
        raise AssertionError("unreachable: the attempts are endless")

    def until_decided(self, run: Run) -> list[Executed]:
        """Attempts until it is decided or the time is up: at once if what was missing has come
        back, otherwise after a wait.
        """
        for attempt in count():
            try:
                done = self.attempt(run)
                if done is not None:
                    return done
                continue
            except Conflict as conflict:
                at_once = run.after_conflict(conflict)
                if self.combiner is not None:
                    done = self.combiner.after_conflict(self, run, conflict)
                    if done is not None:
                        return done
                if at_once:
                    continue
            except (Busy, Unanswered) as error:
                run.busy += 1
                if self.combiner is not None and isinstance(error, Busy):
                    self.combiner.after_throttling(self, run)
            except Led as led:
                done = led.combiner.enter(self, run, led.account, led.lease)
                if done is not None:
                    return done
                continue
            run.returned = {}  # Old by the time that was waited.
            delay = self.backoff.delay(attempt)
            if self.monotonic() + delay > run.until:
                return give_up(self, run)
            self.sleep(delay)
        raise AssertionError("unreachable: the attempts are endless")

    def attempt(self, run: Run) -> list[Executed] | None:
        """What was done, or None for another attempt at once.

        What was appended without an answer is appended again as it was: decided anew, it might be
        done twice. Raises Refused, Conflict, Busy, Unanswered.
        """
        unit = run.unanswered or self._decide(run)
        if unit is None:
            return None
        answers = unit.answers(self.store)  # First, since it may take a read.
        if unit.events and not run.dry_run:
            if self.clock() - unit.stamped_by > SENT_WITHIN:
                raise Busy("this process was held up after it had decided")
            self._append(run, unit)
        return answers

    def _decide(self, run: Run) -> UnitOfWork | None:
        """What is to be appended; None if that takes another attempt. Raises Refused, ClocksApart,
        Conflict and Busy.
        """
        store: Loading = self.store
        if self.combiner is not None and self.combiner.hot:
            store = self.combiner.reading_leases(self, run)
        read = load(run, store)
        unit = UnitOfWork(run, read, self.clock())
        try:
            unit.decide()
        except Refused as refused:
            if unit.is_final(refused):
                raise
            if read.unloaded:
                run.escalate(ReadLevel.FRESH)
                return None
            if unit.needs_replay_check() or self.decider.release(self, run, read, refused):
                return None
            unit.confirm(self.store)
            raise
        if not unit.is_proven:
            run.escalate(ReadLevel.FRESH)
            return None
        return None if unit.events and unit.needs_replay_check() else unit

    def _append(self, run: Run, unit: UnitOfWork) -> None:
        """Writes a unit of work, which may have been sent before without an answer. Raises Conflict
        and Busy where it is known that nothing was written, and Unanswered.
        """
        before = run.unanswered
        run.unanswered = unit
        try:
            self.store.append(*unit.appends())
        except Conflict as conflict:
            if not unit.is_among(conflict.lost.values()):
                run.cache.cool_down(conflict.lost)
                there = {stream: event for stream, event in conflict.lost.items() if event}
                if before and not there:
                    raise Busy("what was sent first may be under way") from conflict
                # Another's event at its version keeps it out for good, however late it may arrive.
                run.unanswered = None
                run.returned = unit.with_returned(there)
                raise
        except BaseException as error:
            if isinstance(error, Busy):
                run.unanswered = before
            run.cache.invalidate(unit.events)
            raise
        run.unanswered = None
        run.cache.put(map(unit.heads.__getitem__, unit.events))

    def stored(self, coordinates: Sequence[Place]) -> dict[Place, Recorded]:
        """Those of these events that are there, all seen at one instant. Raises Busy."""
        return self.retrying(lambda: self.store.snapshot(coordinates)) if coordinates else {}


def _ledger() -> Decider:
    # Here, so that the executor of another aggregate's commands does not load the ledger's.
    from chalicelib.commands.ledger_decider import LEDGER

    return LEDGER


@cache
def executor() -> Executor:
    """The executor that the Lambdas use."""
    store = DynamoStore()
    cache = _ledger().new_cache()
    return Executor(store, head_cache=cache, combiner=combiner(store), take_turns=turns())
