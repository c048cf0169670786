"""Commands and refusals in the rows of an inbox: what is stored is what was meant."""

from datetime import UTC, datetime

import pytest

from chalicelib.commands.combining import answers
from chalicelib.commands.execution import Refused
from chalicelib.commands.routing import Command
from chalicelib.domain import errors
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
)
from chalicelib.domain.errors import Refusal
from chalicelib.domain.transaction.commands import (
    ExpireHold,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
)
from tests.domain.books import credit, debit

ENTRIES = debit("alice", 10**30), credit("bob", 10**30)
NOW = datetime(2030, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
COMMANDS: list[Command] = [
    OpenAccount(
        ledger="l", account="a", asset="USD/2", normal_balance="debit", metadata={"é": "✓"}
    ),
    OpenAccount(
        ledger="l", account="a", asset="BTC/8", normal_balance="credit", min_balance=None, stripes=4
    ),
    ChangeAccount(ledger="l", account="a", max_balance=10**30),
    ChangeAccount(ledger="l", account="a", min_balance=None, metadata={}, if_version=2),
    FreezeAccount(ledger="l", account="a", debits=True, credits=False),
    UnfreezeAccount(ledger="l", account="a", debits=True, credits=True),
    CloseAccount(ledger="l", account="a"),
    PostTransaction(
        ledger="l", transaction="t", entries=ENTRIES, effective_at=NOW, metadata={"k": "v"}
    ),
    HoldTransaction(ledger="l", transaction="t", entries=ENTRIES, timeout_seconds=60),
    ReverseTransaction(ledger="l", transaction="t", reverses="r", reference="why"),
    PostHold(ledger="l", transaction="t", key="k", amount=10**30),
    VoidHold(ledger="l", transaction="t", reason="because"),
    ExpireHold(ledger="l", transaction="t"),
]
TOLD: list[Refusal] = [
    errors.InsufficientFunds("a", 10**30, -(10**30), 4, "debit"),
    errors.BalanceLimitExceeded("a", 3, None, 2),
    errors.AccountIsFrozen("a", "debit"),
    errors.AccountIsClosed("a"),
    errors.AccountNotFound("a"),
    errors.AccountNotEmpty("a", 1, 2, 3),
    errors.AssetMismatch("a", "USD/2", "usd/2"),
    errors.VersionConflict("a", 3, 0),
    errors.TransactionNotFound("t"),
    errors.TransactionNotPending("t", "posted"),
    errors.TransactionNotPosted("t", "pending"),
    errors.ExceedsPendingAmount("t", 1, 2),
    errors.AlreadyReversed("t", "r"),
    errors.IdempotencyKeyReused("t"),
    errors.AccountExists("a"),
]


def test_every_command_comes_back_as_it_was_put() -> None:
    assert answers.decode(answers.encode(COMMANDS)) == COMMANDS
    assert {type(one).__name__ for one in COMMANDS} == set(answers.TYPES)


@pytest.mark.parametrize("refusal", TOLD, ids=lambda one: type(one).__name__)
def test_a_refusal_is_told_with_its_figures(refusal: Refusal) -> None:
    answer = answers.refused(Refused(2, refusal, NOW))

    assert (answer.kind, answer.index) == ("refused", 2)
    again = answers.refusal_of(answer)
    assert (type(again), str(again)) == (type(refusal), str(refusal))


def test_a_refusal_that_its_fields_do_not_tell_is_left_to_its_client() -> None:
    refusal = errors.UnbalancedTransaction("USD/2", 1, 2, "usd/2")

    assert answers.refused(Refused(0, refusal, NOW)).kind == "directly"


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b'[{"type":"BurnMoney","fields":{}}]',
        b'[{"type":"CloseAccount","fields":{"ledger":"l"}}]',
        b'[{"type":"ChangeAccount","fields":{"ledger":"l","account":"a","colour":"red"}}]',
    ],
)
def test_a_command_of_another_build_is_said_to_be_unknown(encoded: bytes) -> None:
    with pytest.raises(answers.Undecodable):
        answers.decode(encoded)
