"""Problems: what a call raises when it is not answered as it was meant to be."""

from typing import Any

import msgspec

UNEXPECTED = "unexpected_answer"
"""The code of an answer that did not come from the ledger but, say, from a proxy."""


class TwofoldError(Exception):
    """What the client raises. `key` is the id or idempotency key that the request was sent with.

    After NoReply, and after a Problem with the code `outcome_unknown`, `internal_error` or
    `unexpected_answer`, what was asked may have been done, or may be yet: repeat the call with this
    key and nothing is done twice. `contention` is only raised where no attempt can have been done.
    """

    key: str | None = None


class NoReply(TwofoldError):
    """Nobody answered before the deadline, or an attempt without an answer may have been done."""


class FieldError(msgspec.Struct, frozen=True):
    """One field of a request that is not as it should be."""

    field: str
    detail: str


class Problem(TwofoldError):
    """What the ledger refused, or could not do.

    `code` is stable, and is what to branch on; `detail` is for people; `errors` names fields;
    `document` is the whole of it, with the figures of a refusal, whose amounts are strings.
    """

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code", UNEXPECTED))
        self.detail = str(document.get("detail", "this is not an answer of the ledger"))
        self.errors = msgspec.convert(document.get("errors", []), list[FieldError])
        self.document = document
        super().__init__(f"{self.code} ({status}): {self.detail}")


class _Document(msgspec.Struct, frozen=True):
    """What makes a reply a problem of the ledger's."""

    code: str
    detail: str
    errors: list[FieldError]


def problem_of(status: int, body: bytes) -> Problem:
    """The problem that a reply is, also where it was not the ledger that replied."""
    try:
        msgspec.json.decode(body, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem(status, {})
    return Problem(status, msgspec.json.decode(body))
