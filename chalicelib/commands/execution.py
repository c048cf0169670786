"""Execution: what is known of commands from one attempt to the next, and what becomes of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

from chalicelib.commands.decider import Cache, Command, Decider
from chalicelib.domain.errors import Refusal
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Conflict

if TYPE_CHECKING:
    from chalicelib.commands.combining.hot import Combiner
    from chalicelib.commands.combining.inbox import Lease
    from chalicelib.commands.unit_of_work import UnitOfWork


class ReadLevel(IntEnum):
    """How far a decision may be trusted. A retry only ever goes up."""

    CACHED = 1
    """Heads that this process wrote last may stand for what is stored: accepts, never refuses."""
    FRESH = 2
    """All heads are loaded, strongly consistent. A refusal is confirmed before it is given."""
    REPLAY_CHECKED = 3
    """The stream that a command would create is loaded too, which shows whether it was done."""


@dataclass
class Run:
    """Commands on their way through one attempt after the other, until `until`.

    `returned` are the heads that a failed append or confirmation brought, with those that it was
    decided on; the next attempt uses them, if it comes at once. `unanswered` is what was appended
    without a reply: until its outcome is known, nothing else is decided. `conflicts` and `busy`
    count the attempts that lost a race, and those for which the store had no time. `leases` are
    those that were read, by account. `is_direct` says that no inbox is used any more.
    """

    commands: Sequence[Command]
    decider: Decider
    cache: Cache
    command_id: str
    actor: str
    dry_run: bool
    until: float
    level: ReadLevel
    returned: dict[Stream, Recorded] = field(default_factory=dict)
    releases: list[Command] = field(default_factory=list)
    unanswered: "UnitOfWork | None" = None
    leases: "dict[Stream, Lease]" = field(default_factory=dict)
    is_direct: bool = False
    conflicts: int = 0
    busy: int = 0

    def escalate(self, to: ReadLevel) -> None:
        """Reads at this level at least from now on."""
        self.level = max(self.level, to)
        self.returned = {}

    def created_streams(self) -> list[Stream]:
        """The target streams of the commands that create theirs."""
        ask = self.decider
        return [ask.target_stream(one) for one in self.commands if ask.creates_its_stream(one)]

    def required_streams(self, *, with_target: bool) -> Iterator[Stream]:
        """The streams that the commands require, as far as is known without any head."""
        attempt = self.decider.attempt(self.cache)
        for command in self.commands:
            yield from attempt.required_streams(command, {}, with_target=with_target)

    def after_conflict(self, conflict: Conflict) -> bool:
        """Whether to decide again without a wait: after the first conflict, on the heads that came
        back, and whenever the stream came back that a command would have created.
        """
        self.conflicts += 1
        created = set(self.created_streams())
        created &= conflict.lost.keys()
        level = ReadLevel.REPLAY_CHECKED if created else ReadLevel.FRESH
        is_first_check, returned = bool(created) and self.level < level, self.returned
        self.escalate(level)
        came_back = all(conflict.lost[stream] for stream in created or conflict.lost)
        if came_back and (created or self.conflicts == 1) and not self.dry_run:
            self.returned = returned
            return True
        return is_first_check


class Led(Exception):
    """An account that commands require has a leader: they are to wait in its inbox."""

    def __init__(self, combiner: "Combiner", account: Stream, lease: "Lease") -> None:
        super().__init__(f"{account} has a leader")
        self.combiner = combiner
        self.account = account
        self.lease = lease


class Refused(Exception):
    """One of several commands was refused, and none was done. `index` counts from 0."""

    def __init__(self, index: int, refusal: Refusal, now: datetime) -> None:
        super().__init__(str(refusal))
        self.index = index
        self.refusal = refusal
        self.now = now


@dataclass(frozen=True)
class Executed:
    """What became of a command: the event that answers it, on its target stream.

    `stripes` has the newest events of the account's stripes, if the target is a striped account.
    `replayed` says that the command was done before, and that this is its first answer again.
    """

    recorded: Recorded
    stripes: Sequence[Recorded] = ()
    replayed: bool = False
