"""The routes of this room."""

from chalicelib.http.door import Answer, Door
from chalicelib.http.incoming import Incoming
from chalicelib.read_models.statements.answers import Balance, Entries, Statement
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
    account_balance,
    account_entries,
    account_statement,
)

routes = Door(__name__)


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/balance",
    asks=AccountBalance,
    gives=Balance,
    refuses=("account_not_found", "projection_behind"),
)
def balance(incoming: Incoming) -> Answer:
    """The balance of an account at a time."""
    return Answer(account_balance(incoming.query(AccountBalance)))


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/entries",
    asks=AccountEntries,
    gives=Entries,
    refuses=("account_not_found", "invalid_cursor", "projection_behind"),
)
def entries(incoming: Incoming) -> Answer:
    """A page of an account's entries."""
    return Answer(account_entries(incoming.query(AccountEntries)))


@routes.get(
    "/ledgers/{ledger}/accounts/{account}/statement",
    asks=AccountStatement,
    gives=Statement,
    refuses=("account_not_found", "invalid_cursor", "projection_behind"),
)
def statement(incoming: Incoming) -> Answer:
    """A page of an account's statement."""
    return Answer(account_statement(incoming.query(AccountStatement)))
