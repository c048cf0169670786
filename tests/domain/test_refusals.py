"""Refusals: each says what it is by its code, and why in a sentence with its figures."""

import pytest

from chalicelib.domain import refusals
from chalicelib.domain.refusals import (
    AccountExists,
    AccountNotFound,
    AssetMismatch,
    BalanceLimitExceeded,
    Contention,
    IdempotencyKeyReused,
    InsufficientFunds,
    InvalidAmount,
    InvalidField,
    ProjectionBehind,
    Refusal,
    TooManyEntries,
    TransactionNotFound,
    TryAgain,
    UnbalancedTransaction,
)

SENTENCES = [
    (InvalidField("entries", "too few"), "validation_failed", "entries: too few"),
    (InvalidAmount("amount", "too big"), "invalid_amount", "amount: too big"),
    (
        TooManyEntries(51, 50),
        "too_many_entries",
        "a transaction has at most 50 entries, this one has 51",
    ),
    (
        UnbalancedTransaction("USD/2", 100, 99),
        "unbalanced_transaction",
        "USD/2: debits are 100, credits are 99",
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
        InsufficientFunds("cash", 500, 0, 700),
        "insufficient_funds",
        "cash has 500 available, 700 asked",
    ),
    (
        InsufficientFunds("cash", 500, -50, 700),
        "insufficient_funds",
        "cash has 500 available and a minimum of -50, 700 asked",
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
    (
        IdempotencyKeyReused("t"),
        "idempotency_key_reused",
        "t was already used for a transaction with other content",
    ),
    (Contention(), "contention", "too many writers at once; nothing was written"),
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
        for kind in vars(refusals).values()
        if isinstance(kind, type) and issubclass(kind, Refusal)
    }

    assert named - {Refusal, TryAgain} == {type(refusal) for refusal, _, _ in SENTENCES}


def test_only_what_may_succeed_later_is_worth_another_try() -> None:
    again = {type(refusal) for refusal, _, _ in SENTENCES if isinstance(refusal, TryAgain)}

    assert again == {Contention, ProjectionBehind}
