"""Stocked: a ledger in which every route finds what it refuses, and those routes by their names."""

from tests.http.api import Api

OPEN, CHANGE = "POST /accounts", "PATCH /accounts/{account}"
OPEN_SEVERAL = "POST /accounts/batch"
FREEZE, UNFREEZE, CLOSE = (
    f"POST /accounts/{{account}}/{action}" for action in ("freeze", "unfreeze", "close")
)
NEW, BATCH = "POST /transactions", "POST /transactions/batch"
POST, VOID, REVERSE = (
    f"POST /transactions/{{transaction}}/{action}" for action in ("post", "void", "reverse")
)
WRITES = (OPEN, CHANGE, FREEZE, UNFREEZE, CLOSE, NEW, BATCH, POST, VOID, REVERSE, OPEN_SEVERAL)
ACCOUNT, ACCOUNTS = "GET /accounts/{account}", "GET /accounts"
BALANCE, ENTRIES, STATEMENT = (
    f"{ACCOUNT}/{picture}" for picture in ("balance", "entries", "statement")
)
TRANSACTION, TRANSACTIONS = "GET /transactions/{transaction}", "GET /transactions"
TOTALS, INTEGRITY, STATUS = "GET /trial-balance", "GET /integrity", "GET /status"
ACCOUNT_EVENTS, TRANSACTION_EVENTS = f"{ACCOUNT}/events", f"{TRANSACTION}/events"
READS = (
    *(ACCOUNT, ACCOUNTS, BALANCE, ENTRIES, STATEMENT, ACCOUNT_EVENTS),
    *(TRANSACTION, TRANSACTIONS, TRANSACTION_EVENTS, TOTALS, INTEGRITY, STATUS),
)


def stocked(api: Api) -> Api:
    """The ledger to ask: an account in every state that refuses something, and so with holds."""
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("alice")
    api.open("bob", max_balance="10")
    for id in ("carol", "iced", "gone"):
        api.open(id)
    api.open("euros", asset="EUR/2", min_balance=None)
    for id, debit, credit, amount in (
        *(("first", "cash", "alice", 1000), ("reversed", "cash", "alice", 7)),
        *(("given", "cash", "carol", 5), ("spent", "carol", "cash", 5)),
        *(("full", "cash", "bob", 10), ("gave", "bob", "cash", 5), ("refill", "cash", "bob", 5)),
        ("cooled", "cash", "iced", 5),
        *(("came", "cash", "gone", 5), ("went", "gone", "cash", 5)),
    ):
        assert api.transfer(id, debit, credit, amount).status_code == 201
    api.hold("held", "alice", "cash", 400)
    api.hold("voided", "alice", "cash", 1)
    api.hold("keyed", "alice", "cash", 1)
    for path, body, key in (
        ("/accounts/iced/freeze", {}, None),
        ("/accounts/gone/close", {}, None),
        ("/transactions/voided/void", {"reason": "no"}, "key-1"),
        ("/transactions/keyed/post", {}, "key-1"),
        ("/transactions/reversed/reverse", {"id": "back"}, None),
    ):
        reply = api.post(path, body, {"Idempotency-Key": key} if key else {})
        assert reply.status_code in (200, 201), reply.body
    return api
