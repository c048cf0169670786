"""Samples: each operation as a program would ask for it, as `x-codeSamples`.

curl sends the first executed example. Python calls the client of `clients/python`.
"""

import json
import shlex
from collections.abc import Sequence

from ops.describing.messages import Json

SERVER = "http://127.0.0.1:8000"
"""Where `make run` serves."""

_LINE = 72
"""The longest body that is written on one line."""

_UNLEDGERED = {
    "getOpenapi": "/openapi.json",
    "getDocs": "/docs",
    "getProblemPage": "/problems/contention",
}
"""Operations without an executed example, and without a method of the client."""

_PYTHON = {
    "openAccount": 'account = ledger.accounts.open(\n    "customers:alice", asset="USD/2", '
    'normal_balance="credit", metadata={"name": "Alice"}\n)',
    "openAccounts": "results = ledger.accounts.open_batch(\n"
    '    [NewAccount(id="fees", asset="USD/2", normal_balance="credit")]\n)',
    "changeAccount": "account = ledger.accounts.change(\n"
    '    "customers:bob", min_balance=-5000, metadata={"name": "Bob"}, if_match=2\n)',
    "freezeAccount": 'account = ledger.accounts.freeze("customers:bob", credits=False)',
    "unfreezeAccount": 'account = ledger.accounts.unfreeze("customers:bob", credits=False)',
    "closeAccount": 'account = ledger.accounts.close("customers:carol")',
    "postTransaction": "transaction = ledger.transactions.post(\n"
    '    [debit("cash", 1000), credit("customers:alice", 1000)],\n'
    '    id="order-77",\n    reference="invoice 1009",\n)',
    "postBatch": "results = ledger.transactions.post_batch(\n    [\n"
    "        NewTransaction(\n"
    '            entries=[debit("customers:alice", 200), credit("customers:bob", 200)]\n'
    "        )\n    ],\n    atomic=False,\n)",
    "postHold": 'transaction = ledger.transactions.post_hold("hold-1", amount=300)',
    "voidHold": 'transaction = ledger.transactions.void_hold("hold-2", reason="out of stock")',
    "reverseTransaction": 'reversal = ledger.transactions.reverse("hold-1", id="refund-1")',
    "getAccount": 'account = ledger.accounts.get("customers:alice", min_version=3)',
    "listAccounts": 'for account in ledger.accounts.list("customers:"):\n'
    "    print(account.id, account.available)",
    "getBalance": 'balance = ledger.accounts.balance("customers:alice")',
    "listEntries": 'for entry in ledger.accounts.entries("customers:alice", order="desc"):\n'
    "    print(entry.recorded_at, entry.direction, entry.amount, entry.balance_after)",
    "getStatement": 'statement = ledger.accounts.statement("customers:alice")\n'
    "for entry in statement.entries:\n"
    "    print(entry.recorded_at, entry.direction, entry.amount, entry.balance_after)",
    "getTransaction": 'transaction = ledger.transactions.get("hold-1", min_version=3)',
    "listTransactions": 'for transaction in ledger.transactions.list(state="pending"):\n'
    "    print(transaction.id, transaction.expires_at)",
    "listAccountEvents": 'for event in ledger.accounts.events("customers:alice"):\n'
    "    print(event.version, event.type, event.recorded_at, event.hash)",
    "listTransactionEvents": 'for event in ledger.transactions.events("hold-1"):\n'
    "    print(event.version, event.type, event.recorded_at, event.hash)",
    "getLedgerStatus": 'status = ledger.status("journal")',
    "listLedgers": "for found in ledger.ledgers():\n    print(found.id, found.assets)",
    "getTrialBalance": "totals = ledger.trial_balance()",
    "getIntegrity": "integrity = ledger.integrity()",
    "getHealth": "health = ledger.health()",
}
"""What is called, by operation."""

_IMPORTED = ("NewAccount", "NewTransaction", "credit", "debit")


def samples_of(operation: str, executed: Sequence[Json]) -> list[Json]:
    """The samples of an operation; none for one that nobody has executed."""
    found = []
    if executed:
        found.append({"lang": "Shell", "label": "curl", "source": _curl(executed[0])})
    elif operation in _UNLEDGERED:
        source = f"curl {SERVER}{_UNLEDGERED[operation]}"
        found.append({"lang": "Shell", "label": "curl", "source": source})
    if found and operation in _PYTHON:
        source = _python(_PYTHON[operation])
        found.append({"lang": "Python", "label": "Python", "source": source})
    return found


def _curl(example: Json) -> str:
    """As curl sends it, also one that does not know `--json` yet (before 7.82)."""
    method, body = example["method"], example["request"]
    parts = ["curl", *(["-X", method] if method not in ("GET", "POST") else [])]
    lines = [shlex.join([*parts, f"{SERVER}{example['path']}"])]
    headers = dict(example["headers"])
    if method != "GET":
        headers = {"Content-Type": "application/json", **headers}
    lines += [shlex.join(["-H", f"{name}: {value}"]) for name, value in headers.items()]
    if body is not None:
        text = json.dumps(body, ensure_ascii=False)
        text = text if len(text) <= _LINE else json.dumps(body, ensure_ascii=False, indent=2)
        lines.append(shlex.join(["-d", text]))
    return " \\\n  ".join(lines)


def _python(call: str) -> str:
    named = ", ".join(["Ledger", *(name for name in _IMPORTED if f"{name}(" in call)])
    body = "\n".join(f"    {line}" for line in call.splitlines())
    return f'from twofold import {named}\n\nwith Ledger("acme", "{SERVER}") as ledger:\n{body}\n'
