"""Operations: the name, the group and the description of each route, by its view.

The names (`operationId`) are what generated clients call their functions, so they never change. The
first sentence of a description is the view's docstring.
"""

from dataclasses import dataclass

TAGS = {
    "Accounts": "An account holds one asset and keeps its balance within limits. Open one for each "
    "thing that has a balance: a customer's wallet, your bank, your revenue.",
    "Transactions": "A transaction moves amounts between accounts by two or more entries, wholly "
    "or not at all. In each asset its debits equal its credits.",
    "Holds": "A hold is a pending transaction: it reserves amounts until it is posted, voided or "
    "expired. Make one with `pending` in a new transaction.",
    "Batches": "Many accounts or transactions in one request.",
    "Statements": "What happened on an account, entry by entry, and its balance at any time.",
    "Events": "The events behind an account or a transaction, chained by their hashes.",
    "Trial balance": "The sums of all debits and credits of a ledger, which are equal.",
    "Ledgers": "A ledger is a set of books of its own. It needs no creation: the first account "
    "that is opened in it makes it.",
    "Integrity": "What the last audit of all events and rows found.",
    "Service": "The state of the service, and its description. These need no key.",
}


@dataclass(frozen=True)
class Operation:
    """How a route is named (`id`, `tag`, `summary`), and what is said of it besides.

    `media` is the content type of a response that is text, as far as it is not JSON.
    """

    id: str
    tag: str
    summary: str
    description: str = ""
    media: str = "application/json"


_READ_YOUR_WRITES = (
    "Reads show a write a moment later; give `min_version` to read at least what you wrote."
)
_LISTING = "Follow `next_cursor` to its end to visit every row once."

_EVENTS = (
    "The events are read from the event table, so this is answered where a stage allows strong "
    "reads; elsewhere it is a 400."
)

OPERATIONS = {
    "open_account": Operation(
        "openAccount",
        "Accounts",
        "Open an account",
        "Choose `normal_balance` by what the account is: `credit` for a customer's wallet or "
        "revenue, `debit` for your bank or stock. With `min_balance` `0`, the default, it never "
        "falls below zero; accounts from which money first comes need `null`.",
    ),
    "open_accounts": Operation(
        "openAccounts",
        "Batches",
        "Open up to 100 accounts",
        "The results have the order of the request. With an `Idempotency-Key`, an account without "
        "an id has the key `{key}:{index}`.",
    ),
    "change_account": Operation(
        "changeAccount",
        "Accounts",
        "Change an account",
        "What is left out stays as it is. With `If-Match` the change is made only if nobody has "
        "changed the account since.",
    ),
    "freeze_account": Operation(
        "freezeAccount",
        "Accounts",
        "Freeze an account",
        "An empty body freezes both sides. Entries that would be on a frozen side are refused as "
        "`account_frozen`.",
    ),
    "unfreeze_account": Operation(
        "unfreezeAccount",
        "Accounts",
        "Unfreeze an account",
        "An empty body unfreezes both sides.",
    ),
    "close_account": Operation(
        "closeAccount",
        "Accounts",
        "Close an account",
        "Its balance must be 0, with nothing pending. A closed account can be read, and never be "
        "opened again.",
    ),
    "post_transaction": Operation(
        "postTransaction",
        "Transactions",
        "Post a transaction, or hold it",
        "It is done wholly or not at all. Give it an `id` or an `Idempotency-Key`, and it can be "
        "sent again after a lost reply without being done twice. With `pending` it is a hold. With "
        "`dry_run=true` nothing is written, and the answer is what would have been.",
    ),
    "post_batch": Operation(
        "postBatch",
        "Batches",
        "Post up to 100 transactions",
        "The results have the order of the request. What there was no time for has the status 503: "
        "send the same batch again, and it goes on where it stopped.",
    ),
    "post_hold": Operation(
        "postHold",
        "Holds",
        "Post a hold",
        "Without an `amount` all of it is posted. Of a hold with two entries a part can be posted; "
        "the rest is released.",
    ),
    "void_hold": Operation("voidHold", "Holds", "Void a hold", "All of it is released."),
    "reverse_transaction": Operation(
        "reverseTransaction",
        "Transactions",
        "Reverse a transaction",
        "The new transaction has the same entries with their sides exchanged. A transaction can "
        "be reversed once.",
    ),
    "account": Operation(
        "getAccount", "Accounts", "Get an account with its balances", _READ_YOUR_WRITES
    ),
    "accounts": Operation("listAccounts", "Accounts", "List accounts", _LISTING),
    "balance": Operation(
        "getBalance", "Statements", "Get a balance, now or at a time", _READ_YOUR_WRITES
    ),
    "entries": Operation("listEntries", "Statements", "List an account's entries", _LISTING),
    "statement": Operation(
        "getStatement",
        "Statements",
        "Get a statement of a period",
        f"Every page has the balances of the whole period. {_LISTING}",
    ),
    "transaction": Operation(
        "getTransaction", "Transactions", "Get a transaction", _READ_YOUR_WRITES
    ),
    "listing": Operation(
        "listTransactions",
        "Transactions",
        "List transactions",
        f"All of a ledger, those with a reference, of a period, or pending ones. {_LISTING}",
    ),
    "list_ledgers": Operation("listLedgers", "Ledgers", "List ledgers", _LISTING),
    "account_events": Operation(
        "listAccountEvents",
        "Events",
        "List an account's events",
        f"{_EVENTS} A striped account has those of all its streams: its own, and a chain for each "
        f"stripe. {_LISTING}",
    ),
    "transaction_events": Operation(
        "listTransactionEvents",
        "Events",
        "List a transaction's events",
        f"{_EVENTS} {_LISTING}",
    ),
    "ledger_status": Operation(
        "getLedgerStatus",
        "Ledgers",
        "Get how far reads have come",
        "Each Read API answers for the read models that it serves. What cannot be told from a few "
        "rows is null.",
    ),
    "trial": Operation(
        "getTrialBalance",
        "Trial balance",
        "Get the trial balance",
        "Debits equal credits in each asset once all that was written has arrived: then it is "
        "`settled`.",
    ),
    "verdict": Operation(
        "getIntegrity",
        "Integrity",
        "Get the result of the last audit",
        "The operator's command `audit` makes it. Before the first audit its fields are null.",
    ),
    "status": Operation(
        "getHealth", "Service", "Check that a stage answers", "It is never cached."
    ),
    "problem_page": Operation(
        "getProblemPage",
        "Service",
        "Get the page about an error code",
        "Its path is that of a problem's `type`.",
        media="text/html",
    ),
    "openapi": Operation("getOpenapi", "Service", "Get this document"),
    "docs": Operation("getDocs", "Service", "Get the page for people", media="text/html"),
}
"""By the name of the view. `tests/openapi` names a route that is missing here."""


def operation_of(view: str) -> Operation:
    """The operation of a view; for one that has no words yet, its name as a function's."""
    head, *rest = view.split("_")
    named = head + "".join(word.capitalize() for word in rest)
    return OPERATIONS.get(view) or Operation(named, "", view.replace("_", " ").capitalize())
