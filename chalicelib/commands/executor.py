"""Execute: load, decide, append; on a lost race, do it again.

All round trips of a command are here, and nothing of HTTP: a script or a test executes a command
just as the Lambda does.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Required, TypedDict, TypeVar, Unpack

from uuid_utils import uuid7

from chalicelib.commands.appending import append, confirm, decides_at_once
from chalicelib.commands.attempt import Places, Read, ReadLevel, Run, UnitOfWork
from chalicelib.commands.attempt import Refused as Refused
from chalicelib.commands.backoff import GRACE_SECONDS
from chalicelib.commands.backoff import Backoff as Backoff
from chalicelib.commands.deciding import Command, done_at, subject
from chalicelib.commands.executed import Executed as Executed
from chalicelib.commands.executed import answers_of
from chalicelib.commands.head_cache import Memory
from chalicelib.commands.loading import load
from chalicelib.commands.releasing import expired_in_the_way, puts_off
from chalicelib.domain.errors import Contention, OutcomeUnknown, TryAgain
from chalicelib.events.clocks import SENT_WITHIN
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, Conflict, EventStore, Place, Unanswered
from chalicelib.telemetry import raced

_Found = TypeVar("_Found")


class _How(TypedDict, total=False):
    """Who asks for commands, by which request, and how: see `Executor.execute`."""

    actor: Required[str]
    request: str
    dry_run: bool
    within: float | None


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
        says how many seconds there are, where that is less than usual.

        Raises the domain's refusals, also Contention where it is known that nothing was written,
        and OutcomeUnknown where it is not.
        """
        how = _How(actor=actor, request=request, dry_run=dry_run, within=within)
        try:
            return self.execute_together([command], **how)[0]
        except Refused as refused:
            raise refused.refusal from None

    def execute_together(self, commands: Sequence[Command], **how: Unpack[_How]) -> list[Executed]:
        """Likewise for several commands, each decided on what those before it did: all or none.

        Raises Refused for the first that is refused, ValueError for more events than one append
        holds, Contention, or OutcomeUnknown.
        """
        dry_run, within = how.get("dry_run", False), how.get("within")
        patience = self.backoff.deadline
        run = Run(
            commands,
            command_id=how.get("request") or self.new_id(),
            actor=how["actor"],
            dry_run=dry_run,
            until=self.monotonic() + (patience if within is None else min(within, patience)),
            level=self._first_level(dry_run),
        )
        try:
            return self._until_decided(run)
        finally:
            raced(type(commands[0]).__name__, run.lost, run.busy)

    def first_events(self, commands: Collection[Command]) -> dict[Stream, Recorded] | None:
        """The first events of those new streams that are there, all seen at one instant.

        None if that cannot be read now.
        """
        try:
            found = self._seen([(subject(command), 1) for command in commands])
        except Busy:
            return None
        return {stream: event for (stream, _), event in found.items()}

    def _first_level(self, dry_run: bool) -> ReadLevel:
        if dry_run:
            return ReadLevel.REPLAY_CHECKED
        return ReadLevel.FRESH if self.memory is None else ReadLevel.CACHED

    def _until_decided(self, run: Run) -> list[Executed]:
        """Decides and appends; again, at the same level or one above, for as long as there is time:
        at once if what was missing is known, otherwise after a wait.
        """
        for attempt in count():
            try:
                done = self._attempt(run)
                if done is not None:
                    return done
                continue
            except Conflict as conflict:
                if decides_at_once(run, conflict):
                    continue
            except (Busy, Unanswered):
                run.busy += 1
            run.returned = {}  # Old by the time that was waited.
            delay = self.backoff.delay(attempt)
            if self.monotonic() + delay > run.until:
                return self._given_up(run)
            self.sleep(delay)
        raise AssertionError("unreachable: the attempts are endless")

    def _attempt(self, run: Run) -> list[Executed] | None:
        """What was done, or None for what is worth another attempt at once.

        What was appended without an answer is appended again as it was: decided anew, it might be
        done twice. Raises Refused, Conflict, Busy, Unanswered.
        """
        unit = run.unanswered or self._decided(run)
        if unit is None:
            return None
        answers = answers_of(run, unit, self.store)  # First, since it may take a read.
        if unit.events and not run.dry_run:
            if self.clock() - unit.stamped_by > SENT_WITHIN:
                raise Busy("this process was held up after it had decided")
            append(run, unit, self.store, self.memory or Memory())
        return answers

    def _decided(self, run: Run) -> UnitOfWork | None:
        """What is to be appended; None where it takes another look.

        Raises Refused, ClocksApart, Conflict and Busy.
        """
        places = Places(self.memory or Memory())
        read = load(run, self.store, places)
        unit = UnitOfWork(run, read, places, self.clock())
        try:
            unit.decide()
        except Refused as refused:
            if not unit.is_final(refused):
                if read.unloaded:
                    run.escalate(ReadLevel.FRESH)
                    return None
                if unit.looks_again() or self._release(run, read, refused):
                    return None
                confirm(run, unit, self.store)
            raise
        if not unit.is_proven:
            run.escalate(ReadLevel.FRESH)
            return None
        return None if unit.events and unit.looks_again() else unit

    def _given_up(self, run: Run) -> list[Executed]:
        """What can be said when the time is up: what was done, by this request or one before it.

        Raises Contention where nothing was, and OutcomeUnknown where that cannot be read.
        """
        try:
            unit = run.unanswered
            if unit is not None:
                mine = unit.first_event
                there = self._seen([mine.place]).get(mine.place)
                if there is None:
                    raise OutcomeUnknown  # It may still arrive.
                if there.hash == mine.hash:
                    return answers_of(run, unit, self.store)
                run.unanswered = None
            found = self._seen([place for one in run.commands if (place := done_at(one))])
            if not found:
                raise Contention
            run.escalate(ReadLevel.REPLAY_CHECKED)
            run.returned = {stream: event for (stream, _), event in found.items()}
            while (done := self.patiently(lambda: self._attempt(run))) is None:
                pass  # Each time at a higher level, or with more that is released.
        except (Busy, Conflict, Unanswered):
            raise OutcomeUnknown from None
        return done

    def patiently(self, read: Callable[[], _Found]) -> _Found:
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

    def _seen(self, places: Sequence[Place]) -> dict[Place, Recorded]:
        return self.patiently(lambda: self.store.snapshot(places)) if places else {}

    def _release(self, run: Run, read: Read, refused: Refused) -> bool:
        """Frees what stands in a command's way and has expired; whether there was any.

        Nobody is kept waiting for the sweep: at the instant at which a hold expires its money is
        free for the next decision. A dry run only decides as if it had been freed. Raises Busy.
        """
        expired = expired_in_the_way(run, read, refused, self.store, self.monotonic)
        fresh = [release for release in expired if release not in run.releases]
        if puts_off(run, fresh):
            return bool(fresh)
        # Clocks differ: what others wrote may show that a hold has expired before this one does.
        latest = max(expired.values(), default=refused.now)
        by_then = replace(self, clock=lambda: max(self.clock(), latest))
        for release in fresh:
            left = run.until - self.monotonic()
            try:
                by_then.execute(release, actor=run.actor, within=left)
            except TryAgain as error:
                raise Busy(f"{release.transaction} could not be released") from error
        return bool(fresh)


@cache
def executor() -> Executor:
    """The executor that the Lambdas use."""
    return Executor(DynamoStore(), memory=Memory())
