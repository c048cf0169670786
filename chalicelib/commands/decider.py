"""Decider: what the executor asks of the aggregates whose commands it executes.

The executor, its unit of work and the head cache's users know streams, versions, states and events.
What they must know of a command they ask a `Decider`: `ledger_decider.py` has the ledger's. (The
name and the idea, a pure function from command and state to events, are J. Chassaing's, "Functional
Event Sourcing Decider", 2021.)
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from msgspec import Struct

from chalicelib.domain.errors import Refusal
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Place

if TYPE_CHECKING:
    from chalicelib.commands.execution import Refused, Run
    from chalicelib.commands.executor import Executor
    from chalicelib.commands.unit_of_work import Read

Command = Any
"""A command of some aggregate: only its decider knows which."""

Heads = Mapping[Stream, Recorded]
"""The newest event of each stream that has any."""

Link = Callable[[Sequence[Any], Mapping[Stream, Sequence[Recorded]]], Sequence[Struct]]
"""Completes events by what the same decision recorded on other streams."""


class Changes(NamedTuple):
    """The events that a decision puts on a stream, and the states after each if it folded them.

    With `link` the events are completed by those of the streams after this one in the decision.
    """

    events: Sequence[Struct]
    states: Sequence[Struct] = ()
    link: Link | None = None


class Cache:
    """What the executor asks of a head cache (`head_cache.py`). This one caches nothing."""

    def get(self, streams: Iterable[Stream]) -> dict[Stream, Recorded]:  # noqa: ARG002  # None.
        """The cached heads of these streams."""
        return {}

    def put(self, heads: Iterable[Recorded]) -> None:
        """Caches what was written."""

    def observe(self, heads: Iterable[Recorded]) -> None:
        """Compares the cache with what was loaded."""

    def invalidate(self, streams: Iterable[Stream]) -> None:
        """Drops heads that may have changed."""

    def cool_down(self, lost: Mapping[Stream, Recorded | None]) -> None:
        """Stops caching streams that another process has written."""


class Attempt(Protocol):
    """One attempt at commands."""

    def required_streams(
        self, command: Command, heads: Heads, *, with_target: bool
    ) -> list[Stream]:
        """The streams that a command must see to be decided, as far as `heads` tell.

        With `with_target`, a stream that the command creates is among them.
        """

    def decide(self, command: Command, heads: Heads, now: datetime) -> Mapping[Stream, Changes]:
        """The changes of each stream, the command's target first; empty when already done.

        Raises Refusal.
        """


@dataclass(frozen=True, kw_only=True)
class Decider:
    """The functions that an aggregate's commands are executed with. The defaults are those of
    commands that read and write their target stream only, and can always be done again.

    - `target_stream`: the stream that a command is about, whose newest event answers it.
    - `attempt`: begins an attempt, with the head cache that it uses.
    - `new_cache`: makes an empty head cache.
    - `creates_its_stream`: whether a command is only done where its target does not exist yet.
    - `completed_at`: where the event is that says that a command was done, whichever request did
      it; None for a command that cannot be told from another of its kind.
    - `answered_by`: the version of the event that answers a command that was done before, when the
      target stream is at a version.
    - `stays_done`: whether a target stream that says that a command is done will say so for ever.
    - `is_final`: whether nothing that may still happen could change a refusal, decided on this
      head of the target stream.
    - `name_further_streams`: whether these heads name streams that commands require too.
    - `require_complete`: raises Busy where, by these heads, one of the absent streams must exist.
    - `can_be_led`: whether commands that meet on a stream may be combined there.
    - `parts`: the streams whose heads are part of the answer that an event of a target gives.
    - `release`: removes what stood in the way of a refused command but is out of date; whether
      there was anything, so that the command is decided again.
    """

    target_stream: Callable[[Command], Stream]
    attempt: Callable[[Any], Attempt]
    new_cache: Callable[[], Cache] = Cache
    creates_its_stream: Callable[[Command], bool] = lambda _: False
    completed_at: Callable[[Command], Place | None] = lambda _: None
    answered_by: Callable[[Command, int], int] = lambda _, version: version
    stays_done: Callable[[Command, Recorded | None], bool] = lambda _, __: False
    is_final: Callable[[Refusal, Recorded | None], bool] = lambda _, __: False
    name_further_streams: Callable[[Iterable[Recorded]], bool] = lambda _: False
    require_complete: Callable[[Heads, Collection[Stream]], None] = lambda _, __: None
    can_be_led: Callable[[Stream], bool] = lambda _: False
    parts: Callable[[Recorded], Sequence[Stream]] = lambda _: ()
    release: "Callable[[Executor, Run, Read, Refused], bool]" = lambda *_: False
