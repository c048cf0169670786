"""The routes of this read model."""

from chalicelib.http.bodies import TransactionBody
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models import event_queries
from chalicelib.read_models.event_queries import Events, TransactionEvents
from chalicelib.read_models.transactions import queries

routes = Router(__name__)


@routes.get(
    "/ledgers/{ledger}/transactions/{transaction}",
    errors=("transaction_not_found", "projection_behind"),
)
def transaction(query: queries.GetTransaction) -> Response[TransactionBody]:
    """One transaction."""
    return Response(queries.get_transaction(query))


@routes.get("/ledgers/{ledger}/transactions", errors=("ledger_not_found", "invalid_cursor"))
def listing(query: queries.ListTransactions) -> Response[queries.Transactions]:
    """A page of transactions."""
    return Response(queries.list_transactions(query))


@routes.get(
    "/ledgers/{ledger}/transactions/{transaction}/events",
    errors=("transaction_not_found", "invalid_cursor", "projection_behind"),
)
def transaction_events(query: TransactionEvents) -> Response[Events]:
    """A page of a transaction's events, with their versions and hashes."""
    return Response(event_queries.transaction_events(query))
