"""Route errors: the codes that kinds of routes of the Write API have in common."""

WRITE_ERRORS = ("contention", "not_attempted", "outcome_unknown")
"""Of any write that is not a batch of such."""
ACCOUNT_ERRORS = (*WRITE_ERRORS, "account_not_found")
ENTRY_ERRORS = (
    *ACCOUNT_ERRORS,
    "insufficient_funds",
    "balance_limit_exceeded",
    "account_frozen",
    "account_closed",
    "idempotency_key_reused",
)
HOLD_ERRORS = (
    *WRITE_ERRORS,
    "transaction_not_found",
    "transaction_not_pending",
    "idempotency_key_reused",
)
