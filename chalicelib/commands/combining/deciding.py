"""Deciding: a leader decides the commands of an inbox one after the other, as one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from chalicelib.commands.combining import answers
from chalicelib.commands.combining.inbox import Answer, Commit, Row
from chalicelib.commands.combining.limits import MOST_REFUSALS
from chalicelib.commands.decider import Attempt, Cache, Command
from chalicelib.commands.execution import Executed, ReadLevel, Refused, Run
from chalicelib.commands.releasing import expired_holds_of
from chalicelib.commands.unit_of_work import Read, UnitOfWork, load
from chalicelib.events.clocks import DIFFER
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import MAX_EVENTS, Append, Busy, Place

if TYPE_CHECKING:
    from chalicelib.commands.executor import Executor

_TICK = timedelta(microseconds=1)
ALONE, AGAIN = Answer(kind="alone"), Answer(kind="again")


class TooFarAhead(Exception):
    """A head was recorded later than this clock by more than clocks may differ."""


@dataclass
class Decided:
    """The outcome of a row. `answer` is written into it; None if its events are the answer.
    `executed` and `refused` are the same outcome, for a client of this process.
    """

    row: Row
    answer: Answer | None
    executed: list[Executed] = field(default_factory=list)
    refused: Refused | None = None


@dataclass
class Batch:
    """The rows of one transaction, each decided on the heads that those before it leave.

    `loaded` are the known stored heads; `heads` are those after the rows. `events` and `decided`
    are to be written. Refusals `relied_on` these streams. `now` is the time of the events.
    """

    executor: "Executor"
    until: float
    loaded: dict[Stream, Recorded]
    heads: dict[Stream, Recorded] = field(init=False)
    events: dict[Stream, list[Recorded]] = field(default_factory=dict)
    decided: list[Decided] = field(default_factory=list)
    relied_on: set[Stream] = field(default_factory=set)
    has_met_ahead: bool = False
    stamped_by: datetime = field(init=False)
    now: datetime = field(init=False)
    attempt: Attempt = field(init=False)

    def decide(self, rows: Sequence[Row]) -> None:
        """Decides rows in their order, as many as one transaction holds.

        Raises Busy, and TooFarAhead.
        """
        self.loaded = {at: one for at, one in self.loaded.items() if not self._are_ahead({at: one})}
        commands = self.load(rows)
        if self.has_met_ahead and not commands:
            raise TooFarAhead
        self.decided += [Decided(row, ALONE) for row in rows if row.id not in commands]
        self.heads = dict(self.loaded)
        self.stamped_by = self.now = self.executor.clock()
        for head in self.heads.values():
            self.now = max(self.now, head.recorded_at + _TICK)
        for row in rows:
            if row.id in commands and not self._decide(row, commands[row.id]):
                return

    def load(self, rows: Sequence[Row]) -> dict[str, list[Command]]:
        """Loads the heads that rows require; the commands by their row's id. Rows are left out that
        cannot be decoded, or whose heads cannot be read or are too far ahead. Raises Busy.
        """
        commands: dict[str, list[Command]] = {}
        for row in rows:
            with suppress(answers.Undecodable):
                commands[row.id] = answers.decode(row.commands)
        if not self._load(commands.values()):
            commands = {id: each for id, each in commands.items() if self._load([each])}
            self._load(commands.values())  # As one attempt again.
        return commands

    def _load(self, commands: Iterable[Sequence[Command]]) -> bool:
        """Whether the heads that commands require can be decided on. Raises Busy."""
        if wanted := list(chain.from_iterable(commands)):
            try:
                read = load(self._run(wanted, self.loaded), self.executor.store)
            except Busy:
                raise
            except Exception:  # noqa: BLE001  # Their clients are told of it, and no others.
                return False
            if self._are_ahead(read.heads):
                self.has_met_ahead = True
                return False
            self.loaded |= read.heads
            self.attempt = read.attempt
        return True

    def _are_ahead(self, heads: Mapping[Stream, Recorded]) -> bool:
        """Whether one of them is further ahead of this clock than clocks differ."""
        latest = self.executor.clock() + DIFFER
        return any(head.recorded_at + _TICK > latest for head in heads.values())

    def commit(self) -> Commit:
        """The transaction to write."""
        appends = [
            Append(stream=stream, expected_version=events[0].version - 1, events=events)
            for stream, events in self.events.items()
        ]
        return Commit(appends, [(each.row, each.answer) for each in self.decided], self._absent())

    def written(self) -> dict[Stream, Recorded]:
        """The heads of the streams that this writes, once it is written."""
        return {stream: events[-1] for stream, events in self.events.items()}

    def _decide(self, row: Row, commands: Sequence[Command]) -> bool:
        """Decides a row; False if it has to wait for the next transaction. Raises Busy."""
        unit: UnitOfWork | None
        try:
            decided, unit, relied_on = self._outcome(row, commands)
            self._check_room(unit, relied_on)
        except Busy:
            raise
        except Exception as error:  # noqa: BLE001  # Whatever it is, others must not wait for it.
            is_empty = not self.decided and not self.events
            if isinstance(error, _Later) or (isinstance(error, _Full) and not is_empty):
                return False
            decided, unit, relied_on = Decided(row, ALONE), None, set()
        if unit is not None:
            self._add(unit)
        self.decided.append(decided)
        self.relied_on |= relied_on
        return True

    def _outcome(
        self, row: Row, commands: Sequence[Command]
    ) -> tuple[Decided, UnitOfWork | None, set[Stream]]:
        """The row's outcome, its events, and the streams that a refusal relied on."""
        run = self._run(commands, self.heads, row)
        unit = self._unit(run)
        try:
            unit.decide()
        except Refused as refused:
            if self._release(row, run, refused):
                return self._outcome(row, commands)
            relied_on = {*self._required(run), *run.created_streams()}
            return Decided(row, answers.refused(refused), refused=refused), None, relied_on
        executed = unit.answers(self.executor.store)
        if any(each.replayed or each.stripes for each in executed):
            before = any(each.replayed for each in executed)
            return Decided(row, AGAIN if before else ALONE), None, set()
        answer = None
        if not all(map(run.decider.completed_at, commands)):
            versions = tuple(each.recorded.version for each in executed)
            answer = Answer(kind="done", versions=versions)
        return Decided(row, answer, executed), unit, set()

    def _release(self, row: Row, run: Run, refused: Refused) -> bool:
        """Expires the holds that caused a refusal, in the same transaction; whether there are any.

        Raises _Full, _Later, and Busy.
        """
        read = Read(self.attempt, self.heads)
        expired = list(expired_holds_of(self.executor, run, read, refused))
        if not expired:
            return False
        releases = self._run(expired, self.heads, row)
        loaded = load(releases, self.executor.store).heads
        stored = {one: loaded[one] for one in loaded.keys() - self.events.keys()}
        if self._are_ahead(stored):
            raise TooFarAhead
        self.loaded |= stored
        self.heads |= loaded
        if any(head.recorded_at >= self.now for head in stored.values()):
            raise _Later
        unit = self._unit(releases)
        unit.decide()
        if self._size(set()) + sum(map(len, unit.events.values())) >= MAX_EVENTS:
            raise _Full
        self._add(unit)
        return bool(unit.events)

    def _unit(self, run: Run) -> UnitOfWork:
        return UnitOfWork(run, Read(self.attempt, self.heads), self.stamped_by, now=self.now)

    def _required(self, run: Run) -> Iterator[Stream]:
        for command in run.commands:
            yield from self.attempt.required_streams(command, self.heads, with_target=False)

    def _run(
        self, commands: Sequence[Command], heads: dict[Stream, Recorded], row: Row | None = None
    ) -> Run:
        executor = self.executor
        return Run(
            commands,
            executor.decider,
            # What is decided on heads that are not written yet must not be cached.
            Cache() if row else executor.head_cache or executor.decider.new_cache(),
            command_id=row.command_id if row else "",
            actor=row.actor if row else "",
            dry_run=False,
            until=self.until,
            level=ReadLevel.FRESH,
            returned=heads,
        )

    def _add(self, unit: UnitOfWork) -> None:
        self.heads |= {stream: unit.heads[stream] for stream in unit.events}
        for stream, events in unit.events.items():
            self.events.setdefault(stream, []).extend(events)

    def _check_room(self, unit: UnitOfWork | None, relied_on: set[Stream]) -> None:
        """Raises _Full if a row with these events, or this refusal, does not fit."""
        size = 1 + (sum(map(len, unit.events.values())) if unit else 0)
        refusals = sum(each.refused is not None for each in self.decided)
        if self._size(relied_on) + size > MAX_EVENTS or refusals >= MOST_REFUSALS:
            raise _Full

    def _size(self, relied_on: set[Stream]) -> int:
        """The number of items of the transaction, if a refusal relied on these streams too."""
        events = sum(map(len, self.events.values()))
        return events + len(self.decided) + len((self.relied_on | relied_on) - self.events.keys())

    def _absent(self) -> list[Place]:
        """The events that must not exist when it is written, or else a refusal is not true."""
        return [
            (stream, self.heads[stream].version + 1 if stream in self.heads else 1)
            for stream in self.relied_on
            if stream not in self.events
        ]


class _Full(Exception):
    """A row does not fit into this transaction."""


class _Later(Exception):
    """A row can only be decided at a later instant than that of this transaction."""
