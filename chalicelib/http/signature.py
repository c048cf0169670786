"""Signature: the parameters of a route, read from the parameters and annotations of its view.

Each parameter of a view is one of these:

- `request`: the Request;
- `body`: the JSON body, as the message that annotates it; with a default, it may be left out;
- `query`: the path and the query string together, as the query object that annotates it;
- named as in the path: that part of the path; all of them, unless there is a `query`;
- annotated with a `Header`: that header, if it is sent;
- a `bool`: a query parameter that is `true` or `false`, if it is sent;
- `**` before its name: any other query parameter, which is ignored. Without it, others are refused.

The view is annotated to return `Response[Body]`, or `Response[str]` for text.
"""

import inspect
from collections.abc import Callable
from datetime import datetime
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from chalicelib.http.response import Response

View = Callable[..., Response[Any]]

_REQUIRED = inspect.Parameter.empty


class Header(NamedTuple):
    """The header of a parameter. `read` converts it, raises InvalidField, Problem."""

    name: str
    read: Callable[[str], Any] = str


class Query(NamedTuple):
    """A query object, the names of its parameters, and which of them are numbers and times."""

    message: type
    names: frozenset[str]
    numbers: frozenset[str]
    times: frozenset[str]


class Signature:
    """A view's parameters by their source, and the message of its response.

    Raises TypeError for any other parameter, and for a part of the path without a parameter.
    """

    def __init__(self, view: View, path: str) -> None:
        inspected = inspect.signature(view)
        parameters = dict(inspected.parameters)
        self.takes_request = parameters.pop("request", None) is not None
        query, body = parameters.pop("query", None), parameters.pop("body", None)
        self.query = _query(query.annotation) if query else None
        self.body: type | None = body.annotation if body else None
        self.body_optional = body is not None and body.default is not _REQUIRED
        for name in path_names(path) if query is None else ():
            if parameters.pop(name, None) is None:
                raise TypeError(f"{view.__name__}: no parameter {name}, as {path} has")
        self.headers: dict[str, Header] = {}
        self.flags: set[str] = set()
        self.any_parameter = False
        for name, parameter in parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                self.any_parameter = True
            elif parameter.default is not _REQUIRED and (header := _header(parameter.annotation)):
                self.headers[name] = header
            elif parameter.default is not _REQUIRED and parameter.annotation is bool:
                self.flags.add(name)
            else:
                raise TypeError(f"{view.__name__}: a request for {path} has no {name}")
        (response,) = get_args(inspected.return_annotation)
        self.response: type | None = None if response is str else response


def path_names(path: str) -> list[str]:
    """The names in a path: `ledger` in `/ledgers/{ledger}`."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _header(annotation: Any) -> Header | None:
    notes = getattr(annotation, "__metadata__", ())
    return next((note for note in notes if isinstance(note, Header)), None)


def _query(message: Any) -> Query:
    names = zip(message.__struct_fields__, message.__struct_encode_fields__, strict=True)
    kinds = get_type_hints(message)
    encoded = {encoded: _options(kinds[name]) for name, encoded in names}
    return Query(
        message,
        frozenset(encoded),
        frozenset(name for name, options in encoded.items() if int in options),
        frozenset(name for name, options in encoded.items() if datetime in options),
    )


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
