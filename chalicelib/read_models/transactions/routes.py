"""The routes of this read model."""

from chalicelib.http.bodies import TransactionBody
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models.transactions.queries import (
    GetTransaction,
    ListTransactions,
    Transactions,
    get_transaction,
    list_transactions,
)

routes = Router(__name__)


@routes.get(
    "/ledgers/{ledger}/transactions/{transaction}",
    errors=("transaction_not_found", "projection_behind"),
)
def transaction(query: GetTransaction) -> Response[TransactionBody]:
    """One transaction."""
    return Response(get_transaction(query))


@routes.get("/ledgers/{ledger}/transactions", errors=("ledger_not_found", "invalid_cursor"))
def listing(query: ListTransactions) -> Response[Transactions]:
    """A page of transactions."""
    return Response(list_transactions(query))
