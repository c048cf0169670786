"""Batched: what the two batches share: how each part is read, executed and answered."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from chalicelib.commands.execution import Executed
from chalicelib.commands.executor import Executor
from chalicelib.commands.request_fields import id_of
from chalicelib.commands.routing import Command, target_stream
from chalicelib.domain.errors import (
    BatchTooLarge,
    InvalidField,
    NotAttempted,
    OutcomeUnknown,
    Refusal,
)
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy
from chalicelib.http.field_types import described
from chalicelib.http.messages import message_of, refused_body
from chalicelib.http.problems import Problem, refused
from chalicelib.http.response import Response

PATIENCE_SECONDS = 7.0
"""After which a batch begins no more than it must: a Lambda's time is short of 10 s."""

MOST_PARTS = 100

Outcome = Executed | Problem

ProblemDocument = Annotated[
    dict[str, Any], msgspec.Meta(extra_json_schema={"$ref": "#/components/schemas/Problem"})
]
"""A problem as a part of a response."""

PartStatus = Annotated[
    int,
    described(
        "The HTTP status that this part would have had on its own: 201 done, 200 done before.",
        201,
    ),
]
Replayed = Annotated[
    bool, described("True where it had been done by an earlier request; absent otherwise.", True)
]

_Request = TypeVar("_Request")
_Command = TypeVar("_Command", bound=Command)
_Results = TypeVar("_Results", bound="Results")


class Results(Protocol):
    """What became of each part of a batch, in their order."""

    @property
    def results(self) -> Sequence[Any]:
        """Each with a `status`."""


@dataclass(frozen=True)
class Sender:
    """Who sent a batch to a ledger, by which request, and what executes it.

    `new_id` makes an id for a part that has none, where the request has no `key`.
    """

    executor: Executor
    ledger: str
    actor: str
    request: str
    key: str | None
    new_id: Callable[[], str]

    def id_by_key(self, index: int) -> str | None:
        """The id that the request's key gives to a part; None for no key."""
        return None if self.key is None else id_of(f"{self.key}:{index}")

    def execute(self, command: Command, within: float | None = None) -> Outcome:
        """One part, on its own."""
        try:
            return self.executor.execute(
                command, actor=self.actor, request=self.request, within=within
            )
        except Refusal as refusal:
            return refused(refusal)

    def first_events(self, commands: Collection[Command]) -> dict[Stream, Recorded] | None:
        """The first events of the streams that commands would create, as far as these exist, all
        seen at one instant. None if that cannot be read now.
        """
        try:
            found = self.executor.stored([(target_stream(command), 1) for command in commands])
        except Busy:
            return None
        return {stream: event for (stream, _), event in found.items()}

    def not_attempted(
        self, left: Mapping[int, _Command], done: Callable[[_Command, Recorded], Outcome]
    ) -> dict[int, Outcome]:
        """The outcomes of the parts for which there was no time: perhaps an earlier request did
        them, which `done` answers.
        """
        found = self.first_events(left.values()) if left else {}
        if found is None:
            return dict.fromkeys(left, refused(OutcomeUnknown()))
        return {
            index: done(command, found[target_stream(command)])
            if target_stream(command) in found
            else refused(NotAttempted())
            for index, command in left.items()
        }


def check_size(parts: Collection[object], name: str) -> None:
    """Raises InvalidField for no parts, and BatchTooLarge for too many."""
    if not parts:
        raise InvalidField(name, f"a batch has at least 1 {name.removesuffix('s')}")
    if len(parts) > MOST_PARTS:
        raise BatchTooLarge(len(parts), MOST_PARTS, name)


def command_of(
    raw: msgspec.Raw, request: type[_Request], command: Callable[[_Request], _Command]
) -> _Command | Problem:
    """The command that a part of a batch asks for, or what is wrong with that part."""
    try:
        return command(message_of(raw, request))
    except InvalidField as refusal:
        return refused_body(refusal, raw, request)
    except Refusal as refusal:
        return refused(refusal)
    except Problem as problem:
        return problem


def batch_response(body: _Results) -> Response[_Results]:
    """The results; with `Retry-After` where the same batch, sent again, may do one of its parts."""
    retry = any(result.status == 503 for result in body.results)
    return Response(body, headers={"Retry-After": "1"} if retry else {})
