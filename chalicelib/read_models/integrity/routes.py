"""The route of this room."""

from chalicelib.http.door import Answer, Door
from chalicelib.http.incoming import Incoming
from chalicelib.read_models.integrity.queries import Integrity, LedgerIntegrity, ledger_integrity

routes = Door(__name__)


@routes.get(
    "/ledgers/{ledger}/integrity",
    asks=LedgerIntegrity,
    gives=Integrity,
)
def verdict(incoming: Incoming) -> Answer:
    """What the last audit found."""
    return Answer(ledger_integrity(incoming.query(LedgerIntegrity)))
