"""Door: the one place that knows Chalice. A route understands, does, answers; the door translates.

A view gets an `Incoming` request and returns an `Answer`. Named errors become their problem here;
what Chalice itself refuses (method, media type) and what nobody foresaw is rewritten by
`problems_for_chalice`, the middleware that `app.py` hangs into the app. Paths that no route serves
never reach the app: API Gateway answers those, and `local/` does as it would.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import msgspec
from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Refusal
from chalicelib.http.auth import authorizer
from chalicelib.http.incoming import Incoming
from chalicelib.http.keys import READ, WRITE
from chalicelib.http.problems import CONTENT_TYPE, Problem, internal_error
from chalicelib.telemetry import answered

_JSON = "application/json"


class Answer:
    """A body to send, with its status and headers: a message, or text of the type that it names."""

    def __init__(
        self, body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.body = body
        self.status = status
        self.headers = headers or {}


View = Callable[[Incoming], Answer]


class Promises(TypedDict, total=False):
    """What a route promises, for its description in `openapi.json`.

    `takes` is the message in its body, `asks` the one in its path and query string, and `params`
    are further parameters by name; `gives` is what it answers, with the headers `answers_with`;
    `made` says that what is new is answered 201, and again 200; `refuses` are the codes of the
    problems that are its own, besides those that any route may have.
    """

    takes: type
    asks: type
    params: tuple[str, ...]
    gives: type
    answers_with: tuple[str, ...]
    made: bool
    refuses: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """A route as it was declared. Without a scope it is open to all."""

    method: str
    path: str
    view: View
    scope: str | None
    promises: Promises


class Door(Blueprint):
    """A blueprint whose views take an Incoming and give an Answer."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.declared: list[Route] = []

    def get(self, path: str, **promises: Unpack[Promises]) -> Callable[[View], View]:
        """Declares a view for GET and HEAD, for callers who may read."""
        return self._view("GET", path, READ, promises)

    def post(self, path: str, **promises: Unpack[Promises]) -> Callable[[View], View]:
        """Declares a view for POST with a JSON body, for callers who may write."""
        return self._view("POST", path, WRITE, promises)

    def patch(self, path: str, **promises: Unpack[Promises]) -> Callable[[View], View]:
        """Declares a view for PATCH with a JSON body, for callers who may write."""
        return self._view("PATCH", path, WRITE, promises)

    def open(self, path: str, **promises: Unpack[Promises]) -> Callable[[View], View]:
        """Declares a view for GET and HEAD that is open to all."""
        return self._view("GET", path, None, promises)

    def _view(
        self, method: str, path: str, scope: str | None, promises: Promises
    ) -> Callable[[View], View]:
        guard = authorizer() if scope else None
        content_types = ["*/*"] if method == "GET" else [_JSON]

        def declare(view: View) -> View:
            def serve(**parameters: str) -> Response:
                incoming = Incoming(self.current_request, parameters)
                outcome, response = _answer(view, scope, incoming)
                answered(view.__name__, outcome, response.status_code, incoming.request_id)
                return response

            serve.__name__ = view.__name__
            methods = ["GET", "HEAD"] if method == "GET" else [method]
            self.route(path, methods=methods, content_types=content_types, authorizer=guard)(serve)
            self.declared.append(Route(method, path, view, scope, promises))
            return view

        return declare


def _answer(view: View, scope: str | None, incoming: Incoming) -> tuple[str, Response]:
    """The response, and "ok" or the code of the problem that it is."""
    try:
        if scope is not None:
            incoming.require(scope)
        answer = view(incoming)
    except Refusal as refusal:
        problem = incoming.refused(refusal)
        return problem.code, _response(problem, incoming)
    except Problem as problem:
        return problem.code, _response(problem, incoming)
    is_text = isinstance(answer.body, str)
    text = answer.body if is_text else msgspec.json.encode(answer.body).decode()
    return "ok", Response(
        body="" if incoming.is_head else text,
        status_code=answer.status,
        headers={"Content-Type": _JSON, **answer.headers},
    )


_OF_CHALICE = {
    "MethodNotAllowedError": ("method_not_allowed", "this path does not take that method"),
    "UnsupportedMediaType": ("unsupported_media_type", "send application/json"),
}


def problems_for_chalice(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Middleware: an error that Chalice made up becomes a problem, and says nothing of our inside.

    Chalice has logged the exception by then.
    """
    response = get_response(event)
    if response.headers.get("Content-Type") in (_JSON, CONTENT_TYPE) or response.status_code < 400:
        return response
    made_up = response.body.get("Code") if isinstance(response.body, dict) else None
    known = _OF_CHALICE.get(str(made_up))
    problem = Problem(*known) if known else internal_error()
    kept = {name: value for name, value in response.headers.items() if name == "Allow"}
    rewritten = _response(problem)
    rewritten.headers.update(kept)
    answered("-", problem.code, rewritten.status_code, "")
    return rewritten


def _response(problem: Problem, incoming: Incoming | None = None) -> Response:
    body = "" if incoming is not None and incoming.is_head else problem.body()
    return Response(body=body, status_code=problem.status, headers={**problem.headers})
