"""Parameters: of the path, the query string and the headers, with a description and an example."""

from typing import Annotated, Any

from chalicelib.commands.request_fields import KEY_HEADER, MAX_KEY
from chalicelib.http.field_types import AccountId, LedgerId, TransactionId, described
from chalicelib.http.problem_types import PROBLEM_TYPES
from chalicelib.http.router import Route
from chalicelib.http.signature import path_names
from ops.describing.messages import Json, parameters, schema_of

_IN_PATH: dict[str, Any] = {
    "ledger": LedgerId,
    "account": AccountId,
    "transaction": TransactionId,
    "code": Annotated[
        str,
        described("The `code` of a problem.", "insufficient_funds", enum=list(PROBLEM_TYPES)),
    ],
}
_OTHERS: dict[str, Json] = {
    "dry_run": {
        "in": "query",
        "description": "Decide and answer, and write nothing. Default: `false`.",
        "schema": {"type": "string", "enum": ["true", "false"]},
        "example": "false",
    },
    "If-Match": {
        "in": "header",
        "description": "The `ETag` of the account that the change was made for. If the account "
        "has changed since, the answer is 409 `version_conflict`; so it is for a weak tag, which "
        "never matches. Default: the change is made to whatever version there is.",
        "schema": {"type": "string", "pattern": '^(\\*|(W/)?"?[1-9][0-9]{0,15}"?)$'},
        "example": '"2"',
    },
    KEY_HEADER: {
        "in": "header",
        "description": "A name of your own for this request: with the same key and content it is "
        "done once, and answered with the first answer again. A key that is an id is the id of "
        "what is made; any other gives one. Double quotes around it do not count. Default: none, "
        "and an id in the body does the same.",
        "schema": {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": MAX_KEY},
        "example": "order-77",
    },
}
_UNKNOWN = {"type": "string", "description": "An id.", "examples": ["1"]}
"""Any other part of a path."""


def parameters_of(route: Route) -> list[Json]:
    """The parameters of a route, those of its path first."""
    signature, in_path = route.signature, path_names(route.path)
    found = []
    for name in in_path:
        kind = _IN_PATH.get(name)
        schema = schema_of(kind) if kind else _UNKNOWN
        found.append({"name": name, "in": "path", "required": True, **_shown(schema)})
    headers = [header.name for header in signature.headers.values()]
    found += [{"name": name, **_OTHERS[name]} for name in (*sorted(signature.flags), *headers)]
    if signature.query is not None:
        found += [
            {"name": name, "in": "query", **_shown(schema)}
            for name, schema in parameters(signature.query.message).items()
            if name not in in_path
        ]
    return found


def _shown(schema: Json) -> Json:
    """A parameter has its description and example beside its schema."""
    rest = {key: value for key, value in schema.items() if key not in ("description", "examples")}
    shown = {"description": schema.get("description", ""), "schema": rest}
    if "examples" in schema:
        shown["example"] = schema["examples"][0]
    return shown
