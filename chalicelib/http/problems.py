"""Problems: every error that a client can get, as RFC 9457 `application/problem+json`.

`STATUS` has every code of the contract; `domain/sentences.py` has the codes of the refusals. Any
other exception is logged, and the response is `internal_error` without details.

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

CONTENT_TYPE = "application/problem+json"

CHALLENGE = 'Bearer realm="twofold"'
"""`WWW-Authenticate` of a 401 (RFC 9110, 11.6.1, and RFC 6750, 3)."""

STATUS = {
    "malformed_json": 400,
    "validation_failed": 400,
    "invalid_amount": 400,
    "invalid_cursor": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "ledger_not_found": 404,
    "account_not_found": 404,
    "transaction_not_found": 404,
    "method_not_allowed": 405,
    "version_conflict": 409,
    "account_exists": 409,
    "transaction_not_pending": 409,
    "transaction_not_posted": 409,
    "already_reversed": 409,
    "account_not_empty": 409,
    "request_too_large": 413,
    "too_many_entries": 413,
    "batch_too_large": 413,
    "unsupported_media_type": 415,
    "unbalanced_transaction": 422,
    "insufficient_funds": 422,
    "balance_limit_exceeded": 422,
    "account_frozen": 422,
    "account_closed": 422,
    "asset_mismatch": 422,
    "exceeds_pending_amount": 422,
    "idempotency_key_reused": 422,
    "batch_aborted": 424,
    "rate_limited": 429,
    "internal_error": 500,
    "contention": 503,
    "not_attempted": 503,
    "outcome_unknown": 503,
    "projection_behind": 503,
    "unavailable": 503,
}
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
            "type": f"https://twofold.dev/problems/{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
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
