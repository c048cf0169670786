"""The routes of this read model."""

from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models.statements.answers import Balance, Entries, Statement
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
    account_balance,
    account_entries,
    account_statement,
)

routes = Router(__name__)


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/balance",
    errors=("account_not_found", "projection_behind"),
)
def balance(query: AccountBalance) -> Response[Balance]:
    """The balance of an account at a time."""
    return Response(account_balance(query))


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/entries",
    errors=("account_not_found", "invalid_cursor", "projection_behind"),
)
def entries(query: AccountEntries) -> Response[Entries]:
    """A page of an account's entries."""
    return Response(account_entries(query))


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/statement",
    errors=("account_not_found", "invalid_cursor", "projection_behind"),
)
def statement(query: AccountStatement) -> Response[Statement]:
    """A page of an account's statement."""
    return Response(account_statement(query))
