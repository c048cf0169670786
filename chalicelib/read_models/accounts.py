"""The accounts stack: its rooms, and the Lambdas that feed and watch them."""

from chalice.app import Blueprint

from chalicelib.events.dead_letters import ParkedRow
from chalicelib.events.stream import Stack
from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.feeding import projector_lambda, watch_lambda
from chalicelib.read_models.ledgers import AccountsLedger, registered
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.settings import settings


class Parked(ParkedRow):
    """What this stack could not project."""

    class Meta:
        table_name = settings().read_table_name("accounts_parked")
        billing_mode = "PAY_PER_REQUEST"


ROOMS = (registered(AccountsLedger), balances.project, statements.project)
TABLES = (BalanceRow, StatementRow, AccountsLedger, Parked)
STACK = Stack("accounts", ROOMS, Parked)

projector = Blueprint(__name__)
project_accounts = projector_lambda(projector, STACK)
watch_accounts = watch_lambda(projector, STACK)
