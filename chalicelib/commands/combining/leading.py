"""Leading: the client that has an account's lease decides the commands of the inbox for a while."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.commands.combining.deciding import ALONE, Batch, Decided, TooFarAhead
from chalicelib.commands.combining.inbox import Commit, Inbox, Lease, Lost, Row
from chalicelib.commands.combining.limits import (
    LEASE_SECONDS,
    LEAST_PAUSE_SECONDS,
    MARGIN_SECONDS,
    MOST_ROWS,
    READ_AHEAD_SECONDS,
    RENEW_SECONDS,
    STALE_SECONDS,
    TERM_SECONDS,
)
from chalicelib.events.clocks import SENT_WITHIN
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, Unanswered
from chalicelib.telemetry import combined

if TYPE_CHECKING:
    from chalicelib.commands.executor import Executor

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")
Parallel = Callable[[Sequence[Callable[[], Any]]], Sequence[Any]]
"""Runs works at the same time, and returns their results. Raises the first error."""


@dataclass
class Term:
    """One client's time as leader of an account.

    `own` is its row, `lease` the one that it has. `until` is when it gives up, by the executor's
    monotonic clock. `most` is how many rows it decides at once: after a leader that died, one at
    first, since a command may have killed it.
    """

    executor: "Executor"
    inbox: Inbox
    parallel: Parallel
    account: Stream
    own: Row
    lease: Lease
    until: float
    most: int = MOST_ROWS
    result: Decided | None = None
    rounds: int = 0
    rows_done: int = 0
    lost: int = 0
    is_too_far_ahead: bool = False
    _known: dict[Stream, Recorded] = field(default_factory=dict)
    _ahead: list[Row] | None = None
    _seen: set[str] = field(default_factory=set)
    _began: float = 0.0
    _renewed: float = 0.0

    def lead(self) -> Decided | None:
        """Leads until its term ends; what became of its own row, None if another settled it or
        nobody did. Raises nothing of the store: what has no answer is looked up by who waits.
        """
        self._began = self._renewed = self.executor.monotonic()
        rows: list[Row] = []
        try:
            rows = self._waiting()
            while rows and not self._is_over():
                self._round(rows)
                rows = self._waiting() if self._ahead is None else self._ahead
        except (Busy, Unanswered, TooFarAhead, _Replaced) as error:
            logger.info("a term has ended early: %r", error)
            self.is_too_far_ahead = isinstance(error, TooFarAhead)
            rows = []
        self._end(rows)
        combined(self.rounds, self.rows_done, self.lost)
        return self.result

    def _is_over(self) -> bool:
        """Whether its client waited long enough for others, or has no time left itself."""
        now = self.executor.monotonic()
        if self.result is None:
            return now > self.until - MARGIN_SECONDS
        return now - self._began > TERM_SECONDS

    def _waiting(self) -> list[Row]:
        """The rows to be decided, in their order: its own, those seen before, the others.

        Raises _Replaced if another client has the lease.
        """
        rows, is_renewed = self.parallel([lambda: self.inbox.rows(self.account), self._renew])
        if not is_renewed:
            raise _Replaced
        now = self.executor.clock().timestamp()
        stale = [row for row in rows if row.gives_up + STALE_SECONDS < now]
        for row in stale:
            self.inbox.withdraw(row)
        alive = [
            row
            for row in rows
            if row.gives_up - now > MARGIN_SECONDS or (row.id == self.own.id and row not in stale)
        ]
        alive.sort(key=lambda row: (row.id != self.own.id, row.id not in self._seen, row.id))
        self._seen = {row.id for row in alive}
        return alive

    def _renew(self) -> bool:
        monotonic = self.executor.monotonic()
        if monotonic - self._renewed < RENEW_SECONDS:
            return True
        until = self.executor.clock().timestamp() + LEASE_SECONDS
        renewed = Lease(owner=self.lease.owner, epoch=self.lease.epoch, until=until)
        if not self.inbox.take(self.account, self.lease, renewed):
            return False
        self.lease, self._renewed = renewed, monotonic
        return True

    def _round(self, rows: Sequence[Row]) -> None:
        """Decides rows and appends them, again and again until one transaction is written or none
        is left. Raises Busy, Unanswered, TooFarAhead.
        """
        most, throttled, self._ahead = self.most, 0, None
        while rows and not self._is_over():
            batch = Batch(self.executor, self.until, dict(self._known))
            try:
                batch.decide(rows[:most])
                self._known |= batch.loaded
                if not batch.decided and not batch.events:
                    return  # It is decided on these heads the next time, and at a later time.
                self._commit(batch)
            except Lost as lost:
                self.lost += 1
                rows = self._after(lost, rows)
                most = max(1, min(most, len(batch.decided)) // 2)
            except ValueError:
                if len(batch.decided) > 1:
                    most = len(batch.decided) // 2
                    continue
                self.inbox.commit(Commit([], [(batch.decided[0].row, ALONE)]))
                return
            except Busy:
                # Waiting here is better than refusing: the others wait too.
                pause = self.executor.backoff.delay(throttled)
                self.executor.sleep(max(LEAST_PAUSE_SECONDS, pause))
                throttled += 1
            else:
                self._written(batch)
                return

    def _commit(self, batch: Batch) -> None:
        if self.executor.clock() - batch.stamped_by > SENT_WITHIN:
            raise Busy("this process was held up after it had decided")
        commit = batch.commit()
        _, (self._ahead, loaded) = self.parallel(
            [lambda: self.inbox.commit(commit), lambda: self._read_ahead(batch)]
        )
        self._known = loaded | batch.written()

    def _read_ahead(self, batch: Batch) -> tuple[list[Row] | None, dict[Stream, Recorded]]:
        """The rows of the next transaction, and the heads that they require, read while one is
        being written: what that one writes overrides them. None where that was not possible.
        """
        self.executor.sleep(READ_AHEAD_SECONDS)
        settled = {each.row.id for each in batch.decided}
        ahead = Batch(self.executor, self.until, dict(batch.loaded))
        try:
            rows = [row for row in self._waiting() if row.id not in settled]
            ahead.load(rows[: self.most])
        except (Busy, Unanswered, _Replaced):
            return None, {}
        return rows, ahead.loaded

    def _after(self, lost: Lost, rows: Sequence[Row]) -> list[Row]:
        """The rows that are left after a lost race, whose heads are then known. Raises Busy."""
        unseen = [stream for stream, head in lost.heads.items() if head is None]
        for stream in unseen:
            self._known.pop(stream, None)
        self._known |= {stream: head for stream, head in lost.heads.items() if head is not None}
        if unseen:
            self._known |= self.executor.store.load(unseen)
        return [row for row in rows if row.id not in lost.rows]

    def _written(self, batch: Batch) -> None:
        self.rounds += 1
        self.rows_done += len(batch.decided)
        self.most = min(MOST_ROWS, 2 * self.most)
        for decided in batch.decided:
            if decided.row.id == self.own.id:
                self.result = decided

    def _end(self, left: Sequence[Row]) -> None:
        """Hands the lease over to the client of the newest row that is left, which looks soonest,
        or gives it back.
        """
        heir = max((row for row in left if row.id != self.own.id), key=_id, default=None)
        epoch = self.lease.epoch + 1
        free = Lease(epoch=epoch)
        try:
            if heir is None:
                self.inbox.take(self.account, self.lease, free)
                return
            until = self.executor.clock().timestamp() + LEASE_SECONDS
            given = Lease(owner=heir.id, epoch=epoch, until=until)
            _, is_there = self.parallel(
                [
                    lambda: self.inbox.take(self.account, self.lease, given),
                    lambda: self.inbox.appoint(heir, given),
                ]
            )
            if not is_there:
                self.inbox.take(self.account, given, free)
        except (Busy, Unanswered):
            logger.info("a lease was left to run out")


def _id(row: Row) -> str:
    return row.id


class _Replaced(Exception):
    """Another client has taken the lease."""
