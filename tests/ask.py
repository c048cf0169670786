"""Ask: every query of every read model by one name, for scripts and tests."""

from typing import Any, assert_never, get_args

from chalicelib.read_models.balances.queries import (
    GetAccount,
    ListAccounts,
    get_account,
    list_accounts,
)
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
    account_balance,
    account_entries,
    account_statement,
)
from chalicelib.read_models.totals.queries import TrialBalance, trial_balance
from chalicelib.read_models.transactions.queries import (
    GetTransaction,
    ListTransactions,
    get_transaction,
    list_transactions,
)

Query = (
    GetAccount
    | ListAccounts
    | AccountBalance
    | AccountEntries
    | AccountStatement
    | GetTransaction
    | ListTransactions
    | TrialBalance
)
"""Every question that can be asked."""

QUERIES: dict[str, type[Query]] = {query.__name__: query for query in get_args(Query)}
"""The queries by name."""


def ask(query: Query) -> Any:
    """The answer to a query, as its route would give it."""
    match query:
        case GetAccount():
            return get_account(query)
        case ListAccounts():
            return list_accounts(query)
        case AccountBalance():
            return account_balance(query)
        case AccountEntries():
            return account_entries(query)
        case AccountStatement():
            return account_statement(query)
        case GetTransaction():
            return get_transaction(query)
        case ListTransactions():
            return list_transactions(query)
        case TrialBalance():
            return trial_balance(query)
        case _:
            assert_never(query)
