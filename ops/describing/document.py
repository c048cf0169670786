"""Document: the OpenAPI 3.1 document of the API, from the declarations of its routes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from inspect import cleandoc

from chalicelib import __version__
from chalicelib.http.problems import FieldError
from chalicelib.http.router import Route
from ops.describing.messages import Json, schemas
from ops.describing.operations import TAGS, operation_of
from ops.describing.parameters import parameters_of
from ops.describing.problems import problem
from ops.describing.responses import HEADERS, JSON, content, responses_of, shared
from ops.describing.samples import samples_of

Examples = Mapping[str, Sequence[Json]]
"""By operation, executed requests: `method`, `path`, `headers`, `request`, `response`, `status`."""

_INFO: Json = {
    "title": "Twofold",
    "version": __version__,
    "summary": "A serverless double-entry ledger.",
    "description": "Balances of money, credits, points or stock, moved by transactions whose "
    "debits equal their credits.\n\nAmounts are integers of the asset's smallest unit, as strings "
    "of digits; times are RFC 3339 in UTC. Errors are problems with a stable `code`. HEAD is "
    "answered wherever GET is, without a body. The Write API answers POST and PATCH, the Read APIs "
    "GET; a deployment has them at addresses of their own.",
    "contact": {"name": "Twofold", "url": "https://twofold.dev"},
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
# A stage puts its own address in the place of the first (`http/description.py`).
_SERVERS: list[Json] = [
    {"url": "http://127.0.0.1:8000", "description": "A laptop's own server: `make run`."},
    {
        "url": "https://{domain}/{api}",
        "description": "A deployment with a domain of its own.",
        "variables": {
            "domain": {"default": "ledger.example.com", "description": "The domain."},
            "api": {
                "default": "write",
                "enum": ["write", "accounts", "journal"],
                "description": "`write` for POST and PATCH, `accounts` for accounts and "
                "statements, `journal` for transactions, trial balance and integrity.",
            },
        },
    },
    {
        "url": "https://{id}.execute-api.{region}.amazonaws.com/v1",
        "description": "One API of a deployment without a domain, as `make deploy` prints it.",
        "variables": {
            "id": {"default": "abcde12345", "description": "The id of the API."},
            "region": {"default": "eu-central-1", "description": "The AWS region."},
        },
    },
]
_SECURITY: Json = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of the ledger, `tf_…`, as the operator's command `keys` makes it. "
        "`make run` asks for none.",
    },
    "cognito": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the deployment's Cognito user pool, where it is set to that.",
    },
}


def document(routes: Sequence[Route], examples: Examples) -> Json:
    """The document of these routes, with examples that were executed."""
    signatures = [route.signature for route in routes]
    bodies = {
        kind.__name__: kind
        for each in signatures
        for kind in (each.body, each.response, FieldError)
        if kind is not None
    }
    paths: dict[str, Json] = defaultdict(dict)
    for route in routes:
        described = _operation(route, examples)
        paths[route.path][route.method.lower()] = described
    parameters = _shared_parameters(paths)
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": _SERVERS,
        "security": [{scheme: []} for scheme in _SECURITY],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": dict(paths),
        "components": {
            "securitySchemes": _SECURITY,
            "parameters": parameters,
            "headers": HEADERS,
            "responses": shared(paths),
            "schemas": {**schemas(list(bodies.values())), "Problem": problem()},
        },
    }


def _operation(route: Route, examples: Examples) -> Json:
    operation = operation_of(route.view.__name__)
    executed = examples.get(operation.id, ())
    docstring = " ".join(cleandoc(route.view.__doc__ or "").split())
    described: Json = {
        "operationId": operation.id,
        "tags": [operation.tag] if operation.tag else [],
        "summary": operation.summary,
        "description": f"{docstring} {operation.description}".strip(),
        "parameters": parameters_of(route),
    }
    if route.scope is None:
        described["security"] = []
    body = route.signature.body
    if body is not None:
        described["requestBody"] = {
            "required": not route.signature.body_optional,
            "content": {JSON: content(body.__name__, [each["request"] for each in executed])},
        }
    described["responses"] = responses_of(route, executed)
    samples = samples_of(operation.id, executed)
    return {**described, "x-codeSamples": samples} if samples else described


def _shared_parameters(paths: Json) -> Json:
    """The parameters that several operations have, as components: in their places are references.

    Of a name that means different things, only the first can be a component.
    """
    operations = [each for methods in paths.values() for each in methods.values()]
    uses: dict[str, list[Json]] = defaultdict(list)
    for parameter in (each for operation in operations for each in operation["parameters"]):
        uses[parameter["name"]].append(parameter)
    found = {name: same[0] for name, same in sorted(uses.items()) if same.count(same[0]) > 1}
    for operation in operations:
        operation["parameters"] = [
            {"$ref": f"#/components/parameters/{each['name']}"}
            if found.get(each["name"]) == each
            else each
            for each in operation["parameters"]
        ]
    return found
