"""Signature: what the parameters and annotations of a view say of its route, read at the start.

Each parameter of a view is one of these:

- `request`: the Request;
- `body`: the JSON body, as the message that annotates it; with a default, it may be left out;
- `query`: the path and the query string together, as the query object that annotates it;
- named as in the path: that part of the path; all of them, unless there is a `query`;
- annotated with a `Header`: that header, if it is sent;
- a `bool`: a query parameter that is `true` or `false`, if it is sent;
- `**` before its name: any other query parameter, which is ignored. Without it, others are refused.

The view is annotated to return `Response[Body]`; `Response[str]` is text that no message describes.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from chalicelib.http.response import Response

View = Callable[..., Response[Any]]

_REQUIRED = inspect.Parameter.empty


class Header(NamedTuple):
    """The header that a parameter of a view is read from. `read` raises InvalidField, Problem."""

    name: str
    read: Callable[[str], Any] = str


class Query(NamedTuple):
    """A query object, and which of its parameters are numbers and times."""

    message: type
    numbers: frozenset[str]
    times: frozenset[str]


@dataclass(frozen=True)
class Signature:
    """A view's parameters by what they are read from, and the message that it answers with."""

    takes_request: bool
    query: Query | None
    flags: frozenset[str]
    any_parameter: bool
    headers: Mapping[str, Header]
    body: type | None
    body_optional: bool
    response: type | None


def path_names(path: str) -> list[str]:
    """The names in a path: `ledger` in `/ledgers/{ledger}`."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def signature_of(view: View, path: str) -> Signature:
    """The signature of a view for a path.

    Raises TypeError for a parameter that is none of the above, and for a part of the path that is
    not asked for.
    """
    inspected = inspect.signature(view)
    parameters = dict(inspected.parameters)
    takes_request = parameters.pop("request", None) is not None
    query, body = parameters.pop("query", None), parameters.pop("body", None)
    for name in path_names(path) if query is None else ():
        if parameters.pop(name, None) is None:
            raise TypeError(f"{view.__name__}: no parameter {name}, as {path} has")
    headers, flags, any_parameter = dict[str, Header](), set[str](), False
    for name, parameter in parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            any_parameter = True
        elif parameter.default is not _REQUIRED and (header := _header(parameter.annotation)):
            headers[name] = header
        elif parameter.default is not _REQUIRED and parameter.annotation is bool:
            flags.add(name)
        else:
            raise TypeError(f"{view.__name__}: a request for {path} has no {name}")
    (response,) = get_args(inspected.return_annotation)
    return Signature(
        takes_request=takes_request,
        query=_query(query.annotation) if query else None,
        flags=frozenset(flags),
        any_parameter=any_parameter,
        headers=headers,
        body=body.annotation if body else None,
        body_optional=body is not None and body.default is not _REQUIRED,
        response=None if response is str else response,
    )


def _header(annotation: Any) -> Header | None:
    notes = getattr(annotation, "__metadata__", ())
    return next((note for note in notes if isinstance(note, Header)), None)


def _query(message: Any) -> Query:
    names = zip(message.__struct_fields__, message.__struct_encode_fields__, strict=True)
    kinds = get_type_hints(message)
    encoded = {encoded: _options(kinds[name]) for name, encoded in names}
    return Query(
        message,
        frozenset(name for name, options in encoded.items() if int in options),
        frozenset(name for name, options in encoded.items() if datetime in options),
    )


def _options(kind: Any) -> tuple[Any, ...]:
    """The types of a union; else the type itself."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
