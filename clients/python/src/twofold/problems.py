"""Problems: the errors that a call raises."""

from typing import Any

import msgspec

UNEXPECTED = "unexpected_answer"
"""The code of a reply that is not from the ledger, but from a proxy, say."""


class TwofoldError(Exception):
    """The base of the client's errors. `key` is the id or idempotency key of the request.

    After NoReply, and after a Problem with the code `outcome_unknown`, `internal_error` or
    `unexpected_answer`, the request may have been done, or may still be: repeat the call with this
    key, and it is done once. `contention` is only raised if no attempt can have been done.
    """

    key: str | None = None


class NoReply(TwofoldError):
    """No reply before the deadline, or an attempt without a reply may have been done."""


class NoConnection(NoReply):
    """No connection could be made: nothing was sent, so nothing was done.

    Raised at once, and not at the deadline, unless an earlier attempt of the same call had a
    connection.
    """


class FieldError(msgspec.Struct, frozen=True):
    """One wrong field of a request."""

    field: str
    detail: str


class Problem(TwofoldError):
    """A refusal or a failure of the ledger.

    `code` is stable, for programs; `detail` is for people; `errors` names fields; `document` is the
    whole problem document, whose amounts are strings.
    """

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code", UNEXPECTED))
        self.detail = str(document.get("detail", "this is not an answer of the ledger"))
        self.errors = msgspec.convert(document.get("errors", []), list[FieldError])
        self.document = document
        super().__init__(f"{self.code} ({status}): {self.detail}")


class _Document(msgspec.Struct, frozen=True):
    """The fields by which a reply is a problem of the ledger."""

    code: str
    detail: str
    errors: list[FieldError]


def problem_of(status: int, body: bytes) -> Problem:
    """The problem of a reply, also of one that is not from the ledger."""
    try:
        msgspec.json.decode(body, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem(status, {})
    return Problem(status, msgspec.json.decode(body))
