"""Twofold's client: a ledger over HTTP, with amounts as integers and retries that are safe."""

from twofold.accounts import NewAccount
from twofold.entries import Entry, NewTransaction, Pending, credit, debit
from twofold.ledger import Ledger
from twofold.messages import (
    Account,
    AccountEntry,
    AssetTotals,
    Balance,
    Checkpoint,
    Direction,
    Frozen,
    Health,
    Integrity,
    LastAudit,
    LedgerEntry,
    LedgerEvent,
    ReadModelStatus,
    Status,
    Transaction,
    TransactionEntry,
    TrialBalance,
)
from twofold.problems import FieldError, NoConnection, NoReply, Problem, TwofoldError
from twofold.results import AccountResult, Result, Statement

__all__ = [
    "Account",
    "AccountEntry",
    "AccountResult",
    "AssetTotals",
    "Balance",
    "Checkpoint",
    "Direction",
    "Entry",
    "FieldError",
    "Frozen",
    "Health",
    "Integrity",
    "LastAudit",
    "Ledger",
    "LedgerEntry",
    "LedgerEvent",
    "NewAccount",
    "NewTransaction",
    "NoConnection",
    "NoReply",
    "Pending",
    "Problem",
    "ReadModelStatus",
    "Result",
    "Statement",
    "Status",
    "Transaction",
    "TransactionEntry",
    "TrialBalance",
    "TwofoldError",
    "credit",
    "debit",
]
