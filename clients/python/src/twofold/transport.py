"""Transport: one request, sent until there is a final reply, within a deadline.

Requests without a reply, or with the status 429, 502, 503 or 504, and unfinished batches are sent
again: after the seconds of `Retry-After`, and a random time up to a bound that doubles ("full
jitter": Marc Brooker, Exponential Backoff And Jitter, AWS Architecture Blog). That is safe for all
requests of the client: each one reads, has an id that the ledger does once, or sets a final state.

A first attempt that is refused a connection is not repeated: most likely nothing runs there. A
later one is, since the server may be starting again.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as TimedOut

from twofold.problems import UNEXPECTED, NoConnection, NoReply, Problem, problem_of

AGAIN = frozenset({429, 502, 503, 504})
"""The statuses after which a request is sent again."""

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 5.0


@dataclass(frozen=True)
class Reply:
    """The reply to a request; the names of headers are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Transport:
    """A pool of connections with timeouts; safe to share between threads.

    `timeout` is the seconds that one attempt may take, `deadline` those of a whole call.
    """

    def __init__(
        self, *, key: str | None, timeout: float, deadline: float, connections: int
    ) -> None:
        self._timeout, self._deadline = timeout, deadline
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            retries=False,
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )

    def close(self) -> None:
        """Closes the connections that are not in use."""
        self._pool.clear()

    def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        key: str | None = None,
        is_unfinished: Callable[[Reply], bool] = lambda _: False,
    ) -> Reply:
        """The successful reply to a request. A body of None is no body.

        `is_unfinished` tells whether the same request, sent again, may do more. Raises Problem for
        any other reply, NoReply and NoConnection; all have the request's `key`.
        """
        request = _Request(
            method,
            f"{url}?{urlencode(query)}" if query else url,
            {**self._pool.headers, **(headers or {})},
            None if body is None else msgspec.json.encode(body),
        )
        if request.body is not None:
            request.headers["Content-Type"] = "application/json"
        try:
            reply = self._until_answered(request, is_unfinished)
            if not _is_good(reply):
                raise problem_of(reply.status, reply.body)
        except (Problem, NoReply) as error:
            error.key = key
            raise
        return reply

    def _until_answered(self, request: _Request, is_unfinished: Callable[[Reply], bool]) -> Reply:
        until, bound = monotonic() + self._deadline, FIRST_WAIT_SECONDS
        doubt: Reply | HTTPError | None = None
        is_first = True
        while True:
            wait = random.uniform(0, bound)
            outcome = self._attempt(request, min(self._timeout, max(until - monotonic(), 0.001)))
            if isinstance(outcome, Reply):
                unfinished = _is_good(outcome) and is_unfinished(outcome)
                if outcome.status not in AGAIN and not unfinished:
                    return outcome
                wait += _asked_to_wait(outcome)
            elif is_first and isinstance(outcome, NewConnectionError | SSLError):
                raise _no_connection(request, outcome)
            is_first = False
            if request.method != "GET" and _may_have_been_done(outcome):
                doubt = outcome
            if monotonic() + wait >= until:
                return _last(request, outcome, doubt)
            sleep(wait)
            bound = min(bound * 2, LONGEST_WAIT_SECONDS)

    def _attempt(self, request: _Request, seconds: float) -> Reply | HTTPError:
        """The reply, or the reason why there is none."""
        try:
            raw = self._pool.request(
                request.method,
                request.url,
                body=request.body,
                headers=request.headers,
                timeout=urllib3.Timeout(total=seconds),
            )
        except (NewConnectionError, ProtocolError, SSLError, TimedOut) as error:
            return error
        return Reply(raw.status, raw.headers, raw.data)


def _last(request: _Request, outcome: Reply | HTTPError, doubt: Reply | HTTPError | None) -> Reply:
    """The reply to a request at its deadline: preferably one after which it is unknown whether an
    attempt was done. Raises NoReply.
    """
    if doubt is not None and not (isinstance(outcome, Reply) and _is_good(outcome)):
        outcome = doubt
    if isinstance(outcome, Reply):
        return outcome
    raise NoReply(f"{request.method} {request.url}: {outcome}") from outcome


def _no_connection(request: _Request, error: NewConnectionError | SSLError) -> NoReply:
    """What to raise for a first attempt without a connection. TLS may also fail in a reply."""
    parts = urlsplit(request.url)
    address = f"{parts.scheme}://{parts.netloc}"
    if isinstance(error, SSLError):
        return NoReply(f"no secure connection to {address}: {error}")
    if isinstance(error, NameResolutionError):
        return NoConnection(
            f"there is no host {parts.hostname}, or its name cannot be looked up now. Nothing was "
            f"sent. Is {address} the right address?"
        )
    cause = error.__cause__
    reason = (cause.strerror if isinstance(cause, OSError) else None) or str(error)
    return NoConnection(
        f"no connection to {address}: {reason}. Nothing was sent. Is the server running? "
        "`make run` starts one on this machine"
    )


def _may_have_been_done(outcome: Reply | HTTPError) -> bool:
    """Whether an attempt that is repeated may have been done, or may still be."""
    if not isinstance(outcome, Reply):
        return not isinstance(outcome, NewConnectionError | ConnectTimeoutError)
    code = problem_of(outcome.status, outcome.body).code
    return outcome.status in AGAIN - {429} and code in (UNEXPECTED, "outcome_unknown")


def _is_good(reply: Reply) -> bool:
    """Whether a reply is the ledger's, and a success."""
    is_json = reply.headers.get("Content-Type", "").startswith("application/json")
    return reply.status < 300 and is_json


def _asked_to_wait(reply: Reply) -> float:
    """The seconds of `Retry-After`. The other form, a date, is ignored."""
    asked = reply.headers.get("Retry-After", "")
    return float(asked) if asked.isascii() and asked.isdigit() else 0
