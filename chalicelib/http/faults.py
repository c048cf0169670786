"""Faults: all errors of a message. msgspec and the commands report only the first.

A refused message is decoded again, field by field, by its declared types and checks.
"""

import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Raw, UnsetType

from chalicelib.domain.errors import InvalidField
from chalicelib.http.problems import FieldError

MOST = 100
"""The most faults that are listed."""

_MOST_CHARACTERS = 200
"""The most characters of a field's path, which may contain names that the client made up."""

NO_TIME = "expected a time such as 2026-11-01T00:00:00Z"
"""The fault of a text that is not a time."""

_KINDS = {
    "int": "a whole number",
    "float": "a number with a fraction",
    "str": "a string",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
}
"""Words for msgspec's names of JSON types."""

_Raw = bytes | Raw


@dataclass(frozen=True)
class Check:
    """An annotation of a field with a further condition.

    `check` takes the value (as JSON for a Raw field) and the field's path, raises InvalidField.
    """

    check: Callable[[Any, str], object]


def faults(raw: _Raw, kind: Any) -> list[FieldError]:
    """The faults of a message, in order, at most `MOST`. Raises msgspec.DecodeError."""
    return list(islice(_faults(raw, kind, ""), MOST))


def _faults(raw: _Raw, kind: Any, where: str) -> Iterator[FieldError]:
    checks = []
    if get_origin(kind) is Annotated:
        bare, *notes = get_args(kind)
        checks = [note.check for note in notes if isinstance(note, Check)]
        notes = [note for note in notes if isinstance(note, msgspec.Meta)]
    else:
        bare, notes = kind, []
    options = _options(bare)
    if len(options) > 1:
        if bytes(raw).strip() == b"null" and types.NoneType in options:
            return
        rest = [each for each in options if each not in (types.NoneType, UnsetType)]
        if len(rest) == 1 and (_is_nested(_bare(rest[0])) or not _mismatch(raw, kind)):
            yield from _faults(raw, rest[0], where)
            return
    if _is_nested(bare):
        inner = list(_nested(raw, bare, where))
        yield from inner
        if inner:
            return
    elif text := _mismatch(raw, Annotated[(bare, *notes)] if notes else bare):
        yield fault(where, text)
        return
    if checks:
        value = msgspec.json.decode(raw, type=bare)
        for check in checks:
            try:
                check(value, where)
            except InvalidField as refusal:
                yield fault(refusal.where, refusal.why)
                return


def _nested(raw: _Raw, kind: Any, where: str) -> Iterator[FieldError]:
    is_array = get_origin(kind) in (tuple, list)
    try:
        inside: Any = msgspec.json.decode(raw, type=list[Raw] if is_array else dict[str, Raw])
    except msgspec.ValidationError as error:
        yield fault(where, _message_of(error))
        return
    if is_array:
        for index, each in enumerate(inside):
            yield from _faults(each, get_args(kind)[0], f"{where}[{index}]")
    elif get_origin(kind) is not None:
        for name, each in inside.items():
            yield from _faults(each, get_args(kind)[1], _below(where, name))
    else:
        yield from _of_struct(inside, kind, where)


def _of_struct(given: Mapping[str, Raw], kind: Any, where: str) -> Iterator[FieldError]:
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, each in given.items():
        if name in known:
            yield from _faults(each, known[name].type, _below(where, name))
        else:
            yield fault(_below(where, name), "unknown field")
    for name, field in known.items():
        if field.required and name not in given:
            yield fault(_below(where, name), "required field")


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _is_nested(kind: Any) -> bool:
    if get_origin(kind) is None:
        return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return get_origin(kind) in (tuple, list, Mapping)


def _mismatch(raw: _Raw, kind: Any) -> str:
    """How a value differs from its type; "" if it does not."""
    try:
        msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        return _one_of(kind) or _message_of(error)
    return ""


def _one_of(kind: Any) -> str:
    """The values of a Literal; "" for any other type."""
    values = [
        "null" if value is None else str(value)
        for option in map(_bare, _options(_bare(kind)))
        for value in (get_args(option) if get_origin(option) is Literal else ())
    ]
    return f"expected one of {', '.join(values)}" if values else ""


def _message_of(error: msgspec.ValidationError) -> str:
    text = str(error).partition(" - at `$")[0]
    if text == "Invalid RFC3339 encoded datetime":
        # Only for parameters: times in a body are strings with a Check (`times.py`).
        return f"{NO_TIME}; a + in a query string is written %2B"
    words = re.sub(
        "`([^`]*)`",
        lambda found: " or ".join(_KINDS.get(kind, kind) for kind in found[1].split(" | ")),
        text,
    )
    return f"{words[:1].lower()}{words[1:]}"


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def fault(where: str, why: str) -> FieldError:
    """A fault of the field at this path, which is truncated if it is long."""
    shown = where if len(where) <= _MOST_CHARACTERS else f"{where[:_MOST_CHARACTERS]}…"
    return FieldError(shown, why)
