"""An attempt at a command: what it carries along, where it puts entries, what it would append."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.commands.deciding import Command, changes, subject
from chalicelib.commands.memory import Memory
from chalicelib.events.recorded import Origin, Recorded, Stream, follow
from chalicelib.events.store import Append

_TICK = timedelta(microseconds=1)


@dataclass
class Run:
    """Commands on their way. `look` says that they look whether they were done before.

    A command that makes its subject does not need to: the append is conditional on its absence. So
    the usual case is spared a read, and only the unusual one looks. `doubtful` says that a refusal
    may come from streams that were not read at the same instant, and is to be seen twice;
    `remembers` that what this process wrote itself need not be loaded. `kept` is what an attempt
    that lost has seen, and what it lost to: as good as remembered, by the retry that comes at once.
    """

    commands: Sequence[Command]
    command_id: str
    actor: str
    dry_run: bool
    look: bool
    doubtful: bool
    remembers: bool
    kept: dict[Stream, Recorded] = field(default_factory=dict)
    releases: list[Command] = field(default_factory=list)
    lost: int = 0
    busy: int = 0

    @property
    def is_certain(self) -> bool:
        """Whether all that is decided on is loaded."""
        return not self.remembers and not self.kept

    def be_certain(self) -> None:
        """Loads all of it from now on."""
        self.remembers, self.kept = False, {}


class NotCertain(Exception):
    """Something that was only remembered would be left as it is, and might be otherwise."""


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


class Commit:
    """What one attempt would append, on top of what it loaded."""

    def __init__(
        self, run: Run, heads: dict[Stream, Recorded], places: Places, clock: datetime
    ) -> None:
        self.heads = heads
        self._places = places
        # One instant for the whole commit, later than everything it follows: per stream, order by
        # time is order by version.
        self.now = max([clock, *(head.recorded_at + _TICK for head in heads.values())])
        self.events: dict[Stream, list[Recorded]] = {}
        self._origin = Origin(recorded_at=self.now, command_id=run.command_id, actor=run.actor)

    def decide(self, command: Command) -> Recorded | None:
        """The newest event of the command's subject after it; None if it was done before."""
        decided = changes(command, self.heads, self._places, self.now)
        for stream, events in decided.items():
            recorded = follow(self.heads.get(stream), stream, events, self._origin)
            self.heads[stream] = recorded[-1]
            self.events.setdefault(stream, []).extend(recorded)
        return self.heads[subject(command)] if decided else None

    def stripes(self, stream: Stream) -> tuple[Recorded, ...]:
        """The newest events of an account's stripes after it; none of any other stream."""
        if stream.kind != "account":
            return ()
        return tuple(self.heads[stripe] for stripe in self.heads[stream].stripes)

    def appends(self) -> list[Append]:
        """All of it, each stream's events behind the version that was loaded."""
        return [
            Append(stream=stream, expected_version=events[0].version - 1, events=events)
            for stream, events in self.events.items()
        ]
