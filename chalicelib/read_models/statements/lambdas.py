"""The routes of this room."""

from chalicelib.http.door import Answer, Door, Incoming
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
    account_balance,
    account_entries,
    account_statement,
)

statements = Door(__name__)


@statements.get("/ledgers/{ledger}/accounts/{account}/balance")
def balance(incoming: Incoming) -> Answer:
    """The balance of an account at a time."""
    return Answer(account_balance(incoming.query(AccountBalance)))


@statements.get("/ledgers/{ledger}/accounts/{account}/entries")
def entries(incoming: Incoming) -> Answer:
    """A page of an account's entries."""
    return Answer(account_entries(incoming.query(AccountEntries)))


@statements.get("/ledgers/{ledger}/accounts/{account}/statement")
def statement(incoming: Incoming) -> Answer:
    """A page of an account's statement."""
    return Answer(account_statement(incoming.query(AccountStatement)))
