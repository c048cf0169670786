"""The routes that both Read APIs have: the ledgers that the key opens, and how far one has come."""

from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models import ledger_queries as queries
from chalicelib.read_models import status_queries
from chalicelib.read_models.ledger_queries import Ledgers, ListLedgers
from chalicelib.read_models.status_queries import LedgerStatus, Status

routes = Router(__name__)


@routes.get("/ledgers", errors=("invalid_cursor",))
def list_ledgers(request: Request, query: ListLedgers) -> Response[Ledgers]:
    """A page of the ledgers that the key opens, as far as something of them has arrived."""
    return Response(queries.list_ledgers(query, request.caller.named))


@routes.get("/ledgers/{ledger}/status", errors=("ledger_not_found",))
def ledger_status(query: LedgerStatus) -> Response[Status]:
    """How far the read models of a ledger have come, and the last audit."""
    return Response(status_queries.ledger_status(query))
