"""Refused codes: what kinds of routes of the Write API may refuse, as the OpenAPI document says."""

OF_BODY = ("malformed_json", "request_too_large", "unsupported_media_type")
"""Of any body."""
OF_CONTENT = (*OF_BODY, "contention", "not_attempted", "outcome_unknown")
"""Of any write that is not a batch of such."""
OF_ACCOUNT = (*OF_CONTENT, "account_not_found")
OF_CHANGE = (
    *OF_ACCOUNT,
    "invalid_amount",
    "version_conflict",
    "account_closed",
    "balance_limit_exceeded",
)
OF_ENTRIES = (
    *OF_ACCOUNT,
    "insufficient_funds",
    "balance_limit_exceeded",
    "account_frozen",
    "account_closed",
    "idempotency_key_reused",
)
OF_NEW = (
    *OF_ENTRIES,
    "invalid_amount",
    "too_many_entries",
    "unbalanced_transaction",
    "asset_mismatch",
)
OF_REVERSAL = (
    *OF_ENTRIES,
    "transaction_not_found",
    "transaction_not_posted",
    "already_reversed",
)
OF_HOLD = (
    *OF_CONTENT,
    "transaction_not_found",
    "transaction_not_pending",
    "idempotency_key_reused",
)
