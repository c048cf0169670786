"""Request: who sent it, and what it says, as the signature of its route asks for it."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from chalice.app import Request as ChaliceRequest

from chalicelib.domain.errors import InvalidField, Refusal
from chalicelib.http.keys import ALL_LEDGERS, READ, WRITE
from chalicelib.http.messages import RepeatedName, refused_body, unreadable
from chalicelib.http.problems import Problem, invalid, refused
from chalicelib.http.signature import Query, Signature
from chalicelib.http.times import cut
from chalicelib.settings import settings

MAX_BODY_BYTES = 256 * 1024

_JSON = "application/json"
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}", re.ASCII)


class Caller(msgspec.Struct, frozen=True):
    """Who sent a request, and what they may do; an empty set of ledgers or scopes opens nothing."""

    actor: str
    scopes: frozenset[str]
    ledgers: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether this scope is theirs."""
        return scope in self.scopes

    def opens(self, ledger: str) -> bool:
        """Whether this ledger is theirs."""
        return ledger in self.ledgers or ALL_LEDGERS in self.ledgers

    @property
    def named(self) -> list[str] | None:
        """The ledgers that are theirs, in order; None for all."""
        return None if ALL_LEDGERS in self.ledgers else sorted(self.ledgers)


_UNLIMITED = Caller("anonymous", frozenset({READ, WRITE}), frozenset({ALL_LEDGERS}))


def caller(context: Mapping[str, Any]) -> Caller:
    """The caller of a request, from what API Gateway says of it."""
    authorized = context.get("authorizer") or {}
    match settings().auth:
        case "keys":
            return _limited(authorized, "principalId", "scopes", "ledgers")
        case "cognito":
            claims = authorized.get("claims") or {}
            return _limited(claims, "sub", "custom:scopes", "custom:ledgers")
        case "iam":
            # IAM has judged method and path, ledger included, before the request came here.
            identity = context.get("identity") or {}
            return msgspec.structs.replace(_UNLIMITED, actor=str(identity.get("userArn", "nobody")))
        case _:
            return _UNLIMITED


def _limited(said: Mapping[str, Any], actor: str, scopes: str, ledgers: str) -> Caller:
    """A caller by the names under which an authorizer gives what is theirs."""
    listed = [str(said.get(name) or "").replace(",", " ").split() for name in (scopes, ledgers)]
    return Caller(str(said.get(actor, "nobody")), frozenset(listed[0]), frozenset(listed[1]))


class Request:
    """A request: its caller, its path, its headers, its query string and its body.

    `request_id` is what API Gateway calls it, in its log and in ours; `is_head` says that only the
    headers of the response are asked for.
    """

    def __init__(self, sent: ChaliceRequest, path: Mapping[str, str]) -> None:
        self._sent = sent
        self._body: tuple[bytes, type] | None = None
        self.caller = caller(sent.context)
        self.request_id = str(sent.context.get("requestId", ""))
        self.is_head: bool = sent.method == "HEAD"
        self.path = {name: unquote(value) for name, value in path.items()}

    def header(self, name: str) -> str | None:
        """A header's value, or None."""
        value: str | None = self._sent.headers.get(name)
        return value

    def authorize(self, scope: str) -> None:
        """Raises Problem unless the caller may do this, with this ledger, and a write says that it
        is JSON.

        A ledger that is not theirs is not found: whether it exists is not for them to know. A page
        of another site can send a body, or none, of a few other types without asking first
        (https://fetch.spec.whatwg.org/#cors-safelisted-request-header), but not JSON.
        """
        ledger = self.path.get("ledger")
        if ledger is not None and not self.caller.opens(ledger):
            raise Problem("not_found", "there is no such path")
        if not self.caller.may(scope):
            raise Problem("forbidden", f"this key does not have the scope {scope}")
        if scope == WRITE:
            essence = self._sent.headers.get("Content-Type", "").partition(";")[0]
            if essence.strip().lower() != _JSON:
                raise Problem("unsupported_media_type", "send application/json")

    def arguments(self, signature: Signature) -> dict[str, Any]:
        """What a view of this signature is called with; what is not sent is left to its defaults.

        Raises Problem, InvalidField: for the query string first, then the body, then the headers.
        """
        found: dict[str, Any] = {"request": self} if signature.takes_request else {}
        if signature.query is not None:
            found["query"] = self._query(signature.query)
        else:
            found |= self.path
            if self._sent.query_params and not signature.any_parameter:
                found |= self._flags(signature.flags)
        if signature.body is not None:
            raw: Any = self._sent.raw_body  # Bytes, whatever its annotation says.
            if raw or not signature.body_optional:
                found["body"] = self._message(raw, signature.body)
        for name, header in signature.headers.items():
            if (value := self._sent.headers.get(header.name)) is not None:
                found[name] = header.read(value)
        return found

    def refused(self, refusal: Refusal) -> Problem:
        """The problem that a refusal is. One of a field comes with all other faults of the body."""
        if isinstance(refusal, InvalidField) and self._body is not None:
            return refused_body(refusal, *self._body)
        return refused(refusal)

    def _message(self, raw: bytes, message: type) -> Any:
        """The body as a message. Raises Problem."""
        if len(raw) > MAX_BODY_BYTES:
            raise Problem("request_too_large", f"a body is at most {MAX_BODY_BYTES} bytes")
        self._body = raw, message
        try:
            _unique_names.decode(raw.decode())
            return msgspec.json.decode(raw, type=message)
        except (RepeatedName, msgspec.DecodeError, ValueError, RecursionError) as error:
            raise unreadable(error, raw, message) from None

    def _query(self, query: Query) -> Any:
        """The path and the query string as a query object. Raises Problem, InvalidField."""
        given: dict[str, Any] = self._parameters()
        for name in given.keys() & self.path.keys():
            raise invalid(name, "is not a parameter here")
        # Text stays text but for the parameters that are numbers, so that nothing else is guessed.
        for name in given.keys() & query.numbers:
            if _WHOLE.fullmatch(given[name]):
                given[name] = int(given[name])
        for name in given.keys() & query.times:
            given[name] = cut(given[name])
        given |= self.path
        try:
            return msgspec.convert(given, type=query.message)
        except msgspec.ValidationError as error:
            raise unreadable(error, msgspec.json.encode(given), query.message) from None

    def _flags(self, names: Collection[str]) -> dict[str, bool]:
        """The query parameters of these names, which are `true` or `false`. Raises Problem."""
        given = self._parameters()
        for name in given.keys() - names:
            raise invalid(name, "is not a parameter here")
        for name, value in given.items():
            if value not in ("true", "false"):
                raise invalid(name, "expected true or false")
        return {name: value == "true" for name, value in given.items()}

    def _parameters(self) -> dict[str, str]:
        """The query string. Raises Problem for a parameter that is given twice."""
        given = self._sent.query_params
        if given is None:
            return {}
        for name in given:
            if len(given.getlist(name)) > 1:
                raise invalid(name, "this parameter is given twice")
        return dict(given)


def _names_once(pairs: list[tuple[str, Any]]) -> None:
    """Raises RepeatedName for an object in which a name occurs twice: some parsers take the first
    value and some the last (RFC 8259, section 4).
    """
    if len(dict(pairs)) < len(pairs):
        raise RepeatedName


# Numbers are left as text: their values are of no interest here, and some are very long.
_unique_names = json.JSONDecoder(object_pairs_hook=_names_once, parse_int=str, parse_float=str)
