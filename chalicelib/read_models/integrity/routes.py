"""The route of this read model."""

from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models.integrity.queries import Integrity, LedgerIntegrity, ledger_integrity

routes = Router(__name__)


@routes.get("/ledgers/{ledger}/integrity")
def verdict(query: LedgerIntegrity) -> Response[Integrity]:
    """What the last audit found."""
    return Response(ledger_integrity(query))
