"""Responses: of a route, by status, with headers and the examples that were executed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from chalicelib.http.problems import BODY_ERRORS, CHALLENGE, CONTENT_TYPE, STATUS
from chalicelib.http.router import Route
from ops.describing.messages import REF, Json
from ops.describing.operations import operation_of

JSON = "application/json"
_ANY_ROUTE = ("rate_limited", "internal_error", "unavailable")
_SHARED = (*_ANY_ROUTE, "unauthorized", "forbidden", "not_found", *BODY_ERRORS)
_ANY_CALLER = ("validation_failed", "unauthorized", "forbidden", "not_found")

HEADERS: dict[str, Json] = {
    "Location": {
        "description": "Where the Read API has what was made: its address, where this stage knows "
        "it, else its path below the Read API's root.",
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/ledgers/acme/accounts/customers:alice",
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string"},
        "example": CHALLENGE,
    },
    "ETag": {
        "description": "The account's version, for `If-Match`.",
        "schema": {"type": "string"},
        "example": '"2"',
    },
    "Idempotency-Replayed": {
        "description": "`true` where an earlier request had done it; else absent.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "Retry-After": {
        "description": "Seconds after which the same request may succeed.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
}
_OF_STATUS = {429: "Retry-After", 503: "Retry-After", 401: "WWW-Authenticate"}


def responses_of(route: Route, examples: Sequence[Json]) -> Json:
    """The responses of a route."""
    found: Json = {}
    for status in (201, 200) if route.created else (200,):
        found[str(status)] = {
            "description": HTTPStatus(status).phrase,
            **_headers(
                name
                for name in route.response_headers
                if not (name == "Idempotency-Replayed" and status == 201)
            ),
            "content": _success(route, _of(examples, status)),
        }
    for status, codes in sorted(_codes(route).items()):
        found[str(status)] = {
            "description": ", ".join(f"`{code}`" for code in codes),
            **_headers([_OF_STATUS[status]] if status in _OF_STATUS else []),
            "content": {CONTENT_TYPE: content("Problem", _of(examples, status))},
        }
    return found


def content(name: str, examples: Sequence[Any]) -> Json:
    """A body of this message, with its examples."""
    described: Json = {"schema": {"$ref": REF.format(name=name)}}
    shown = [example for example in examples if example is not None]
    if shown:
        described["examples"] = {
            f"example-{number}": {"value": example} for number, example in enumerate(shown, 1)
        }
    return described


def shared(paths: Json) -> Json:
    """The problems that any operation may have, as components: in their places are references."""
    found: Json = {}
    for methods in paths.values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                code = response["description"].strip("`")
                if code in _SHARED:
                    found[code] = response
                    operation["responses"][status] = {"$ref": f"#/components/responses/{code}"}
    return dict(sorted(found.items()))


def _success(route: Route, examples: Sequence[Any]) -> Json:
    if route.signature.response is not None:
        return {JSON: content(route.signature.response.__name__, examples)}
    media = operation_of(route.view.__name__).media
    return {media: {"schema": {"type": "object" if media == JSON else "string"}}}


def _codes(route: Route) -> dict[int, list[str]]:
    """The codes of a route's problems, by status."""
    codes: dict[int, list[str]] = defaultdict(list)
    of_any = (*(_ANY_CALLER if route.scope else ("validation_failed",)), *_ANY_ROUTE)
    for code in (*of_any, *route.errors):
        codes[STATUS[code]].append(code)
    return codes


def _of(examples: Sequence[Json], status: int) -> list[Any]:
    return [each["response"] for each in examples if each["status"] == status]


def _headers(names: Iterator[str] | Sequence[str]) -> Json:
    found = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"headers": found} if found else {}
