"""The route of this read model."""

from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.read_models.totals.queries import Totals, TrialBalance, trial_balance

routes = Router(__name__)


@routes.get("/ledgers/{ledger}/trial-balance", errors=("ledger_not_found",))
def trial(query: TrialBalance) -> Response[Totals]:
    """The trial balance of a ledger."""
    return Response(trial_balance(query))
