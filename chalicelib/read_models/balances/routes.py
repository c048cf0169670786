"""The routes of this read model."""

from chalicelib.http.bodies import AccountBody, etag
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models.balances.queries import (
    Accounts,
    GetAccount,
    ListAccounts,
    get_account,
    list_accounts,
)

routes = Router(__name__)


@routes.get(
    "/ledgers/{ledger}/accounts/{account}",
    response_headers=("ETag",),
    errors=("account_not_found", "projection_behind"),
)
def account(query: GetAccount) -> Response[AccountBody]:
    """One account."""
    body = get_account(query)
    return Response(body, headers={"ETag": etag(body)})


@routes.get(
    "/ledgers/{ledger}/accounts",
    errors=("ledger_not_found", "invalid_cursor", "projection_behind"),
)
def accounts(query: ListAccounts) -> Response[Accounts]:
    """A page of accounts."""
    return Response(list_accounts(query))
