"""The route of this room."""

from chalicelib.http.door import Answer, Door, Incoming
from chalicelib.read_models.totals.queries import TrialBalance, trial_balance

totals = Door(__name__)


@totals.get("/ledgers/{ledger}/trial-balance")
def trial(incoming: Incoming) -> Answer:
    """The trial balance of a ledger."""
    return Answer(trial_balance(incoming.query(TrialBalance)))
