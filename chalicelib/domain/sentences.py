"""Sentences: of each refusal its `code`, which is part of the HTTP contract, and what it says.

A sentence is for a person. It names the figures of the refusal, and words that `errors.py` makes of
them. The HTTP status of each code is in `http/problem_types/`.
"""

SENTENCES = {
    "InvalidField": ("validation_failed", "{where}: {why}"),
    "InvalidAmount": ("invalid_amount", "{where}: {why}"),
    "TooManyEntries": (
        "too_many_entries",
        "a transaction has at most {most} entries, this one has {entries}",
    ),
    "UnbalancedTransaction": (
        "unbalanced_transaction",
        "{asset}: debits are {debits}, credits are {credits}{hint}",
    ),
    "LedgerNotFound": (
        "ledger_not_found",
        "there is no ledger {ledger}, or nothing of it has arrived here",
    ),
    "AccountNotFound": ("account_not_found", "there is no account {account}"),
    "AccountNotProjected": (
        "account_not_found",
        "there is no account {account}, or it has not arrived here yet; "
        "after a write, read with its version as min_version",
    ),
    "TransactionNotFound": ("transaction_not_found", "there is no transaction {transaction}"),
    "TransactionNotProjected": (
        "transaction_not_found",
        "there is no transaction {transaction}, or it has not arrived here yet; "
        "after a write, read with its version as min_version",
    ),
    "AccountExists": ("account_exists", "{account} is already open, with other content"),
    "AssetMismatch": ("asset_mismatch", "{account} holds {asset}, the entry says {asked}{hint}"),
    "InsufficientFunds": (
        "insufficient_funds",
        "{account} has {available} available{floor}, {asked} asked; it grows by {normal_balance}s",
    ),
    "BalanceLimitExceeded": (
        "balance_limit_exceeded",
        "{account} would hold {balance}; its minimum is {low}, its maximum {high}",
    ),
    "AccountIsFrozen": ("account_frozen", "{account} is frozen for {direction}s"),
    "AccountIsClosed": ("account_closed", "{account} is closed"),
    "AccountNotEmpty": (
        "account_not_empty",
        "{account} holds {posted}, with {pending_debits} of debits and "
        "{pending_credits} of credits pending",
    ),
    "VersionConflict": ("version_conflict", "{account} is at version {version}{mismatch}"),
    "TransactionNotPending": ("transaction_not_pending", "{transaction} is {state}"),
    "ExceedsPendingAmount": ("exceeds_pending_amount", "{transaction} holds {held}, {asked} asked"),
    "TransactionNotPosted": ("transaction_not_posted", "{transaction} is {state}"),
    "AlreadyReversed": ("already_reversed", "{transaction} was reversed by {reversed_by}"),
    "IdempotencyKeyReused": (
        "idempotency_key_reused",
        "the id or key was already used for {transaction} with other content",
    ),
    "BatchTooLarge": ("batch_too_large", "a batch has at most {most} {of}, this one has {size}"),
    "BatchAborted": (
        "batch_aborted",
        "another transaction of this batch was refused; nothing was written",
    ),
    "Contention": ("contention", "too many writers at once; nothing was written"),
    "NotAttempted": (
        "not_attempted",
        "there was no time for it; nothing was written; send the same batch again",
    ),
    "ClocksApart": (
        "not_attempted",
        "what it builds on was recorded {seconds:.0f} seconds ahead of the clock here; "
        "nothing was written; it can be done once that time has come",
    ),
    "OutcomeUnknown": (
        "outcome_unknown",
        "it may have been written, or not; send the request again: "
        "with the same id or Idempotency-Key it is done once",
    ),
    "ProjectionBehind": ("projection_behind", "{what} has not arrived here yet"),
}
