"""Refusals: each says what it is by its code, and why in a sentence with its figures."""

import pytest

from chalicelib.domain import errors as errors_module
from chalicelib.domain.errors import (
    AccountExists,
    AccountIsClosed,
    AccountIsFrozen,
    AccountNotEmpty,
    AccountNotFound,
    AlreadyReversed,
    AssetMismatch,
    BalanceLimitExceeded,
    BatchAborted,
    BatchTooLarge,
    ClocksApart,
    Contention,
    ExceedsPendingAmount,
    IdempotencyKeyReused,
    InsufficientFunds,
    InvalidAmount,
    InvalidField,
    LedgerNotFound,
    NotAttempted,
    OutcomeUnknown,
    ProjectionBehind,
    Refusal,
    TooManyEntries,
    TransactionNotFound,
    TransactionNotPending,
    TransactionNotPosted,
    TryAgain,
    UnbalancedTransaction,
    VersionConflict,
)

SENTENCES = [
    (InvalidField("entries", "too few"), "validation_failed", "entries: too few"),
    (InvalidAmount("amount", "too big"), "invalid_amount", "amount: too big"),
    (
        TooManyEntries(97, 96),
        "too_many_entries",
        "a transaction has at most 96 entries, this one has 97",
    ),
    (
        UnbalancedTransaction("USD/2", 100, 99),
        "unbalanced_transaction",
        "USD/2: debits are 100, credits are 99",
    ),
    (
        LedgerNotFound("acme"),
        "ledger_not_found",
        "there is no ledger acme, or nothing of it has arrived here",
    ),
    (AccountNotFound("cash"), "account_not_found", "there is no account cash"),
    (TransactionNotFound("t"), "transaction_not_found", "there is no transaction t"),
    (AccountExists("cash"), "account_exists", "cash is already open, with other content"),
    (
        AssetMismatch("cash", "USD/2", "EUR/2"),
        "asset_mismatch",
        "cash holds USD/2, the entry says EUR/2",
    ),
    (
        InsufficientFunds("cash", 500, 0, 700, "debit"),
        "insufficient_funds",
        "cash has 500 available, 700 asked; it grows by debits",
    ),
    (
        InsufficientFunds("cash", 500, -50, 700, "credit"),
        "insufficient_funds",
        "cash has 500 available and a minimum of -50, 700 asked; it grows by credits",
    ),
    (
        BalanceLimitExceeded("cash", 901, None, 900),
        "balance_limit_exceeded",
        "cash would hold 901; its minimum is none, its maximum 900",
    ),
    (
        BalanceLimitExceeded("cash", 0, 1, None),
        "balance_limit_exceeded",
        "cash would hold 0; its minimum is 1, its maximum none",
    ),
    (AccountIsFrozen("cash", "debit"), "account_frozen", "cash is frozen for debits"),
    (AccountIsClosed("cash"), "account_closed", "cash is closed"),
    (
        AccountNotEmpty("cash", 5, 0, 7),
        "account_not_empty",
        "cash holds 5, with 0 of debits and 7 of credits pending",
    ),
    (VersionConflict("cash", 7, 6), "version_conflict", "cash is at version 7, not 6"),
    (TransactionNotPending("t", "expired"), "transaction_not_pending", "t is expired"),
    (ExceedsPendingAmount("t", 5, 6), "exceeds_pending_amount", "t holds 5, 6 asked"),
    (TransactionNotPosted("t", "voided"), "transaction_not_posted", "t is voided"),
    (AlreadyReversed("t", "u"), "already_reversed", "t was reversed by u"),
    (
        IdempotencyKeyReused("t"),
        "idempotency_key_reused",
        "the id or key was already used for t with other content",
    ),
    (
        BatchTooLarge(101, 100, "transactions"),
        "batch_too_large",
        "a batch has at most 100 transactions, this one has 101",
    ),
    (
        BatchAborted(),
        "batch_aborted",
        "another transaction of this batch was refused; nothing was written",
    ),
    (Contention(), "contention", "too many writers at once; nothing was written"),
    (
        NotAttempted(),
        "not_attempted",
        "there was no time for it; nothing was written; send the same batch again",
    ),
    (
        ClocksApart(90.4),
        "not_attempted",
        "what it builds on was recorded 90 seconds ahead of the clock here; "
        "nothing was written; it can be done once that time has come",
    ),
    (
        OutcomeUnknown(),
        "outcome_unknown",
        "it may have been written, or not; send the request again: "
        "with the same id or Idempotency-Key it is done once",
    ),
    (ProjectionBehind(7), "projection_behind", "version 7 has not arrived here yet"),
]


@pytest.mark.parametrize(
    ("refusal", "code", "sentence"), SENTENCES, ids=[str(case[2])[:24] for case in SENTENCES]
)
def test_a_refusal_has_a_code_and_a_sentence_with_its_figures(
    refusal: Refusal, code: str, sentence: str
) -> None:
    assert (refusal.code, str(refusal)) == (code, sentence)


def test_every_refusal_there_is_has_its_sentence_above() -> None:
    named = {
        kind
        for kind in vars(errors_module).values()
        if isinstance(kind, type) and issubclass(kind, Refusal)
    }

    assert named - {Refusal, TryAgain} == {type(refusal) for refusal, _, _ in SENTENCES}


def test_only_what_may_succeed_later_is_worth_another_try() -> None:
    again = {type(refusal) for refusal, _, _ in SENTENCES if isinstance(refusal, TryAgain)}

    assert again == {Contention, NotAttempted, ClocksApart, OutcomeUnknown, ProjectionBehind}
