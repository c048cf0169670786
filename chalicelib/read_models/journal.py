"""The journal stack: its rooms, and the Lambda that feeds them."""

from chalice.app import Blueprint

from chalicelib.read_models.feeding import projector_lambda
from chalicelib.read_models.totals import projector as totals
from chalicelib.read_models.totals.table import TotalRow
from chalicelib.read_models.transactions import projector as transactions
from chalicelib.read_models.transactions.table import TransactionRow

ROOMS = (transactions.project, totals.project)
TABLES = (TransactionRow, TotalRow)

projector = Blueprint(__name__)
project_journal = projector_lambda(projector, "project_journal", ROOMS)
