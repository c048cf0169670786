"""The journal stack: its rooms, and the Lambdas that feed and watch them."""

from chalice.app import Blueprint

from chalicelib.events.dead_letters import ParkedRow
from chalicelib.events.stream import Stack
from chalicelib.read_models.feeding import projector_lambda, watch_lambda
from chalicelib.read_models.integrity.table import IntegrityRow
from chalicelib.read_models.ledgers import JournalLedger, registered
from chalicelib.read_models.totals import projector as totals
from chalicelib.read_models.totals.table import TotalRow
from chalicelib.read_models.transactions import projector as transactions
from chalicelib.read_models.transactions.table import TransactionRow
from chalicelib.settings import settings


class Parked(ParkedRow):
    """What this stack could not project."""

    class Meta:
        table_name = settings().read_table_name("journal_parked")
        billing_mode = "PAY_PER_REQUEST"


ROOMS = (registered(JournalLedger), transactions.project, totals.project)
TABLES = (TransactionRow, TotalRow, JournalLedger, IntegrityRow, Parked)
STACK = Stack("journal", ROOMS, Parked)

projector = Blueprint(__name__)
project_journal = projector_lambda(projector, STACK)
watch_journal = watch_lambda(projector, STACK)
