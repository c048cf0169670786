"""Unit of work: the heads that one attempt has read, and what it would append on top of them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from chalicelib.commands.decider import Attempt, Command
from chalicelib.commands.execution import Executed, ReadLevel, Refused, Run
from chalicelib.domain.errors import ClocksApart, Refusal
from chalicelib.events.clocks import DIFFER
from chalicelib.events.recorded import Origin, Recorded, Stream, follow
from chalicelib.events.store import MAX_EVENTS, Append, Conflict, EventStore
from chalicelib.telemetry import apart

_TICK = timedelta(microseconds=1)


@dataclass
class Read:
    """What an attempt has read: the newest event of each stream that has any.

    `required` are the streams of each command, in their order; `unloaded` those of which the head
    was cached, or returned by a failed append.
    """

    attempt: Attempt
    heads: dict[Stream, Recorded] = field(default_factory=dict)
    required: list[list[Stream]] = field(default_factory=list)
    unloaded: set[Stream] = field(default_factory=set)


class Loading(Protocol):
    """Loads heads: an event store, or a wrapper of one."""

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        """See EventStore.load."""


def load(run: Run, store: Loading) -> Read:
    """The heads of all streams that the commands require, those that others name included.

    At the level CACHED, cached heads stand for stored ones. Raises Busy.
    """
    read, seen = Read(run.decider.attempt(run.cache)), set[Stream]()
    with_target = run.level is ReadLevel.REPLAY_CHECKED
    while True:
        read.required = []
        for one in (*run.releases, *run.commands):
            needed = read.attempt.required_streams(one, read.heads, with_target=with_target)
            read.required.append(needed)
        wanted = dict.fromkeys(chain.from_iterable(read.required))
        missing = [stream for stream in wanted if stream not in seen]
        if run.level is ReadLevel.CACHED:
            found = run.cache.get(missing)
        else:  # What a failed append returned is used at the higher levels only.
            found = {stream: run.returned[stream] for stream in missing if stream in run.returned}
            run.cache.observe(found.values())
        read.unloaded.update(found)
        if len(found) < len(missing):
            loaded = store.load([stream for stream in missing if stream not in found])
            run.cache.observe(loaded.values())
            found |= loaded
        read.heads |= found
        seen.update(missing)
        if not run.decider.name_further_streams(found.values()):
            if absent := wanted.keys() - read.heads.keys():
                run.decider.require_complete(read.heads, absent)
            read.unloaded.intersection_update(wanted)
            return read


class UnitOfWork:
    """What one attempt would append, on top of what it has read.

    `clock` is when it is decided; `now` the time of its events, by default later than all heads.
    """

    def __init__(
        self, run: Run, read: Read, clock: datetime, *, now: datetime | None = None
    ) -> None:
        self.heads = dict(read.heads)
        self.events: dict[Stream, list[Recorded]] = {}
        self.done: list[Recorded | None] = []
        self._run, self._read = run, read
        # One instant for the whole commit, later than everything it follows: per stream, order by
        # time is order by version.
        self.now = now or clock
        if now is None:
            for head in self.heads.values():
                self.now = max(self.now, head.recorded_at + _TICK)
        self.stamped_by = clock
        self._origin = Origin(recorded_at=self.now, command_id=run.command_id, actor=run.actor)

    def decide(self) -> None:
        """Decides all commands of the run, and first its releases. Raises Refused.

        `done` then has the newest event of each command's target; None if it was done before.
        """
        for release in self._run.releases:
            self._decide(release)
        for index, command in enumerate(self._run.commands):
            try:
                self.done.append(self._decide(command))
            except Refusal as refusal:
                raise Refused(index, refusal, self.now) from None

    def _decide(self, command: Command) -> Recorded | None:
        changed = self._read.attempt.decide(command, self.heads, self.now)
        written: dict[Stream, list[Recorded]] = {}
        for stream in changed:
            self.events.setdefault(stream, [])  # In the order in which they are appended.
        for stream in reversed(tuple(changed)):  # What a link names is recorded before it.
            events, states, link = changed[stream]
            if link is not None:
                events = link(events, written)
            head = self.heads.get(stream)
            written[stream] = recorded = follow(head, stream, events, self._origin, states)
            self.heads[stream] = recorded[-1]
            self.events[stream].extend(recorded)
        return self.heads[next(iter(changed))] if changed else None

    def needs_replay_check(self) -> bool:
        """Whether the heads are further ahead of this clock than clocks differ, so that the next
        attempt must read whether the commands were done before. Raises ClocksApart after that.
        """
        ahead = self.now - self.stamped_by
        if ahead <= DIFFER:
            return False
        if self._run.level is ReadLevel.REPLAY_CHECKED:
            apart(type(self._run.commands[0]).__name__, ahead.total_seconds())
            raise ClocksApart(ahead.total_seconds())
        self._run.escalate(ReadLevel.REPLAY_CHECKED)
        return True

    @property
    def is_proven(self) -> bool:
        """Whether each head that was decided on is loaded, is verified by the append, or says that
        a command is done, which it will go on saying.
        """
        if self._read.unloaded <= self.events.keys():
            return True
        commands = [*self._run.releases, *self._run.commands]
        done: list[Recorded | None] = [*(None for _ in self._run.releases), *self.done]
        return all(
            stream in self.events or stream not in self._read.unloaded
            for command, recorded, required in zip(commands, done, self._read.required, strict=True)
            if recorded is not None
            or not self._run.decider.stays_done(command, self._target_head(command))
            for stream in required
        )

    def is_final(self, refused: Refused) -> bool:
        """Whether a refusal stands whatever else is stored by now."""
        return self._run.decider.is_final(
            refused.refusal, self._target_head(self._run.commands[refused.index])
        )

    def _target_head(self, command: Command) -> Recorded | None:
        return self._read.heads.get(self._run.decider.target_stream(command))

    def confirm(self, store: EventStore) -> None:
        """Raises Conflict unless a refusal was decided on all there is, at one instant: on each
        stream, and where a command would create one, there is no further event.

        Plain reads may show one item of a transaction and not yet another (Amazon DynamoDB
        Developer Guide, "DynamoDB transactions: how it works", isolation levels). What is accepted
        on them is verified by the append; what is refused, by this. Raises Busy.
        """
        required = [stream for each in self._read.required for stream in each]
        heads = self._read.heads
        next_ones = [
            (stream, heads[stream].version + 1 if stream in heads else 1)
            for stream in dict.fromkeys([*required, *self._run.created_streams()])
        ]
        for start in range(0, len(next_ones), MAX_EVENTS):
            found = store.snapshot(next_ones[start : start + MAX_EVENTS])
            if found:
                there = {stream: event for (stream, _), event in found.items()}
                self._run.returned = self.with_returned(there)
                raise Conflict(next(iter(there)), there)

    def answers(self, store: EventStore) -> list[Executed]:
        """What became of each command, once this is written. Raises Busy."""
        answers, decider = [], self._run.decider
        for command, recorded in zip(self._run.commands, self.done, strict=True):
            answer = recorded or self.heads[decider.target_stream(command)]
            if recorded is None:
                version = decider.answered_by(command, answer.version)
                if version != answer.version:
                    answer = store.read(answer.stream, version)
            parts = tuple(map(self.heads.__getitem__, decider.parts(answer)))
            answers.append(Executed(answer, parts, replayed=recorded is None))
        return answers

    @property
    def first_event(self) -> Recorded:
        """One event of all that it would append, which is there if all of them are."""
        return next(iter(self.events.values()))[0]

    def is_among(self, stored: Collection[Recorded | None]) -> bool:
        """Whether one of its events is stored, and so all of them."""
        hashes = {event.hash for events in self.events.values() for event in events}
        return any(event is not None and event.hash in hashes for event in stored)

    def with_returned(self, returned: dict[Stream, Recorded]) -> dict[Stream, Recorded]:
        """The heads that it read, and those that others have written since."""
        return {**self._read.heads, **returned}

    def appends(self) -> Iterator[Append]:
        """All of it, each stream's events behind the version that was read."""
        for stream, events in self.events.items():
            yield Append(stream=stream, expected_version=events[0].version - 1, events=events)
