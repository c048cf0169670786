"""Problems of bodies and query strings that do not fit the message that the route declares."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from chalicelib.domain.errors import InvalidField
from chalicelib.http.faults import MOST, fault, faults
from chalicelib.http.problems import FieldError, Problem

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""msgspec's exceptions for malformed JSON."""

_Message = TypeVar("_Message")


class RepeatedName(Exception):
    """A name occurs twice in an object."""


def message_of(raw: msgspec.Raw, message: type[_Message]) -> _Message:
    """A part of a body, decoded. Raises Problem, which lists every fault."""
    try:
        return msgspec.json.decode(raw, type=message)
    except _MALFORMED as error:
        raise unreadable(error, raw, message) from None


def unreadable(
    error: Exception, raw: bytes | msgspec.Raw, message: type, known: Sequence[FieldError] = ()
) -> Problem:
    """The problem of JSON, or of a query string as JSON, that is not this message; with the faults
    that are known besides.
    """
    try:
        match error:
            case RepeatedName():
                pairs = _pairs.decode(bytes(raw).decode())
                return listed("validation_failed", list(_twice(pairs, "")))
            case msgspec.ValidationError():
                # For a type that `faults` cannot explain, msgspec's own message.
                found = faults(raw, message) or [FieldError("", str(error).replace("`", ""))]
                return listed("validation_failed", [*known, *found])
            case _:
                return _malformed(error)
    except (*_MALFORMED, json.JSONDecodeError) as malformed:
        return _malformed(malformed)


def refused_body(refusal: InvalidField, raw: bytes | msgspec.Raw, message: type[Any]) -> Problem:
    """The problem of a field that a command refused, with the body's other faults."""
    first = FieldError(refusal.where, refusal.why)
    try:
        found = faults(raw, message)
    except _MALFORMED:
        found = []
    return listed(refusal.code, [first, *(each for each in found if each.field != first.field)])


def listed(code: str, found: list[FieldError]) -> Problem:
    """A problem with all faults, whose detail is the first."""
    first, *others = found[:MOST]
    detail = f"{first.field}: {first.detail}" if first.field else first.detail
    if others:
        detail = f"{detail} (and {len(others)} more in errors)"
    return Problem(code, detail, errors=[first, *others])


class _Object(list[tuple[str, Any]]):
    """An object as pairs of name and value, which may have repeated names."""


_pairs = json.JSONDecoder(object_pairs_hook=_Object, parse_int=str, parse_float=str)


def _twice(value: Any, where: str) -> Iterator[FieldError]:
    if isinstance(value, _Object):
        seen: set[str] = set()
        for name, each in value:
            below = f"{where}.{name}" if where else name
            if name in seen:
                yield fault(below, "this name occurs twice")
            seen.add(name)
            yield from _twice(each, below)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _twice(each, f"{where}[{index}]")


def _malformed(error: Exception) -> Problem:
    match error:
        case UnicodeDecodeError():
            why = "it is not UTF-8"
        case RecursionError():
            why = "it is nested too deeply"
        case json.JSONDecodeError(doc=""):
            why = "it is empty"
        case json.JSONDecodeError() if error.doc.startswith("\ufeff"):
            why = "it begins with a byte order mark"
        case json.JSONDecodeError():
            why = f"{error.msg[:1].lower()}{error.msg[1:]}, at character {error.pos + 1}"
        case _:
            why = str(error).removeprefix("JSON is malformed: ")
    return Problem("malformed_json", f"the body is not JSON: {why}")
