"""Router: registers views with Chalice, and converts their results and refusals to responses.

A view is declared with its method and path; `signature.py` reads its parameters. Refusals become
problems here. Chalice's own errors (method, media type) and unexpected errors are converted by
`problems_for_chalice`, a middleware. API Gateway, and `local/`, answer for unknown paths.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar, Unpack

import msgspec
from chalice.app import Blueprint
from chalice.app import Response as ChaliceResponse

from chalicelib.domain.errors import Refusal
from chalicelib.http.auth import authorizer
from chalicelib.http.keys import READ, WRITE
from chalicelib.http.problems import BODY_ERRORS, CONTENT_TYPE, Problem, internal_error
from chalicelib.http.request import Request
from chalicelib.http.signature import Signature, View
from chalicelib.telemetry import answered

_JSON = "application/json"
_encode = msgspec.json.Encoder().encode
_View = TypeVar("_View", bound=View)


class Declared(TypedDict, total=False):
    """Properties of a route for `openapi.json`, besides its signature.

    `errors` are the codes of its own problems, and `response_headers` the names of its own headers.
    `created` says that a creation is answered with 201, and its repetition with 200. A file of a
    page is not `described`.
    """

    errors: tuple[str, ...]
    response_headers: tuple[str, ...]
    created: bool
    described: bool


@dataclass(frozen=True)
class Route:
    """A declared route. Without a scope it is public."""

    method: str
    path: str
    view: View
    scope: str | None
    signature: Signature
    errors: tuple[str, ...] = ()
    response_headers: tuple[str, ...] = ()
    created: bool = False
    described: bool = True


class Router(Blueprint):
    """A blueprint whose views are called with the parameters of their signature."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.declared: list[Route] = []

    def get(self, path: str, **declared: Unpack[Declared]) -> Callable[[_View], _View]:
        """Declares a view for GET and HEAD with the scope `read`."""
        return self._declare("GET", path, READ, declared)

    def post(self, path: str, **declared: Unpack[Declared]) -> Callable[[_View], _View]:
        """Declares a view for POST with a JSON body and the scope `write`."""
        return self._declare("POST", path, WRITE, declared)

    def patch(self, path: str, **declared: Unpack[Declared]) -> Callable[[_View], _View]:
        """Declares a view for PATCH with a JSON body and the scope `write`."""
        return self._declare("PATCH", path, WRITE, declared)

    def public(self, path: str, **declared: Unpack[Declared]) -> Callable[[_View], _View]:
        """Declares a view for GET and HEAD without authentication."""
        return self._declare("GET", path, None, declared)

    def _declare(
        self, method: str, path: str, scope: str | None, declared: Declared
    ) -> Callable[[_View], _View]:
        methods, content_types = [method], [_JSON]
        if method == "GET":
            methods, content_types = ["GET", "HEAD"], ["*/*"]
        else:
            declared["errors"] = (*BODY_ERRORS, *declared.get("errors", ()))

        def decorate(view: _View) -> _View:
            route = Route(method, path, view, scope, Signature(view, path), **declared)

            def serve(**parameters: str) -> ChaliceResponse:
                request = Request(self.current_request, parameters)
                outcome, response = _respond(route, request)
                answered(view.__name__, outcome, response.status_code, request.request_id)
                return response

            serve.__name__ = view.__name__
            self.route(
                path,
                methods=methods,
                content_types=content_types,
                authorizer=authorizer() if scope else None,
            )(serve)
            self.declared.append(route)
            return view

        return decorate


def _respond(route: Route, request: Request) -> tuple[str, ChaliceResponse]:
    try:
        if route.scope is not None:
            request.authorize(route.scope)
        response = route.view(**request.arguments(route.signature))
    except Refusal as refusal:
        problem = request.refused(refusal)
    except Problem as raised:
        problem = raised
    else:
        text = response.body if isinstance(response.body, str) else _encode(response.body).decode()
        return "ok", ChaliceResponse(
            body="" if request.is_head else text,
            status_code=response.status,
            headers={"Content-Type": _JSON, **response.headers},
        )
    return problem.code, _of_problem(problem, is_head=request.is_head)


_OF_CHALICE = {
    "MethodNotAllowedError": ("method_not_allowed", "this path does not take that method"),
    "UnsupportedMediaType": ("unsupported_media_type", "send application/json"),
}


def problems_for_chalice(
    event: Any, get_response: Callable[[Any], ChaliceResponse]
) -> ChaliceResponse:
    """Middleware: converts Chalice's errors to problems. Chalice has logged the exception."""
    response = get_response(event)
    if response.headers.get("Content-Type") in (_JSON, CONTENT_TYPE) or response.status_code < 400:
        return response
    code = response.body.get("Code") if isinstance(response.body, dict) else None
    known = _OF_CHALICE.get(str(code))
    problem = Problem(*known) if known else internal_error()
    kept = {name: value for name, value in response.headers.items() if name == "Allow"}
    rewritten = _of_problem(problem)
    rewritten.headers.update(kept)
    answered("-", problem.code, rewritten.status_code, "")
    return rewritten


def _of_problem(problem: Problem, *, is_head: bool = False) -> ChaliceResponse:
    body = "" if is_head else problem.body()
    return ChaliceResponse(body=body, status_code=problem.status, headers={**problem.headers})
