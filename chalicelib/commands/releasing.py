"""Releasing: the expired holds for which a command would be refused.

A hold is recorded as expired before a command is refused for it. What was decided on it earlier,
and is still on its way to the store, can then no longer be appended.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from chalicelib.commands.execution import ReadLevel, Refused, Run
from chalicelib.commands.routing import Command, creates_its_stream, target_stream
from chalicelib.commands.unit_of_work import Read
from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.errors import (
    AccountNotEmpty,
    BalanceLimitExceeded,
    InsufficientFunds,
    TransactionNotPending,
    TryAgain,
)
from chalicelib.domain.postings import expired_holds
from chalicelib.domain.transaction.commands import ExpireHold
from chalicelib.events.recorded import Stream
from chalicelib.events.store import Busy, EventStore
from chalicelib.ledger.aggregates import (
    account_event,
    account_state,
    account_stream,
    stripe_streams,
    transaction_event,
)

if TYPE_CHECKING:
    from chalicelib.commands.executor import Executor


def release_expired(executor: "Executor", run: Run, read: Read, refused: Refused) -> bool:
    """Releases the expired holds for which a command was refused; whether there were any.

    No command waits for the sweep: from the instant at which a hold expires its money is free for
    the next decision. A dry run only decides as if it had been freed. Raises Busy.
    """
    expired = expired_holds_of(executor, run, read, refused)
    fresh = [release for release in expired if release not in run.releases]
    if _is_put_off(run, fresh):
        return bool(fresh)
    # Clocks differ: what others wrote may show that a hold has expired before this one does.
    latest = max(expired.values(), default=refused.now)
    by_then = replace(executor, clock=lambda: max(executor.clock(), latest))
    for release in fresh:
        left = run.until - executor.monotonic()
        try:
            by_then.execute(release, actor=run.actor, within=left)
        except TryAgain as error:
            raise Busy(f"{release.transaction} could not be released") from error
    return bool(fresh)


def expired_holds_of(
    executor: "Executor", run: Run, read: Read, refused: Refused
) -> dict[ExpireHold, datetime]:
    """The commands that release those holds, and when each expired: those of an account, or the one
    that was to be resolved.

    Raises Busy, also where looking for them takes longer than the command may.
    """
    refusal, command = refused.refusal, run.commands[refused.index]
    if isinstance(refusal, TransactionNotPending):
        return _expired_target(command, read)
    if not isinstance(refusal, InsufficientFunds | BalanceLimitExceeded | AccountNotEmpty):
        return {}
    account = read.heads.get(account_stream(command.ledger, refusal.account))
    streams = [account.stream, *stripe_streams(account)] if account else []
    expired: dict[str, datetime] = {}
    for head in (read.heads[stream] for stream in streams if stream in read.heads):
        newest_first = partial(
            _newest_first, executor.store, head.stream, lambda: executor.monotonic() < run.until
        )
        expired |= expired_holds(account_state(head), newest_first, refused.now)
    return {ExpireHold(ledger=command.ledger, transaction=id): at for id, at in expired.items()}


def _expired_target(command: Command, read: Read) -> dict[ExpireHold, datetime]:
    stream = target_stream(command)
    hold = transaction_event(read.heads[stream])
    if hold.resolution is not None or hold.expires_at is None:
        return {}
    return {ExpireHold(ledger=stream.ledger, transaction=stream.id): hold.expires_at}


def _is_put_off(run: Run, releases: Sequence[Command]) -> bool:
    """Whether these releases are not to be written, or not yet.

    A dry run only decides as if they were. And it is read first whether the commands were done
    before: a replay writes nothing.
    """
    if run.dry_run:
        run.releases += releases
        return True
    is_checked = run.level is ReadLevel.REPLAY_CHECKED
    if is_checked or not releases or not any(map(creates_its_stream, run.commands)):
        return False
    run.escalate(ReadLevel.REPLAY_CHECKED)
    return True


def _newest_first(
    store: EventStore, stream: Stream, has_time: Callable[[], bool]
) -> Iterator[AccountEvent]:
    for one in store.history(stream, newest_first=True):
        if not has_time():
            raise Busy(f"the holds of {stream} could not be looked for in time")
        yield account_event(one)
