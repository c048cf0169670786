"""The route of this room."""

from chalicelib.http.door import Answer, Door
from chalicelib.http.incoming import Incoming
from chalicelib.read_models.totals.queries import Totals, TrialBalance, trial_balance

routes = Door(__name__)


@routes.get(
    "/ledgers/{ledger}/trial-balance",
    asks=TrialBalance,
    gives=Totals,
    refuses=("ledger_not_found",),
)
def trial(incoming: Incoming) -> Answer:
    """The trial balance of a ledger."""
    return Answer(trial_balance(incoming.query(TrialBalance)))
