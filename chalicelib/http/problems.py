"""Problems: every error that a client can get, as RFC 9457 `application/problem+json`.

`problem_types/` has every code of the contract; `domain/sentences.py` has those of the refusals.
Any other exception is logged, and the response is `internal_error` without details.

After 4xx, `contention`, `not_attempted` and `unavailable` nothing was written; after
`outcome_unknown` and `internal_error` it may have been: repeat the same request with the same id or
`Idempotency-Key`, because it is done once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any

import msgspec

from chalicelib.domain.errors import InvalidField, OutcomeUnknown, Refusal, TryAgain
from chalicelib.http.field_types import described
from chalicelib.http.problem_types import PROBLEM_TYPES, TYPE_URI, title_of

CONTENT_TYPE = "application/problem+json"

CHALLENGE = 'Bearer realm="twofold"'
"""`WWW-Authenticate` of a 401 (RFC 9110, 11.6.1, and RFC 6750, 3)."""

STATUS = {code: each.status for code, each in PROBLEM_TYPES.items()}
"""The HTTP status of each code. Part of the contract."""

BODY_ERRORS = ("malformed_json", "request_too_large", "unsupported_media_type")
"""The codes of every route with a body."""


class FieldError(msgspec.Struct, frozen=True):
    """One field of a request that is not as it should be."""

    field: Annotated[
        str,
        described(
            "The field, parameter or header, as a path such as `entries[0].amount`.",
            "entries[0].amount",
        ),
    ]
    detail: Annotated[
        str, described("What is wrong with it, for people.", "an amount is at least 1")
    ]


class Problem(Exception):
    """An error of the contract, raised by HTTP code."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        figures: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.figures = figures or {}
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code]

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers."""
        after = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        challenge = {"WWW-Authenticate": CHALLENGE} if self.status == 401 else {}
        return {"Content-Type": CONTENT_TYPE, **after, **challenge}

    def document(self) -> dict[str, Any]:
        """The members of RFC 9457, the code, and the refusal's figures."""
        return {
            "type": TYPE_URI.format(code=self.code),
            "title": title_of(self.code),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": self.errors,
            **self.figures,
        }

    def body(self) -> str:
        """The document as JSON."""
        return msgspec.json.encode(self.document()).decode()


def internal_error() -> Problem:
    """An unexpected error, without details. A write may have been done."""
    return Problem(
        "internal_error",
        "something went wrong on our side; send the request again: "
        "with the same id or Idempotency-Key it is done once",
    )


def outcome_unknown() -> Problem:
    """A write that may have been done, which could not be verified in time."""
    return refused(OutcomeUnknown())


def unavailable() -> Problem:
    """A request that did nothing, because Lambda was throttled or did not answer."""
    return Problem(
        "unavailable",
        "this could not be answered now, and nothing was written; send the request again",
        retry_after=1,
    )


def invalid(field: str, detail: str) -> Problem:
    """An invalid field of a request."""
    return Problem("validation_failed", f"{field}: {detail}", errors=[FieldError(field, detail)])


def refused(refusal: Refusal) -> Problem:
    """The problem of a refusal. Integers among its figures become strings of digits."""
    if isinstance(refusal, InvalidField):
        errors = [FieldError(refusal.where, refusal.why)]
        return Problem(refusal.code, str(refusal), errors=errors)
    figures = {field.name: getattr(refusal, field.name) for field in fields(refusal)}
    return Problem(
        refusal.code,
        str(refusal),
        figures={
            name: str(figure) if isinstance(figure, int) else figure
            for name, figure in figures.items()
        },
        retry_after=1 if isinstance(refusal, TryAgain) else None,
    )
