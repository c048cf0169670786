"""Describing: the OpenAPI 3.1 document of the API, from the signatures of its views.

Messages are described by their msgspec types, everything else by the routes' declarations.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

import msgspec

from chalicelib import __version__
from chalicelib.domain.fields import ID_PATTERN
from chalicelib.http.problems import CONTENT_TYPE, STATUS
from chalicelib.http.router import Route
from chalicelib.http.signature import path_names

Json = dict[str, Any]
Examples = Mapping[str, Sequence["Json"]]
"""By operation, executed requests: `request` and `response` bodies, and `status`."""

_REF = "#/components/schemas/{name}"
_JSON = "application/json"
_ANY_ROUTE = ("rate_limited", "internal_error", "unavailable")
_ANY_CALLER = ("validation_failed", "unauthorized", "forbidden", "not_found")

_ID = {"type": "string", "pattern": f"^{ID_PATTERN}$", "maxLength": 128}
_PARAMETERS: dict[str, Json] = {
    "ledger": {"in": "path", "schema": _ID, "description": "A tenant's book."},
    "account": {"in": "path", "schema": _ID, "description": "An account's id."},
    "transaction": {"in": "path", "schema": _ID, "description": "A transaction's id."},
    "code": {"in": "path", "schema": {"type": "string"}, "description": "An error code."},
    "dry_run": {
        "in": "query",
        "schema": {"type": "string", "enum": ["true", "false"]},
        "description": "Decide and answer, and write nothing.",
    },
    "If-Match": {
        "in": "header",
        "schema": {"type": "string", "pattern": '^(\\*|"?[1-9][0-9]{0,15}"?)$'},
        "description": "The version that the change was made for; stale is 409, and so is any weak "
        "tag, which never matches.",
    },
    "Idempotency-Key": {
        "in": "header",
        "schema": {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": 255},
        "description": "With the same key and content a request is done once and answered again. "
        "Double quotes around it do not count. One that is an id is the id of what is made; any "
        "other gives one.",
    },
}
_HEADERS: dict[str, Json] = {
    "Location": {
        "description": "Where the Read API has what was made: its address, where this stage knows "
        "it, else its path below the Read API's root.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "The version, for `If-Match`.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "`true` if this was done before.",
        "schema": {"type": "string", "const": "true"},
    },
    "Retry-After": {
        "description": "Seconds after which the same request may succeed.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
_IN_PATH: Json = {"in": "path", "schema": _ID, "description": "An id."}
"""Any other part of a path."""

_QUERY_NOTES = {
    "min_version": "Wait, for up to two seconds, until this version is to be seen.",
    "consistency": "`strong` reads the event table itself, where a stage allows it.",
    "limit": "How many rows a page holds.",
    "cursor": "The `next_cursor` of the page before.",
    "prefix": "Ids that begin so.",
    "reference": "Transactions with this reference.",
    "state": "Transactions in this state.",
    "from": "Recorded at or after.",
    "to": "Recorded before.",
    "at": "A time; by default, now.",
    "order": "Oldest first, which is the default, or newest first.",
}
"""Parameters of several query objects; any other is described by the `Meta` of its field."""

_PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457, with a stable `code` and the figures of the refusal.",
    "required": ["type", "title", "status", "code", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": list(STATUS)},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def document(routes: Sequence[Route], examples: Examples) -> Json:
    """The document of these routes, with examples that were executed."""
    signatures = [route.signature for route in routes]
    queries = {each.query.message.__name__: each.query.message for each in signatures if each.query}
    kinds = queries | {
        kind.__name__: kind
        for each in signatures
        for kind in (each.body, each.response)
        if kind is not None
    }
    named = [kinds[name] for name in sorted(kinds)]
    _, components = msgspec.json.schema_components(named, ref_template=_REF)
    paths: dict[str, Json] = defaultdict(dict)
    for route in routes:
        paths[route.path][route.method.lower()] = _operation(
            route, components, examples.get(route.view.__name__, ())
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Twofold",
            "version": __version__,
            "summary": "A serverless double-entry ledger.",
            "description": "Amounts are integers of the asset's smallest unit, as strings of "
            "digits; times are RFC 3339 in UTC. Errors are problems with a stable code. HEAD is "
            "answered wherever GET is, without a body.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The address of a stage."}],
        "security": [{"key": []}],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key: tf_…"}
            },
            "schemas": {
                **{name: schema for name, schema in components.items() if name not in queries},
                "Problem": _PROBLEM,
            },
        },
    }


def _operation(route: Route, components: Json, examples: Sequence[Json]) -> Json:
    body = route.signature.body
    described: Json = {
        "operationId": route.view.__name__,
        "summary": " ".join(cleandoc(route.view.__doc__ or "").split()),
        "parameters": _parameters(route, components),
        "responses": _responses(route, examples),
    }
    if route.scope is None:
        described["security"] = []
    if body is not None:
        described["requestBody"] = {
            "required": not route.signature.body_optional,
            "content": {_JSON: _content(body, [each["request"] for each in examples])},
        }
    return described


def _parameters(route: Route, components: Json) -> list[Json]:
    signature, in_path = route.signature, path_names(route.path)
    headers = [header.name for header in signature.headers.values()]
    found = [
        {"name": name, "required": name in in_path, **_PARAMETERS.get(name, _IN_PATH)}
        for name in (*in_path, *sorted(signature.flags), *headers)
    ]
    if signature.query is not None:
        properties = components[signature.query.message.__name__]["properties"]
        for name, schema in properties.items():
            if name not in in_path:
                plain = _plain(schema)
                note = plain.pop("description", name.replace("_", " "))
                note = {"description": _QUERY_NOTES.get(name, note)}
                found.append({"name": name, "in": "query", **note, "schema": plain})
    return found


def _plain(schema: Json) -> Json:
    """A parameter's schema: one that is absent is left out, never null."""
    options = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    chosen = {**schema, **options[0]} if options else dict(schema)
    if "enum" in chosen:
        chosen["enum"] = [value for value in chosen["enum"] if value is not None]
    return {
        key: value
        for key, value in chosen.items()
        if key != "anyOf" and not (key == "default" and value is None)
    }


def _responses(route: Route, examples: Sequence[Json]) -> Json:
    response = route.signature.response
    found: Json = {}
    for status in (201, 200) if route.created else (200,):
        given = [each["response"] for each in examples if each["status"] == status]
        found[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "headers": _headers(route, status),
            "content": {_JSON: _content(response, given)} if response else {},
        }
    codes = defaultdict(list)
    for code in (*(_ANY_CALLER if route.scope else ("validation_failed",)), *_ANY_ROUTE):
        codes[STATUS[code]].append(code)
    for code in route.errors:
        codes[STATUS[code]].append(code)
    for status, named in sorted(codes.items()):
        given = [each["response"] for each in examples if each["status"] == status]
        found[str(status)] = {
            "description": ", ".join(f"`{code}`" for code in named),
            "content": {CONTENT_TYPE: _content(None, given)},
        }
        if status in (429, 503):
            found[str(status)]["headers"] = {"Retry-After": _HEADERS["Retry-After"]}
        if status == 401:
            found[str(status)]["headers"] = {"WWW-Authenticate": _HEADERS["WWW-Authenticate"]}
    return found


def _headers(route: Route, status: int) -> Json:
    return {
        name: _HEADERS[name]
        for name in route.response_headers
        if not (name == "Idempotency-Replayed" and status == 201)
    }


def _content(kind: type | None, examples: Sequence[Any]) -> Json:
    name = kind.__name__ if kind else "Problem"
    content: Json = {"schema": {"$ref": _REF.format(name=name)}}
    shown = [example for example in examples if example is not None]
    if shown:
        content["examples"] = {
            f"example-{number}": {"value": example} for number, example in enumerate(shown, 1)
        }
    return content
