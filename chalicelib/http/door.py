"""Door: the one place that knows Chalice. A route understands, does, answers; the door translates.

A view gets an `Incoming` request and returns an `Answer`. Named errors become their problem here;
what Chalice itself refuses (method, media type) and what nobody foresaw is rewritten by
`problems_for_chalice`, the middleware that `app.py` hangs into the app. Paths that no route serves
never reach the app: API Gateway answers those, and `local/` does as it would.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar, Unpack
from urllib.parse import unquote

import msgspec
from chalice.app import Blueprint, Request, Response

from chalicelib.domain.refusals import Refusal
from chalicelib.http.auth import authorizer, caller
from chalicelib.http.keys import READ, WRITE
from chalicelib.http.problems import (
    CONTENT_TYPE,
    FieldError,
    Problem,
    internal_error,
    invalid,
    refused,
)
from chalicelib.telemetry import answered

MAX_BODY_BYTES = 256 * 1024

_JSON = "application/json"
_NUMBERS = {"limit", "min_version"}
_ETAG = re.compile(r'"?(?P<version>[1-9][0-9]{0,15})"?', re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_FIELD = re.compile(r"(unknown|required) field `(.*)`$", re.DOTALL)
_Message = TypeVar("_Message")


class Incoming:
    """A request: its path parameters, its query string, its body, and who sent it."""

    def __init__(self, request: Request, path: Mapping[str, str]) -> None:
        self._request = request
        self._caller = caller(request.context)
        self.path = {name: unquote(value) for name, value in path.items()}

    @property
    def actor(self) -> str:
        """Who asks."""
        return self._caller.actor

    @property
    def request_id(self) -> str:
        """What API Gateway calls this request, in its log and in ours."""
        return str(self._request.context.get("requestId", ""))

    def require(self, scope: str) -> None:
        """Raises Problem unless the caller may do this, with this ledger.

        A ledger that is not theirs is not there: whether it exists is nobody else's business.
        """
        ledger = self.path.get("ledger")
        if ledger is not None and not self._caller.opens(ledger):
            raise Problem("not_found", "there is no such path")
        if not self._caller.may(scope):
            raise Problem("forbidden", f"this key does not have the scope {scope}")

    def header(self, name: str) -> str | None:
        """A header's value, or None."""
        value = self._request.headers.get(name)
        return None if value is None else str(value)

    def flag(self, name: str) -> bool:
        """A query parameter that is `true` or `false`, or absent. Raises Problem."""
        value = self._params().get(name, "false")
        if value not in ("true", "false"):
            raise invalid(name, "expected true or false")
        return value == "true"

    def body(self, message: type[_Message]) -> _Message:
        """The body as this message. Raises Problem."""
        raw = self._request.raw_body
        raw = raw.encode() if isinstance(raw, str) else raw
        if len(raw) > MAX_BODY_BYTES:
            raise Problem("request_too_large", f"a body is at most {MAX_BODY_BYTES} bytes")
        return message_of(raw, message)

    def body_or_nothing(self, message: type[_Message]) -> _Message:
        """The body as this message, or its defaults where there is no body. Raises Problem."""
        return self.body(message) if self._request.raw_body else message()

    def version_matched(self) -> int | None:
        """The version that `If-Match` asks for, if it asks for one. Raises Problem."""
        asked = self.header("If-Match")
        if asked is None or asked.strip() == "*":
            return None
        named = _ETAG.fullmatch(asked.strip())
        if named is None:
            raise invalid("If-Match", 'expected a version, such as "7"')
        return int(named["version"])

    def query(self, query: type[_Message]) -> _Message:
        """The path and the query string as this query object. Raises Problem."""
        params = self._params()
        for name in params.keys() & self.path.keys():
            raise invalid(name, "is not a parameter here")
        # Text stays text but for the parameters that are numbers, so that nothing else is guessed.
        given = {
            name: int(value) if name in _NUMBERS and _WHOLE.fullmatch(value) else value
            for name, value in params.items()
        }
        try:
            return msgspec.convert({**given, **self.path}, type=query)
        except msgspec.ValidationError as error:
            raise _validation_failed(error) from None

    def only(self, *names: str) -> None:
        """Raises Problem for a query parameter that is none of these."""
        for name in self._params().keys() - set(names):
            raise invalid(name, "is not a parameter here")

    def _params(self) -> dict[str, str]:
        return dict(self._request.query_params or {})


def message_of(raw: bytes | msgspec.Raw, message: type[_Message]) -> _Message:
    """JSON as this message. Raises Problem."""
    try:
        return msgspec.json.decode(raw, type=message)
    except msgspec.ValidationError as error:
        raise _validation_failed(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem("malformed_json", "the body is not JSON") from None


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
        """Declares a view for GET, for callers who may read."""
        return self._view("GET", path, READ, promises)

    def post(self, path: str, **promises: Unpack[Promises]) -> Callable[[View], View]:
        """Declares a view for POST with a JSON body, for callers who may write."""
        return self._view("POST", path, WRITE, promises)

    def patch(self, path: str, **promises: Unpack[Promises]) -> Callable[[View], View]:
        """Declares a view for PATCH with a JSON body, for callers who may write."""
        return self._view("PATCH", path, WRITE, promises)

    def open(self, path: str, **promises: Unpack[Promises]) -> Callable[[View], View]:
        """Declares a view for GET that is open to all."""
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
            self.route(path, methods=[method], content_types=content_types, authorizer=guard)(serve)
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
        problem = refused(refusal)
        return problem.code, _response(problem)
    except Problem as problem:
        return problem.code, _response(problem)
    is_text = isinstance(answer.body, str)
    return "ok", Response(
        body=answer.body if is_text else msgspec.json.encode(answer.body).decode(),
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


def _response(problem: Problem) -> Response:
    return Response(body=problem.body(), status_code=problem.status, headers={**problem.headers})


def _validation_failed(error: msgspec.ValidationError) -> Problem:
    """What msgspec says, in the contract's words: `Expected int, got str - at $.limit`."""
    detail, _, at = str(error).partition(" - at `$")
    where = at.rstrip("`").lstrip(".")
    named = _FIELD.search(detail)
    if named:
        where = f"{where}.{named.group(2)}" if where else named.group(2)
        detail = f"{named.group(1)} field"
    detail = detail.replace("`", "")
    return Problem(
        "validation_failed",
        f"{where}: {detail}" if where else detail,
        errors=[FieldError(where, detail)],
    )
