"""Messages: what is wrong with a body or a query string that is not what its route declares."""

import json
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from chalicelib.domain.errors import InvalidField
from chalicelib.http.faults import MOST, fault, faults
from chalicelib.http.problems import FieldError, Problem

_BYTE_ORDER_MARK = "\ufeff"

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for what is no JSON, or none that it takes."""

_Message = TypeVar("_Message")


class RepeatedName(Exception):
    """A name occurs twice in an object."""


def message_of(raw: msgspec.Raw, message: type[_Message]) -> _Message:
    """A part of a body as this message. Raises Problem, which lists every fault."""
    try:
        return msgspec.json.decode(raw, type=message)
    except _MALFORMED as error:
        raise unreadable(error, raw, message) from None


def unreadable(error: Exception, raw: bytes | msgspec.Raw, message: type) -> Problem:
    """The problem of JSON, or of a query string as JSON, that is not this message."""
    match error:
        case RepeatedName():
            return _repeated(bytes(raw))
        case msgspec.ValidationError():
            return _not_valid(error, raw, message)
        case _:
            return _no_json(error)


def refused_body(refusal: InvalidField, raw: bytes | msgspec.Raw, message: type[Any]) -> Problem:
    """The problem of a body with a field that a command refused, with the body's other faults."""
    first = FieldError(refusal.where, refusal.why)
    try:
        found = faults(raw, message)
    except _MALFORMED:
        found = []
    return _problem(refusal.code, [first, *(each for each in found if each.field != first.field)])


def _not_valid(error: Exception, raw: bytes | msgspec.Raw, message: type) -> Problem:
    try:
        found = faults(raw, message)
    except _MALFORMED as malformed:
        return _no_json(malformed)
    # Of a type that `faults` cannot explain there is msgspec's own message.
    return _problem("validation_failed", found or [FieldError("", str(error).replace("`", ""))])


def _problem(code: str, found: list[FieldError]) -> Problem:
    """All faults, and the first of them in words."""
    first, *others = found[:MOST]
    detail = f"{first.field}: {first.detail}" if first.field else first.detail
    if others:
        detail = f"{detail} (and {len(others)} more in errors)"
    return Problem(code, detail, errors=[first, *others])


def _repeated(raw: bytes) -> Problem:
    try:
        return _problem("validation_failed", list(_twice(_pairs.decode(raw.decode()), "")))
    except (ValueError, RecursionError) as malformed:
        return _no_json(malformed)


class _Object(list[tuple[str, Any]]):
    """An object as its names and values, with all that occur more than once."""


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
        for place, each in enumerate(value):
            yield from _twice(each, f"{where}[{place}]")


def _no_json(error: Exception) -> Problem:
    match error:
        case UnicodeDecodeError():
            why = "it is not UTF-8"
        case RecursionError():
            why = "it is nested too deeply"
        case json.JSONDecodeError(doc=""):
            why = "it is empty"
        case json.JSONDecodeError() if error.doc.startswith(_BYTE_ORDER_MARK):
            why = "it begins with a byte order mark"
        case json.JSONDecodeError():
            why = f"{error.msg[:1].lower()}{error.msg[1:]}, at character {error.pos + 1}"
        case _:
            why = str(error).removeprefix("JSON is malformed: ")
    return Problem("malformed_json", f"the body is not JSON: {why}")
