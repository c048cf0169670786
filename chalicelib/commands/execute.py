"""Execute: load, decide, append; on a lost race, do it again.

Both round trips of a command are here, and nothing of HTTP: a script or a test executes a command
just as the Lambda does.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import assert_never, get_args

from uuid_utils import uuid7

from chalicelib.domain import account, transaction
from chalicelib.domain.account import OpenAccount
from chalicelib.domain.refusals import Contention, Refusal
from chalicelib.domain.transaction import PostTransaction
from chalicelib.events.codec import Event
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import (
    Origin,
    Recorded,
    Stream,
    account_stream,
    follow,
    transaction_stream,
)
from chalicelib.events.store import Append, Busy, Conflict, EventStore

Command = OpenAccount | PostTransaction
"""Every command that a client can issue."""

COMMANDS: dict[str, type[Command]] = {command.__name__: command for command in get_args(Command)}
"""The commands by name."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Executed:
    """What became of a command: the event that answers it, on the stream that it was about.

    `replayed` says that it was done before, and that this is the answer again.
    """

    recorded: Recorded
    replayed: bool = False


@dataclass(frozen=True)
class Backoff:
    """Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015)."""

    base: float = 0.01
    cap: float = 0.3
    deadline: float = 4.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after an attempt; attempts count from 0."""
        return random.uniform(0, min(self.cap, self.base * 2**attempt))


@dataclass(frozen=True)
class _Plan:
    """The stream that a command is about, and those it needs to see before it can decide.

    A command that makes its subject does not need to see it: the append is conditional on its
    absence, so the usual case is spared a read, and only the unusual one looks.
    """

    subject: Stream
    needs: Sequence[Stream] = ()


@dataclass(frozen=True)
class Executor:
    """Executes commands on a store; clock, ids and waiting are passed in."""

    store: EventStore
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], str] = lambda: str(uuid7())
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    backoff: Backoff = field(default_factory=Backoff)

    def execute(self, command: Command, *, actor: str, dry_run: bool = False) -> Executed:
        """Decides the command and appends its events, once, however often it is sent.

        A dry run decides and answers the same, and writes nothing. Raises the domain's refusals,
        or Contention.
        """
        plan = _plan(command)
        command_id = self.new_id()
        began = self.monotonic()
        if dry_run and (done := self._done_before(command, plan)):
            return done
        for attempt in count():
            try:
                return self._attempt(command, plan, command_id, actor, dry_run)
            except Refusal:
                # Refused now, but perhaps done before: then that answer stands.
                if done := self._done_before(command, plan):
                    return done
                raise
            except Conflict as conflict:
                if conflict.stream == plan.subject and (done := self._done_before(command, plan)):
                    return done
            except Busy:
                pass
            delay = self.backoff.delay(attempt)
            if self.monotonic() - began + delay > self.backoff.deadline:
                raise Contention
            self.sleep(delay)
        raise AssertionError("unreachable: the attempts are endless")

    def _attempt(
        self, command: Command, plan: _Plan, command_id: str, actor: str, dry_run: bool
    ) -> Executed:
        heads = self.store.load(plan.needs)
        # One instant for the whole commit, later than everything it follows: per stream, order by
        # time is order by version.
        now = max([self.clock(), *(head.recorded_at + _TICK for head in heads.values())])
        origin = Origin(recorded_at=now, command_id=command_id, actor=actor)
        appends = []
        for stream, events in _decide(command, heads, now).items():
            head = heads.get(stream)
            appends.append(
                Append(
                    stream=stream,
                    expected_version=head.version if head else 0,
                    events=follow(head, stream, events, origin),
                )
            )
        if not dry_run:
            self.store.append(*appends)
        return Executed(appends[0].events[-1])

    def _done_before(self, command: Command, plan: _Plan) -> Executed | None:
        """The answer to a command that was done before, if its subject is there already.

        Raises the refusal of a command that is at odds with what was done.
        """
        heads = self.store.load([plan.subject])
        if not heads:
            return None
        head = heads[plan.subject]
        already = not _decide(command, heads, head.recorded_at)
        assert already, "a subject that is there is not made again"
        return Executed(self._answer(command, head), replayed=True)

    def _answer(self, command: Command, head: Recorded) -> Recorded:
        """The event that answered the command when it was done: an account answers as it is now,
        a transaction with its first answer, for ever.
        """
        if isinstance(command, PostTransaction) and head.version > 1:
            return next(self.store.history(head.stream))
        return head


def _plan(command: Command) -> _Plan:
    match command:
        case OpenAccount():
            return _Plan(account_stream(command.ledger, command.account))
        case PostTransaction():
            accounts = dict.fromkeys(entry.account for entry in command.entries)
            return _Plan(
                transaction_stream(command.ledger, command.transaction),
                [account_stream(command.ledger, id) for id in accounts],
            )
        case _:
            assert_never(command)


def _decide(
    command: Command, heads: Mapping[Stream, Recorded], now: datetime
) -> dict[Stream, Sequence[Event]]:
    """The events of each stream, the command's subject first; empty when already done."""
    subject = _plan(command).subject
    head = heads.get(subject)
    match command:
        case OpenAccount():
            opened = account.decide(command, head.account if head else None, now)
            return {subject: opened} if opened else {}
        case PostTransaction():
            accounts = {
                stream.id: found.account
                for stream, found in heads.items()
                if stream.kind == "account"
            }
            decision = transaction.decide(
                command, head.transaction if head else None, accounts, now
            )
            if not decision.transaction:
                return {}
            touched = {
                account_stream(command.ledger, id): events
                for id, events in decision.accounts.items()
            }
            return {subject: decision.transaction, **touched}
        case _:
            assert_never(command)


@cache
def executor() -> Executor:
    """The executor that the Lambdas use."""
    return Executor(DynamoStore())
