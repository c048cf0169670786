"""Waiting: a client whose command is in an inbox, until it has the answer or withdraws."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from chalicelib.commands.combining import answers
from chalicelib.commands.combining.deciding import Decided
from chalicelib.commands.combining.inbox import Answer, Inbox, Lease, Polled, Row
from chalicelib.commands.combining.leading import Parallel, Term
from chalicelib.commands.combining.limits import (
    FIRST_POLL_SECONDS,
    LEASE_EVERY,
    LEASE_SECONDS,
    MOST_ROWS,
    POLL_SECONDS,
    POLL_SHARE,
    POLL_SPREAD,
    UNDER_WAY_SECONDS,
    WITHDRAW_SECONDS,
)
from chalicelib.commands.execution import Executed, Refused, Run
from chalicelib.domain.errors import Contention, OutcomeUnknown, Refusal
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Busy, Place, Unanswered

if TYPE_CHECKING:
    from chalicelib.commands.executor import Executor


class Directly(Exception):
    """The client has to execute its commands itself, and no leader will."""


@dataclass
class Waiting:
    """One request in an inbox. `lease` is the newest lease that its client knows.

    `places` are the events that prove its commands done; empty if its row has the answer instead.
    """

    executor: "Executor"
    inbox: Inbox
    parallel: Parallel
    run: Run
    row: Row
    lease: Lease
    places: Sequence[Place] = ()
    _since: float = 0.0
    _may_be_put: bool = False
    _took_over: bool = False

    def answer(self, *, take_lease: bool) -> list[Executed]:
        """Enters the inbox, and waits. Raises Directly, Refused, Contention, OutcomeUnknown."""
        entered = self._since = self.executor.monotonic()
        leads = self._enter(take_lease=take_lease)
        pause = FIRST_POLL_SECONDS
        for poll in count(1):
            if leads:
                decided = self._lead()
                if decided is not None:
                    return self._executed(decided)
                leads = False
            if self.executor.monotonic() + pause > self.run.until:
                return self._withdraw()
            self.executor.sleep(pause * random.uniform(1 - POLL_SPREAD, 1 + POLL_SPREAD))
            pause = max(POLL_SECONDS, POLL_SHARE * (self.executor.monotonic() - entered))
            try:
                place = self.places[0] if self.places else None
                polled = self.inbox.poll(self.row, place, lease=poll % LEASE_EVERY == 0)
                done = self._found(polled)
                if done is not None:
                    return done
                appointed = polled.row.leads if polled.row else None
                leads = self._is_appointed(appointed) or self._may_lead(polled.lease)
            except (Busy, Unanswered):
                self.run.busy += 1
        raise AssertionError("unreachable: the polls are endless")

    def _enter(self, *, take_lease: bool) -> bool:
        """Puts the row and, with `take_lease`, tries to take the lease; whether it has it."""
        if not take_lease:
            self._put()
            return False
        _, leads = self.parallel([self._put, self._take])
        return bool(leads)

    def _put(self) -> None:
        """Puts the row until there is a reply; an earlier put may still take effect later."""
        while True:
            try:
                self.inbox.put(self.row)
            except (Busy, Unanswered) as error:
                self._may_be_put |= isinstance(error, Unanswered)
                if self.executor.monotonic() > self.run.until:
                    return
                self.executor.sleep(self.executor.backoff.delay(0))
            else:
                return

    def _take(self) -> bool:
        until = self.executor.clock().timestamp() + LEASE_SECONDS
        lease = Lease(owner=self.row.id, epoch=self.lease.epoch + 1, until=until)
        try:
            is_taken = self.inbox.take(self.row.account, self.lease, lease)
        except (Busy, Unanswered):
            return False  # A later poll reads whether it was taken.
        self._took_over, self.lease = bool(self.lease.owner) and is_taken, lease
        self._since = self.executor.monotonic()
        return is_taken

    def _is_appointed(self, lease: Lease | None) -> bool:
        """Whether the last leader has handed the lease over to this client."""
        if lease is None or lease.epoch <= self.lease.epoch:
            return False
        self.lease = lease
        return True

    def _may_lead(self, lease: Lease | None) -> bool:
        """Whether this client has the lease. Takes one that is free or was not renewed."""
        if lease is None:
            return False
        if lease.owner == self.row.id:
            self.lease = lease
            return True
        if lease != self.lease:
            self.lease, self._since = lease, self.executor.monotonic()
        is_dead = self.executor.monotonic() - self._since > LEASE_SECONDS
        now = self.executor.clock().timestamp()
        if lease.owner and not is_dead and lease.until + LEASE_SECONDS > now:
            return False
        return self._take()

    def _lead(self) -> Decided | None:
        took_over, self._took_over = self._took_over, False
        leases, most = {self.row.account: self.lease}, 1 if took_over else MOST_ROWS
        term = Term(
            self.executor, self.inbox, self.parallel, self.row, leases, self.run.until, most=most
        )
        decided = term.lead()
        if term.is_too_far_ahead:
            with suppress(Busy, Unanswered):  # Then the outcome is looked up.
                if self.inbox.withdraw(self.row, leave_mark=self._may_be_put):
                    raise Directly  # The direct execution raises ClocksApart.
        self.run.conflicts += term.lost
        self.lease = term.leases.get(self.row.account, self.lease)
        self._since = self.executor.monotonic()
        return decided

    def _executed(self, decided: Decided) -> list[Executed]:
        """The outcome that this client has decided itself. Raises Refused, Directly."""
        if decided.answer is not None:
            self._clear()
            if decided.refused is not None and decided.answer.kind == "refused":
                raise decided.refused
        if not decided.executed:
            raise Directly
        return decided.executed

    def _found(self, polled: Polled) -> list[Executed] | None:
        """The outcome, if the poll shows it. Raises as `answer`, and Busy."""
        if polled.event is not None and len(self.places) == 1 and self._is_ours(0, polled.event):
            return [Executed(polled.event)]
        if polled.row is not None and polled.row.answer is not None:
            return self._answered(polled.row.answer)
        return self._outcome() if polled.event is not None or polled.row is None else None

    def _outcome(self) -> list[Executed] | None:
        """The outcome at one instant; None while the command waits. Raises as `answer`, and Busy.

        A missing row or event proves nothing by itself: a transaction's items appear one by one.
        """
        row, events = self.inbox.outcome(self.row, self.places)
        found = [events.get(place) for place in self.places]
        done = [event for event in found if event is not None]
        is_whole = bool(done) and len(done) == len(found)
        if is_whole and all(self._is_ours(number, event) for number, event in enumerate(done)):
            return [Executed(event) for event in done]
        if row is not None and row.answer is not None:
            return self._answered(row.answer)
        if row is not None:
            # Another request has done one of the commands: the direct execution finds out.
            if done and self.inbox.withdraw(row, leave_mark=self._may_be_put):
                raise Directly
            return None
        if done:
            raise Directly
        if self._may_be_put:
            return None  # The put may still take effect, unless a withdrawal leaves its mark.
        raise Contention

    def _is_ours(self, number: int, event: Recorded) -> bool:
        """Whether the event proves that this request has done its command of this number."""
        if event.command_id != self.run.command_id:
            return False
        attempt = self.run.decider.attempt(self.run.cache)
        command = self.run.commands[number]
        try:
            return not attempt.decide(command, {event.stream: event}, self.executor.clock())
        except Refusal:
            return False

    def _answered(self, answer: Answer) -> list[Executed]:
        """The outcome that a leader has answered. Raises as `answer`, and Busy."""
        match answer.kind:
            case "refused":
                self._clear()
                with suppress(answers.Undecodable):  # It is another build's.
                    refusal = answers.refusal_of(answer)
                    raise Refused(answer.index, refusal, self.executor.clock())
                raise Directly
            case "done":
                targets = map(self.run.decider.target_stream, self.run.commands)
                places = list(zip(targets, answer.versions, strict=True))
                events = self.executor.stored(places)
                self._clear()
                return [Executed(events[place]) for place in places]
            case "withdrawn":
                raise Contention
            case "again" | "alone":
                self._clear()
                raise Directly

    def _clear(self) -> None:
        """Deletes the answered row, unless an earlier put of it may still take effect."""
        if not self._may_be_put:
            try:
                self.inbox.delete(self.row)
            except (Busy, Unanswered):
                return  # DynamoDB deletes it in a day.

    def _withdraw(self) -> list[Executed]:
        """Withdraws. Raises as `answer`: Contention only if nothing is done and never will be."""
        until = self.executor.monotonic() + WITHDRAW_SECONDS
        while self.executor.monotonic() < until:
            try:
                withdrawn = self.inbox.withdraw(self.row, leave_mark=self._may_be_put)
                if withdrawn and not self._may_be_put:
                    raise Contention
                done = self._outcome()
                if done is not None:
                    return done
            except (Busy, Unanswered):
                self.executor.sleep(UNDER_WAY_SECONDS)
        raise OutcomeUnknown
