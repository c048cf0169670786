"""Batched: what batches have in common: their patience, and how each of their parts is read."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from chalicelib.domain.errors import InvalidField, Refusal
from chalicelib.http.messages import message_of, refused_body
from chalicelib.http.problems import Problem, refused

PATIENCE_SECONDS = 7.0
"""After which a batch begins no more than it must: a Lambda's time is short of 10 s."""

ProblemDocument = Annotated[
    dict[str, Any], msgspec.Meta(extra_json_schema={"$ref": "#/components/schemas/Problem"})
]

_Request = TypeVar("_Request")
_Command = TypeVar("_Command")


class _Result(Protocol):
    @property
    def status(self) -> int: ...


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


def retry_after(results: Iterable[_Result]) -> dict[str, str]:
    """The header that asks for the same batch again, where one of its parts may yet be done."""
    return {"Retry-After": "1"} if any(one.status == 503 for one in results) else {}
