"""Leading: the client with an account's lease decides the commands of the inbox for a while."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

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

Parallel = Callable[[Sequence[Callable[[], Any]]], Sequence[Any]]
"""Calls functions in parallel, and returns their results. Raises the first error."""


@dataclass
class Term:
    """One client's time as leader of an account, and of other accounts that the commands require.

    `own` is its row, `result` that row's outcome. `leases` are those that it has, first that of its
    row's account. `until` is when it gives up, by the executor's monotonic clock. `most` is how
    many rows it decides at once: after a leader that died 1 at first, since a command may have
    killed it. `is_replaced` says that another client took a lease.
    """

    executor: "Executor"
    inbox: Inbox
    parallel: Parallel
    own: Row
    leases: dict[Stream, Lease]
    until: float
    most: int = MOST_ROWS
    result: Decided | None = None
    rounds: int = 0
    rows_done: int = 0
    lost: int = 0
    is_too_far_ahead: bool = False
    is_replaced: bool = False
    is_settled: bool = False
    _known: dict[Stream, Recorded] = field(default_factory=dict)
    _ahead: list[Row] | None = None
    _seen: set[str] = field(default_factory=set)
    _began: float = 0.0
    _renewed: float = 0.0

    def lead(self) -> Decided | None:
        """Leads; the outcome of its own row, or None. Errors only end the term."""
        self._began = self._renewed = self.executor.monotonic()
        try:
            rows = self._waiting()
            while rows and not self._is_over():
                self._round(rows)
                rows = self._waiting() if self._ahead is None else self._ahead
        except (Busy, Unanswered, TooFarAhead) as error:
            logger.info("a term has ended early: %r", error)
            self.is_too_far_ahead = isinstance(error, TooFarAhead)
            rows = []
        except Exception:
            logger.exception("a term has ended early")
            rows = []
        self._end(rows)
        combined(self.rounds, self.rows_done, self.lost)
        return self.result

    def _is_over(self) -> bool:
        """Whether it was replaced, has led long enough, or has no time left for its own row."""
        now = self.executor.monotonic()
        if self.is_replaced:
            return True
        if self.result is None and not self.is_settled:
            return now > self.until - MARGIN_SECONDS
        return now - self._began > TERM_SECONDS

    def _waiting(self) -> list[Row]:
        """The rows to be decided: its own, then those seen before, then the others by age."""
        accounts = list(self.leases)
        is_due = self.executor.monotonic() - self._renewed > RENEW_SECONDS
        found = self.parallel(
            [
                *(partial(self.inbox.rows, account) for account in accounts),
                *(partial(self._renew, account, is_due=is_due) for account in accounts),
            ]
        )
        if is_due:
            self._renewed = self.executor.monotonic()
        rows = [row for each in found[: len(accounts)] for row in each]
        now, own = self.executor.clock().timestamp(), self.own.id
        self.is_settled = own not in {row.id for row in rows}
        stale = [row for row in rows if row.gives_up + STALE_SECONDS < now]
        for row in stale:
            self.inbox.withdraw(row)
        soon = now + MARGIN_SECONDS
        alive = [row for row in rows if row.gives_up > soon or (row.id == own and row not in stale)]
        alive.sort(key=lambda row: (row.id != own, row.id not in self._seen, row.id))
        self._seen = {row.id for row in alive}
        return self._take_others(alive)

    def _renew(self, account: Stream, *, is_due: bool) -> None:
        """Reads whether it still has a lease, and renews it if that is due."""
        mine = self.leases[account]
        there = self.inbox.lease(account)  # Perhaps as it was before it took it.
        is_mine = there.epoch < mine.epoch or (there.epoch, there.owner) == (mine.epoch, mine.owner)
        if not is_mine or (is_due and not self._take(account, mine, mine.epoch)):
            self.is_replaced = True
            del self.leases[account]

    def _take(self, account: Stream, seen: Lease, epoch: int) -> bool:
        """Replaces the lease `seen` by its own, if it is still stored; whether it was."""
        until = self.executor.clock().timestamp() + LEASE_SECONDS
        lease = Lease(owner=self.own.id, epoch=epoch, until=until)
        if self.inbox.take(account, seen, lease):
            self.leases[account] = lease
            return True
        return False

    def _take_others(self, rows: Sequence[Row]) -> list[Row]:
        """Takes the leases of other hot accounts that rows require; the rows to decide now.

        Rows of an account taken just now wait a round, in which its leader notices. Only accounts
        with larger names are taken, so that two leaders do not take each other's.
        """
        others = {
            other for row in rows for other in row.also if str(other) > str(self.own.account)
        }.difference(self.leases)
        for other in () if self.is_replaced else sorted(others, key=str):
            seen = self.inbox.lease(other)
            self._take(other, seen, seen.epoch + 1)
        return [row for row in rows if others.isdisjoint(row.also)] or list(rows)

    def _round(self, rows: Sequence[Row]) -> None:
        """Decides rows and appends them, repeatedly until one transaction is written or no row is
        left. Raises Busy, Unanswered, TooFarAhead.
        """
        most, throttled, self._ahead = self.most, 0, None
        while rows and not self._is_over():
            batch = Batch(self.executor, self.until, dict(self._known))
            try:
                batch.decide(rows[:most])
                self._known |= batch.loaded
                if not batch.decided and not batch.events:
                    return  # The next round decides on these heads, at a later time.
                self._commit(batch)
            except Lost as lost:
                self.lost += 1
                rows = self._after(lost, rows)
                most = max(1, min(most, len(batch.decided)) // 2)
            except ValueError:
                if len(batch.decided) > 1:
                    most = len(batch.decided) // 2
                    continue
                row = batch.decided[0].row if batch.decided else rows[0]
                with suppress(Lost):
                    self.inbox.commit(Commit([], [(row, ALONE)]))
                return
            except Busy:
                # Waiting is better than refusing: the clients of the rows wait anyway.
                pause = self.executor.backoff.delay(throttled)
                self.executor.sleep(max(LEAST_PAUSE_SECONDS, pause))
                throttled += 1
            else:
                self._written(batch)
                return

    def _commit(self, batch: Batch) -> None:
        commit = batch.commit()
        if self.executor.clock() - batch.stamped_by > SENT_WITHIN:
            raise Busy("this process was held up after it had decided")
        _, (self._ahead, loaded) = self.parallel(
            [lambda: self.inbox.commit(commit), lambda: self._read_ahead(batch)]
        )
        self._known = loaded | batch.written()

    def _read_ahead(self, batch: Batch) -> tuple[list[Row] | None, dict[Stream, Recorded]]:
        """The next rows, or None, and the heads that they require: read while a transaction is
        being written, whose heads then override them.
        """
        self.executor.sleep(READ_AHEAD_SECONDS)
        settled = {each.row.id for each in batch.decided}
        ahead = Batch(self.executor, self.until, dict(batch.loaded))
        try:
            rows = [row for row in self._waiting() if row.id not in settled]
            ahead.load(rows[: self.most])
        except (Busy, Unanswered):
            return None, {}
        return rows, ahead.loaded

    def _after(self, lost: Lost, rows: Sequence[Row]) -> list[Row]:
        """The rows that are left after a lost race, once their heads are known. Raises Busy."""
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
        mine = (each for each in batch.decided if each.row.id == self.own.id)
        self.result = next(mine, self.result)

    def _end(self, left: Sequence[Row]) -> None:
        """Hands each lease over to the client of the account's newest remaining row, which polls
        first, or gives it back. Once its own time is up leases are left to expire.
        """
        leases = self.leases if self.executor.monotonic() < self.until else ()
        try:
            self.parallel([partial(self._give, account, left) for account in leases])
        except (Busy, Unanswered):
            logger.info("a lease was not given back and will expire")

    def _give(self, account: Stream, left: Sequence[Row]) -> None:
        lease = self.leases[account]
        heirs = [row for row in left if row.account == account and row.id != self.own.id]
        free = Lease(epoch=lease.epoch + 1)
        if not heirs:
            self.inbox.take(account, lease, free)
            return
        heir = max(heirs, key=lambda row: row.id)
        until = self.executor.clock().timestamp() + LEASE_SECONDS
        given = Lease(owner=heir.id, epoch=lease.epoch + 1, until=until)
        take = partial(self.inbox.take, account, lease, given)
        is_given, is_there = self.parallel([take, partial(self.inbox.appoint, heir, given)])
        if not is_there:
            self.inbox.take(account, given, free)
        elif not is_given:
            self.inbox.appoint(heir, Lease())  # Another has it: two would write at the same time.
