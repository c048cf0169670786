"""The route that both Read APIs have: which ledgers are there, of those that the key opens."""

from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models import ledger_queries as queries
from chalicelib.read_models.ledger_queries import Ledgers, ListLedgers

routes = Router(__name__)


@routes.get("/ledgers", errors=("invalid_cursor",))
def list_ledgers(request: Request, query: ListLedgers) -> Response[Ledgers]:
    """A page of the ledgers that the key opens, as far as something of them has arrived."""
    return Response(queries.list_ledgers(query, request.caller.named))
