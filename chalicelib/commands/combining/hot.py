"""Hot accounts: the accounts on which this process lost races, and when it uses their inboxes."""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from chalicelib.commands.combining.limits import (
    HOT_SECONDS,
    LEASE_SECONDS,
    LED_SECONDS,
    LOST_APPENDS,
    ROW_BYTES,
)
from chalicelib.commands.execution import Executed, Led, Run
from chalicelib.commands.unit_of_work import Loading
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, Conflict, EventStore, Place, Unanswered
from chalicelib.tables import in_parallel

if TYPE_CHECKING:
    from chalicelib.commands.combining.inbox import Inbox, Lease
    from chalicelib.commands.combining.leading import Parallel
    from chalicelib.commands.executor import Executor

logger = logging.getLogger(__name__)


@dataclass
class Combiner:
    """What a process knows of hot accounts. Safe under threads.

    `hot` has the accounts that other clients write too, each with the monotonic time in seconds
    until which it counts as hot. While it is empty nothing else of this folder runs. `is_missing`
    says that this environment has no inbox.
    """

    make_inbox: "Callable[[], Inbox]"
    parallel: "Parallel"
    hot: dict[Stream, float] = field(default_factory=dict)
    is_missing: bool = False

    @cached_property
    def inbox(self) -> "Inbox":
        """Made when the first race is lost, so that a cold start does not load it."""
        return self.make_inbox()

    def reading_leases(self, executor: "Executor", run: Run) -> Loading:
        """The store, with a `load` that also reads the leases of the accounts that it loads; the
        store itself if no leases are to be read.
        """
        now = executor.monotonic()
        for stream, until in list(self.hot.items()):
            if until < now:
                self.hot.pop(stream, None)
        if not self.hot or run.dry_run or run.is_direct or self.is_missing:
            return executor.store
        return _LeaseReader(executor.store, self, executor, run)

    def after_conflict(
        self, executor: "Executor", run: Run, conflict: Conflict
    ) -> list[Executed] | None:
        """Notes the accounts of a conflict as hot, and enters an inbox after LOST_APPENDS. None if
        the commands are to be attempted directly.

        Raises what the execution of the commands raises.
        """
        # A conflict on an account that a command opens says only that it is open already.
        opened = run.created_streams()
        lost = [
            stream
            for stream in conflict.lost
            if run.decider.can_be_led(stream) and stream not in opened
        ]
        for stream in lost:
            self._note(stream, executor.monotonic() + HOT_SECONDS)
        known = [stream for stream in lost if stream in run.leases]
        if run.conflicts < LOST_APPENDS or not known:
            return None
        account = min(known, key=str)
        return self.enter(executor, run, account, run.leases[account], take_lease=True)

    def after_throttling(self, executor: "Executor", run: Run) -> None:
        """Notes the accounts of throttled commands as hot, so that their leases are read next time.

        A leader's transaction needs much of an account's capacity at once. Commands that are sent
        one by one would take it, and be throttled again: they wait in the inbox instead.
        """
        for stream in run.required_streams(with_target=False):
            if run.decider.can_be_led(stream):
                self._note(stream, executor.monotonic() + LED_SECONDS)

    def enter(
        self,
        executor: "Executor",
        run: Run,
        account: Stream,
        lease: "Lease",
        *,
        take_lease: bool = False,
    ) -> list[Executed] | None:
        """Waits in an account's inbox, whose lease was `lease`; with `take_lease` this client tries
        to take it. None if the commands are to be attempted directly.

        Raises what the execution of the commands raises.
        """
        # Imported here, since most processes never use an inbox.
        from chalicelib.commands.combining import answers
        from chalicelib.commands.combining.inbox import Row
        from chalicelib.commands.combining.waiting import Directly, Waiting

        run.is_direct = True
        if run.dry_run or run.unanswered is not None:
            return None
        encoded = answers.encode(run.commands)
        if len(encoded) > ROW_BYTES:
            return self._alone(executor, run)
        now, monotonic = executor.clock().timestamp(), executor.monotonic()
        row = Row(
            account=account,
            id=executor.new_id(),
            commands=encoded,
            command_id=run.command_id,
            actor=run.actor,
            gives_up=now + max(0.0, run.until - monotonic),
            also=tuple(other for other in _led(run, now) if other != account),
        )
        waiting = Waiting(executor, self.inbox, self.parallel, run, row, lease, tuple(_places(run)))
        try:
            return waiting.answer(take_lease=take_lease)
        except Directly:
            return None
        finally:
            self._note(account, executor.monotonic() + LED_SECONDS)
            # A leader has written them since.
            run.cache.invalidate(list(run.required_streams(with_target=True)))

    def _alone(self, executor: "Executor", run: Run) -> list[Executed]:
        """Executes commands that are too large for an inbox while this client has the leases of
        their accounts, so that no leader writes. Raises what their execution raises.
        """
        from chalicelib.commands.combining.inbox import Lease

        me, taken = executor.new_id(), list[tuple[Stream, Lease]]()
        until = executor.clock().timestamp() + LEASE_SECONDS
        try:
            for account in sorted(run.leases.keys() & self.hot.keys(), key=str):
                seen = self.inbox.lease(account)
                lease = Lease(owner=me, epoch=seen.epoch + 1, until=until)
                if self.inbox.take(account, seen, lease):
                    taken.append((account, lease))
        except (Busy, Unanswered):
            logger.info("commands are executed without a lease")
        try:
            return replace(executor, combiner=None).until_decided(run)
        finally:
            with suppress(Busy, Unanswered):  # Then the lease expires.
                for account, lease in taken:
                    self.inbox.take(account, lease, Lease(epoch=lease.epoch + 1))

    def _note(self, stream: Stream, until: float) -> None:
        self.hot[stream] = max(until, self.hot.get(stream, 0.0))


@dataclass(frozen=True)
class _LeaseReader:
    """A store whose loads also read leases, and the streams that the commands would create."""

    store: EventStore
    combiner: Combiner
    executor: "Executor"
    run: Run

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        """See EventStore.load. Raises Led, unless the commands were done before."""
        accounts = [stream for stream in streams if self.run.decider.can_be_led(stream)]
        created = self.run.created_streams()
        own = [stream for stream in created if stream not in streams]
        reads: list[Callable[[], object]] = [partial(self.store.load, [*streams, *own])]
        reads += [partial(self._lease, account) for account in accounts]
        heads: dict[Stream, Recorded]
        heads, *leases = self.combiner.parallel(reads)
        now = self.executor.clock().timestamp()
        for account, lease in zip(accounts, leases, strict=True):
            if lease is not None:
                self.run.leases[account] = lease
        led = _led(self.run, now)
        if led and not any(stream in heads for stream in created):
            raise Led(self.combiner, led[0], self.run.leases[led[0]])
        return heads

    def _lease(self, account: Stream) -> "Lease | None":
        from chalicelib.commands.combining.inbox import Missing

        try:
            return self.combiner.inbox.lease(account)
        except Missing:
            self.combiner.is_missing = True
            return None


def _led(run: Run, now: float) -> list[Stream]:
    """The accounts that had a leader when their leases were last read, sorted by name."""
    led = [account for account, lease in run.leases.items() if lease.owner and lease.until > now]
    return sorted(led, key=str)


def _places(run: Run) -> Iterator[Place]:
    """The coordinates of the events that prove the commands done; none if one command has none."""
    found = [run.decider.completed_at(command) for command in run.commands]
    if all(found):
        yield from (place for place in found if place is not None)


def combiner(store: EventStore) -> Combiner:
    """The combiner that the Lambdas use."""

    def inbox() -> "Inbox":
        from chalicelib.commands.combining.dynamodb import DynamoInbox

        return DynamoInbox(store)

    return Combiner(inbox, lambda works: in_parallel(lambda work: work(), works))
