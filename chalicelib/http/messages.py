"""Messages: JSON and query strings as the types that they are declared to be, or what is wrong."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from chalicelib.domain.errors import InvalidField
from chalicelib.http.faults import MOST, fault, faults
from chalicelib.http.problems import FieldError, Problem

_BYTE_ORDER_MARK = "\ufeff"

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for what is no JSON, or none that it takes."""

_Message = TypeVar("_Message")


def message_of(raw: bytes | msgspec.Raw, message: type[_Message]) -> _Message:
    """JSON as this message. Raises Problem, which lists every fault.

    That no name occurs twice is asked of a whole body, before: see `once_each`.
    """
    try:
        return msgspec.json.decode(raw, type=message)
    except msgspec.ValidationError as error:
        raise _not_valid(error, raw, message) from None
    except _MALFORMED as error:
        raise _no_json(error) from None


def parameters_of(given: Mapping[str, Any], message: type[_Message]) -> _Message:
    """The parameters of a path and a query string as this query object.

    Raises Problem, which lists every fault, and InvalidField.
    """
    try:
        return msgspec.convert(given, type=message)
    except msgspec.ValidationError as error:
        raise _not_valid(error, msgspec.json.encode(given), message) from None


def refused_body(refusal: InvalidField, raw: bytes | msgspec.Raw, message: type[Any]) -> Problem:
    """The problem of a body with a field that a command refused, with the body's other faults."""
    first = FieldError(refusal.where, refusal.why)
    try:
        found = faults(raw, message)
    except _MALFORMED:
        found = []
    return _problem(refusal.code, [first, *(each for each in found if each.field != first.field)])


def _not_valid(
    error: msgspec.ValidationError, raw: bytes | msgspec.Raw, message: type[Any]
) -> Problem:
    try:
        found = faults(raw, message)
    except _MALFORMED as malformed:
        return _no_json(malformed)
    if not found:
        # A type that is described in no other way than by msgspec's own words.
        found = [FieldError("", str(error).replace("`", ""))]
    return _problem("validation_failed", found)


def _problem(code: str, found: list[FieldError]) -> Problem:
    """All faults, and the first of them in words."""
    first, *others = found[:MOST]
    detail = f"{first.field}: {first.detail}" if first.field else first.detail
    if others:
        detail = f"{detail} (and {len(others)} more in errors)"
    return Problem(code, detail, errors=[first, *others])


def once_each(raw: bytes) -> None:
    """Raises Problem for an object in which a name occurs twice, of which parsers that take the
    first or the last would make different things (RFC 8259, section 4).
    """
    try:
        text = raw.decode()
        try:
            _scan.decode(text)
        except _Repeated:
            found = list(_twice(_pairs.decode(text), ""))
            raise _problem("validation_failed", found) from None
    except (ValueError, RecursionError) as error:
        raise _no_json(error) from None


class _Repeated(Exception):
    """An object has a name twice."""


def _look(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _Repeated


# Numbers are left as text: nobody asks what they are, and some are very long.
_scan = json.JSONDecoder(object_pairs_hook=_look, parse_int=str, parse_float=str)


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
