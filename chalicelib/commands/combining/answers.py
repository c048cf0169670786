"""Answers: commands and refusals as they are stored in the rows of an inbox."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct, structs

from chalicelib.commands.combining.inbox import Answer
from chalicelib.commands.decider import Command
from chalicelib.commands.execution import Refused
from chalicelib.commands.routing import Command as LedgerCommand
from chalicelib.domain import errors
from chalicelib.domain.account.commands import KEEP, ChangeAccount
from chalicelib.domain.errors import Refusal

TYPES: dict[str, type[Struct]] = {each.__name__: each for each in get_args(LedgerCommand)}


class Undecodable(Exception):
    """The commands or the refusal are of another build, or not valid in this one."""


class _Encoded(Struct):
    type: str
    fields: dict[str, Any]


def encode(commands: Sequence[Command]) -> bytes:
    """Commands as JSON, with the name of each one's class."""
    return msgspec.json.encode([_Encoded(type(one).__name__, _fields(one)) for one in commands])


def decode(encoded: bytes) -> list[Command]:
    """The commands. Raises Undecodable."""
    try:
        commands = [_command(each) for each in msgspec.json.decode(encoded, type=list[_Encoded])]
    except (msgspec.MsgspecError, KeyError, TypeError, Refusal) as error:
        raise Undecodable(str(error)) from error
    if encode(commands) != encoded:  # A field that is not known here is not left out of it.
        raise Undecodable("the commands have other fields than this build's")
    return commands


def refused(refused: Refused) -> Answer:
    """A refusal as an answer; `alone` if its fields do not suffice to make it again."""
    refusal = refused.refusal
    fields = {
        name: value
        for name, value in vars(refusal).items()
        if name in getattr(type(refusal), "__dataclass_fields__", {})
    }
    answer = Answer(
        kind="refused", refusal=type(refusal).__name__, fields=fields, index=refused.index
    )
    try:
        restored = refusal_of(msgspec.json.decode(msgspec.json.encode(answer), type=Answer))
    except (Undecodable, msgspec.MsgspecError):
        return Answer(kind="alone")
    return answer if str(restored) == str(refusal) else Answer(kind="alone")


def refusal_of(answer: Answer) -> Refusal:
    """The refusal of an answer. Raises Undecodable."""
    try:
        refusal: Refusal = getattr(errors, answer.refusal)(**answer.fields)
    except (AttributeError, TypeError) as error:
        raise Undecodable(str(error)) from error
    return refusal


def _fields(command: Command) -> dict[str, Any]:
    found = structs.asdict(command)
    return {name: value for name, value in found.items() if value is not KEEP}


def _command(encoded: _Encoded) -> Command:
    kind = TYPES[encoded.type]
    if kind is ChangeAccount:  # msgspec does not convert to its fields' type, with KEEP.
        return ChangeAccount(**encoded.fields)
    return msgspec.convert(encoded.fields, kind)
