"""Incoming: a request as a route sees it, or what is wrong with it."""

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import unquote

from chalice.app import MultiDict, Request

from chalicelib.domain.errors import (
    InvalidField,
    Refusal,
)
from chalicelib.http.auth import caller
from chalicelib.http.keys import WRITE
from chalicelib.http.messages import message_of, once_each, parameters_of, refused_body
from chalicelib.http.problems import Problem, invalid, refused
from chalicelib.http.times import cut

MAX_BODY_BYTES = 256 * 1024

_JSON = "application/json"
_NUMBERS = {"limit", "min_version"}
_TIMES = {"at", "from", "to"}
_ETAG = re.compile(
    r'(?P<weak>W/(?="))?(?P<quote>"?)(?P<version>[1-9][0-9]{0,15})(?P=quote)', re.ASCII
)
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}", re.ASCII)
_Message = TypeVar("_Message")


class Incoming:
    """A request: its path parameters, its query string, its body, and who sent it."""

    def __init__(self, request: Request, path: Mapping[str, str]) -> None:
        self._request = request
        self._caller = caller(request.context)
        self.path = {name: unquote(value) for name, value in path.items()}
        self._read: tuple[bytes, type] | None = None

    @property
    def actor(self) -> str:
        """Who asks."""
        return self._caller.actor

    @property
    def request_id(self) -> str:
        """What API Gateway calls this request, in its log and in ours."""
        return str(self._request.context.get("requestId", ""))

    @property
    def is_head(self) -> bool:
        """Whether only the headers of the answer are asked for."""
        return bool(self._request.method == "HEAD")

    def require(self, scope: str) -> None:
        """Raises Problem unless the caller may do this, with this ledger, and a write says that it
        is JSON.

        A ledger that is not theirs is not there: whether it exists is nobody else's business. A
        page of another site can send a body, or none, of a few other types without asking first
        (https://fetch.spec.whatwg.org/#cors-safelisted-request-header), but not JSON.
        """
        ledger = self.path.get("ledger")
        if ledger is not None and not self._caller.opens(ledger):
            raise Problem("not_found", "there is no such path")
        if not self._caller.may(scope):
            raise Problem("forbidden", f"this key does not have the scope {scope}")
        essence = (self.header("Content-Type") or "").partition(";")[0]
        if scope == WRITE and essence.strip().lower() != _JSON:
            raise Problem("unsupported_media_type", "send application/json")

    @property
    def ledgers(self) -> list[str] | None:
        """The ledgers that are the caller's, in order; None for all."""
        return self._caller.named

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
        once_each(raw)
        self._read = raw, message
        return message_of(raw, message)

    def body_or_nothing(self, message: type[_Message]) -> _Message:
        """The body as this message, or its defaults where there is no body. Raises Problem."""
        return self.body(message) if self._request.raw_body else message()

    def refused(self, refusal: Refusal) -> Problem:
        """The problem that a refusal is. One of a field comes with all other faults of the body."""
        if isinstance(refusal, InvalidField) and self._read is not None:
            return refused_body(refusal, *self._read)
        return refused(refusal)

    def version_matched(self) -> int | None:
        """The version that `If-Match` asks for, if it asks for one; 0, which matches none, for a
        weak tag, which a comparison of this kind never matches (RFC 9110, section 13.1.1).

        Raises Problem.
        """
        asked = self.header("If-Match")
        if asked is None or asked.strip() == "*":
            return None
        named = _ETAG.fullmatch(asked.strip())
        if named is None:
            raise invalid("If-Match", 'expected a version, such as "7"')
        return 0 if named["weak"] else int(named["version"])

    def query(self, query: type[_Message]) -> _Message:
        """The path and the query string as this query object. Raises Problem, InvalidField."""
        params = self._params()
        for name in params.keys() & self.path.keys():
            raise invalid(name, "is not a parameter here")
        # Text stays text but for the parameters that are numbers, so that nothing else is guessed.
        given = {
            name: int(value) if name in _NUMBERS and _WHOLE.fullmatch(value) else value
            for name, value in params.items()
        }
        given |= {name: cut(value) for name, value in params.items() if name in _TIMES}
        return parameters_of({**given, **self.path}, query)

    def only(self, *names: str) -> None:
        """Raises Problem for a query parameter that is none of these."""
        for name in self._params().keys() - set(names):
            raise invalid(name, "is not a parameter here")

    def _params(self) -> dict[str, str]:
        """The query string. Raises Problem for a parameter that is given twice."""
        given = self._request.query_params or MultiDict({})
        for name in given:
            if len(given.getlist(name)) > 1:
                raise invalid(name, "this parameter is given twice")
        return dict(given)
