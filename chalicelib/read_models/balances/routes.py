"""The routes of this room."""

from chalicelib.http.bodies import AccountBody, etag
from chalicelib.http.door import Answer, Door
from chalicelib.http.incoming import Incoming
from chalicelib.read_models.balances.queries import (
    Accounts,
    GetAccount,
    ListAccounts,
    get_account,
    list_accounts,
)

routes = Door(__name__)


@routes.get(
    "/ledgers/{ledger}/accounts/{account}",
    asks=GetAccount,
    gives=AccountBody,
    answers_with=("ETag",),
    refuses=("account_not_found", "projection_behind"),
)
def account(incoming: Incoming) -> Answer:
    """One account."""
    body = get_account(incoming.query(GetAccount))
    return Answer(body, headers={"ETag": etag(body)})


@routes.get(
    "/ledgers/{ledger}/accounts",
    asks=ListAccounts,
    gives=Accounts,
    refuses=("ledger_not_found", "invalid_cursor", "projection_behind"),
)
def accounts(incoming: Incoming) -> Answer:
    """A page of accounts."""
    return Answer(list_accounts(incoming.query(ListAccounts)))
