"""An attempt at a command: how much it reads, where it puts entries, what it would append."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from chalicelib.commands.deciding import Command, changes, makes_its_stream, naming, subject
from chalicelib.commands.head_cache import Memory
from chalicelib.domain.errors import (
    AccountExists,
    ClocksApart,
    IdempotencyKeyReused,
    Refusal,
    TransactionNotPending,
)
from chalicelib.domain.transaction.commands import ExpireHold, NewTransaction, PostHold, VoidHold
from chalicelib.events.clocks import DIFFER
from chalicelib.events.recorded import Origin, Recorded, Stream, follow
from chalicelib.events.store import Append, Place
from chalicelib.ledger.aggregates import Event, stripe_streams, transaction_event
from chalicelib.telemetry import apart

_TICK = timedelta(microseconds=1)


class ReadLevel(IntEnum):
    """How far a decision may be trusted. A retry only ever goes up."""

    CACHED = 1
    """Heads that this process wrote last may stand for what is stored: accepts, never refuses."""
    FRESH = 2
    """All heads are loaded, strongly consistent. A refusal is confirmed before it is given."""
    REPLAY_CHECKED = 3
    """Also the stream that a command would make is loaded: whether it was done before."""


@dataclass
class Run:
    """Commands on their way through one attempt after the other, until `until`.

    `returned` are the heads that a failed append or confirmation brought, with those that it was
    decided on; the next attempt uses them, if it comes at once. `unanswered` is what was appended
    without a reply: until it is known what became of that, nothing else is decided.
    """

    commands: Sequence[Command]
    command_id: str
    actor: str
    dry_run: bool
    until: float
    level: ReadLevel
    returned: dict[Stream, Recorded] = field(default_factory=dict)
    releases: list[Command] = field(default_factory=list)
    unanswered: "UnitOfWork | None" = None
    lost: int = 0
    busy: int = 0

    def escalate(self, to: ReadLevel) -> None:
        """Reads at this level at least from now on."""
        self.level = max(self.level, to)
        self.returned = {}


class Refused(Exception):
    """One of several commands was refused, and none was done. `place` counts from 0."""

    def __init__(self, place: int, refusal: Refusal, now: datetime) -> None:
        super().__init__(str(refusal))
        self.place = place
        self.refusal = refusal
        self.now = now


class Places:
    """Where new entries go in one attempt: per striped account, all to the same stripe."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._chosen: dict[Stream, Stream] = {}

    def __call__(self, account: Stream) -> Stream:
        """The stream that takes an account's entries: one of its stripes if it is known for any."""
        if account not in self._chosen:
            stripe = self.memory.stripe(account)
            if stripe is None:
                return account
            self._chosen[account] = stripe
        return self._chosen[account]


@dataclass
class Read:
    """What an attempt has read: the newest event of each stream that has any.

    `needed` are the streams of each command, in their order; `unloaded` those that were taken from
    memory or from what a failed append returned.
    """

    heads: dict[Stream, Recorded] = field(default_factory=dict)
    needed: list[list[Stream]] = field(default_factory=list)
    unloaded: set[Stream] = field(default_factory=set)


class UnitOfWork:
    """What one attempt would append, on top of what it has read."""

    def __init__(self, run: Run, read: Read, places: Places, clock: datetime) -> None:
        self.heads = dict(read.heads)
        self.events: dict[Stream, list[Recorded]] = {}
        self.done: list[Recorded | None] = []
        self._run, self._read, self._places = run, read, places
        # One instant for the whole commit, later than everything it follows: per stream, order by
        # time is order by version.
        self.now = max([clock, *(head.recorded_at + _TICK for head in self.heads.values())])
        self.stamped_by = clock
        self._origin = Origin(recorded_at=self.now, command_id=run.command_id, actor=run.actor)

    def decide(self) -> None:
        """Decides all commands of the run, and first its releases. Raises Refused.

        `done` then has the newest event of each command's subject; None if it was done before.
        """
        for release in self._run.releases:
            self._decide(release)
        for place, command in enumerate(self._run.commands):
            try:
                self.done.append(self._decide(command))
            except Refusal as refusal:
                raise Refused(place, refusal, self.now) from None

    def _decide(self, command: Command) -> Recorded | None:
        decided = changes(command, self.heads, self._places, self.now)
        # Accounts first: a transaction names the hashes of their events.
        on_accounts = {
            stream: self._follow(stream, events)
            for stream, events in decided.items()
            if stream.kind == "account"
        }
        for stream, events in decided.items():
            recorded = on_accounts.get(stream) or self._follow(stream, naming(events, on_accounts))
            self.heads[stream] = recorded[-1]
            self.events.setdefault(stream, []).extend(recorded)
        return self.heads[subject(command)] if decided else None

    def _follow(self, stream: Stream, events: Sequence[Event]) -> list[Recorded]:
        return follow(self.heads.get(stream), stream, events, self._origin)

    def looks_again(self) -> bool:
        """Whether what was read is further ahead of this clock than clocks differ, so that it is to
        be asked whether the commands were done before. Raises ClocksApart once that was asked.
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
        """Whether all that was decided on is loaded, is verified by the append, or never changes.

        What was done stays done: a transaction's stream goes on saying so.
        """
        asked = [*self._run.releases, *self._run.commands]
        done: list[Recorded | None] = [*(None for _ in self._run.releases), *self.done]
        return all(
            stream in self.events or stream not in self._read.unloaded
            for command, recorded, needed in zip(asked, done, self._read.needed, strict=True)
            if recorded is not None or not self._stays_done(command)
            for stream in needed
        )

    def _stays_done(self, command: Command) -> bool:
        if isinstance(command, PostHold | VoidHold | ExpireHold):
            head = self._read.heads.get(subject(command))
            return head is not None and transaction_event(head).resolution is not None
        return isinstance(command, NewTransaction) and subject(command) in self._read.heads

    def is_final(self, refused: Refused) -> bool:
        """Whether nothing that may still happen could change a refusal: an id stays used, and a
        hold that has ended stays so.
        """
        head = self._read.heads.get(subject(self._run.commands[refused.place]))
        if head is None:
            return False
        if isinstance(refused.refusal, TransactionNotPending):
            return transaction_event(head).state != "pending"
        return isinstance(refused.refusal, IdempotencyKeyReused | AccountExists)

    def next_places(self) -> list[Place]:
        """Where the streams that it was decided on would go on, if anybody had gone on.

        Of the commands that make a stream, also where that begins.
        """
        made = [subject(one) for one in self._run.commands if makes_its_stream(one)]
        streams = dict.fromkeys([*(one for each in self._read.needed for one in each), *made])
        heads = self._read.heads
        return [(one, heads[one].version + 1 if one in heads else 1) for one in streams]

    def stripes(self, stream: Stream) -> tuple[Recorded, ...]:
        """The newest events of an account's stripes after it; none of any other stream."""
        if stream.kind != "account":
            return ()
        return tuple(self.heads[stripe] for stripe in stripe_streams(self.heads[stream]))

    @property
    def first_event(self) -> Recorded:
        """One event of all that it would append, which is there if all of them are."""
        return next(iter(self.events.values()))[0]

    def is_among(self, stored: Collection[Recorded | None]) -> bool:
        """Whether one of its events is stored, and so all of them."""
        mine = {event.hash for events in self.events.values() for event in events}
        return any(event is not None and event.hash in mine for event in stored)

    def with_returned(self, there: dict[Stream, Recorded]) -> dict[Stream, Recorded]:
        """The heads that it read, and those that others have written since."""
        return {**self._read.heads, **there}

    def appends(self) -> list[Append]:
        """All of it, each stream's events behind the version that was read."""
        return [
            Append(stream=stream, expected_version=events[0].version - 1, events=events)
            for stream, events in self.events.items()
        ]
