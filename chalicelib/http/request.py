"""Request: the caller, and the arguments for the view."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from chalice.app import Request as ChaliceRequest

from chalicelib.domain.errors import InvalidField, Refusal
from chalicelib.http.faults import fault
from chalicelib.http.keys import ALL_LEDGERS, READ, WRITE
from chalicelib.http.messages import RepeatedName, listed, refused_body, unreadable
from chalicelib.http.problems import FieldError, Problem, invalid, refused
from chalicelib.http.signature import Query, Signature
from chalicelib.http.times import cut
from chalicelib.settings import settings

MAX_BODY_BYTES = 256 * 1024

_JSON = "application/json"
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?", re.ASCII)
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}", re.ASCII)
_NOT_HERE = "is not a parameter here"
_NOT_WHOLE = "expected a whole number of at most 16 digits, such as 7"


class Caller(msgspec.Struct, frozen=True):
    """The caller of a request with their scopes and ledgers."""

    actor: str
    scopes: frozenset[str]
    ledgers: frozenset[str]

    def opens(self, ledger: str) -> bool:
        """Whether the caller may access this ledger."""
        return ledger in self.ledgers or ALL_LEDGERS in self.ledgers

    @property
    def named(self) -> list[str] | None:
        """The accessible ledgers, sorted; None for all."""
        return None if ALL_LEDGERS in self.ledgers else sorted(self.ledgers)


_UNLIMITED = Caller("anonymous", frozenset({READ, WRITE}), frozenset({ALL_LEDGERS}))


def caller(context: Mapping[str, Any]) -> Caller:
    """The caller, from API Gateway's request context."""
    authorized = context.get("authorizer") or {}
    match settings().auth:
        case "keys":
            return _limited(authorized, "principalId", "scopes", "ledgers")
        case "cognito":
            claims = authorized.get("claims") or {}
            return _limited(claims, "sub", "custom:scopes", "custom:ledgers")
        case "iam":
            # IAM has authorized method and path, including the ledger.
            identity = context.get("identity") or {}
            return msgspec.structs.replace(_UNLIMITED, actor=str(identity.get("userArn", "nobody")))
        case _:
            return _UNLIMITED


def _limited(claims: Mapping[str, Any], actor: str, scopes: str, ledgers: str) -> Caller:
    """The caller in an authorizer's claims, by the names of these."""
    listed = [str(claims.get(name) or "").replace(",", " ").split() for name in (scopes, ledgers)]
    return Caller(str(claims.get(actor, "nobody")), frozenset(listed[0]), frozenset(listed[1]))


class Request:
    """A request. `path` has the parts of its path by name, `request_id` is API Gateway's."""

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

    def parameter(self, name: str) -> str | None:
        """A query parameter's value, or None. Raises Problem if one is given twice."""
        return self._parameters().get(name)

    @property
    def ends_with_slash(self) -> bool:
        """Whether the path was asked for with a slash at its end, which finds the same route."""
        return str(self._sent.context.get("path") or "").endswith("/")

    @property
    def root(self) -> str:
        """The base URL by which this API was reached: a path where its host is not known for sure.

        Of a header a client may say anything, and behind a proxy it may be another's.
        """
        context = self._sent.context
        path, resource = (str(context.get(name) or "") for name in ("path", "resourcePath"))
        below = path.rstrip("/").removesuffix(resource) if resource else ""
        if domain := context.get("domainName"):
            return f"https://{domain}{below}"
        host = self.header("Host") or ""
        return f"http://{host}{below}" if _LOOPBACK.fullmatch(host) else below or "/"

    def authorize(self, scope: str) -> None:
        """Raises Problem unless the caller has the scope and the ledger, and a write is JSON.

        The problem of an inaccessible ledger does not reveal whether it exists. A browser sends no
        JSON for a page of another site without a preflight request
        (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
        """
        ledger = self.path.get("ledger")
        if ledger is not None and not self.caller.opens(ledger):
            raise Problem("not_found", "there is no such path")
        if scope not in self.caller.scopes:
            raise Problem("forbidden", f"this key does not have the scope {scope}")
        if scope == WRITE:
            essence = self._sent.headers.get("Content-Type", "").partition(";")[0]
            if essence.strip().lower() != _JSON:
                raise Problem("unsupported_media_type", "send application/json")

    def arguments(self, signature: Signature) -> dict[str, Any]:
        """The arguments for a view, without those that were not sent and have a default.

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
        """The problem of a refusal; that of a field also has the other faults of the body."""
        if isinstance(refusal, InvalidField) and self._body is not None:
            return refused_body(refusal, *self._body)
        return refused(refusal)

    def _message(self, raw: bytes, message: type) -> Any:
        if len(raw) > MAX_BODY_BYTES:
            raise Problem("request_too_large", f"a body is at most {MAX_BODY_BYTES} bytes")
        self._body = raw, message
        try:
            _unique_names.decode(raw.decode())
            return msgspec.json.decode(raw, type=message)
        except (RepeatedName, msgspec.DecodeError, ValueError, RecursionError) as error:
            raise unreadable(error, raw, message) from None

    def _query(self, query: Query) -> Any:
        values: dict[str, Any] = dict(self.path)
        wrong: list[FieldError] = []
        for name, text in self._parameters().items():
            if name in self.path or name not in query.names:
                wrong.append(fault(name, _NOT_HERE))
            elif name not in query.numbers:
                values[name] = cut(text) if name in query.times else text
            elif _WHOLE.fullmatch(text):
                values[name] = int(text)
            else:
                wrong.append(fault(name, _NOT_WHOLE))
        try:
            converted: Any = msgspec.convert(values, type=query.message)
        except msgspec.ValidationError as error:
            raise unreadable(error, msgspec.json.encode(values), query.message, wrong) from None
        if wrong:
            raise listed("validation_failed", wrong)
        return converted

    def _flags(self, names: Collection[str]) -> dict[str, bool]:
        given = self._parameters()
        if wrong := [
            fault(name, "expected true or false" if name in names else _NOT_HERE)
            for name, value in given.items()
            if name not in names or value not in ("true", "false")
        ]:
            raise listed("validation_failed", wrong)
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
    """Raises RepeatedName if a name occurs twice in an object (RFC 8259, section 4)."""
    if len(dict(pairs)) < len(pairs):
        raise RepeatedName


# Numbers stay text, since only names are checked.
_unique_names = json.JSONDecoder(object_pairs_hook=_names_once, parse_int=str, parse_float=str)
