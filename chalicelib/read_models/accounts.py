"""The accounts stack: its rooms, and the Lambda that feeds them."""

from chalice.app import Blueprint

from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.feeding import projector_lambda
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.statements.table import StatementRow

ROOMS = (balances.project, statements.project)
TABLES = (BalanceRow, StatementRow)

projector = Blueprint(__name__)
project_accounts = projector_lambda(projector, "project_accounts", ROOMS)
