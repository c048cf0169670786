"""The routes of this room."""

from chalicelib.http.bodies import TransactionBody
from chalicelib.http.door import Answer, Door
from chalicelib.http.incoming import Incoming
from chalicelib.read_models.transactions.queries import (
    GetTransaction,
    ListTransactions,
    Transactions,
    get_transaction,
    list_transactions,
)

routes = Door(__name__)


@routes.get(
    "/ledgers/{ledger}/transactions/{transaction}",
    asks=GetTransaction,
    gives=TransactionBody,
    refuses=("transaction_not_found", "projection_behind"),
)
def transaction(incoming: Incoming) -> Answer:
    """One transaction."""
    return Answer(get_transaction(incoming.query(GetTransaction)))


@routes.get(
    "/ledgers/{ledger}/transactions",
    asks=ListTransactions,
    gives=Transactions,
    refuses=("ledger_not_found", "invalid_cursor"),
)
def listing(incoming: Incoming) -> Answer:
    """A page of transactions."""
    return Answer(list_transactions(incoming.query(ListTransactions)))
