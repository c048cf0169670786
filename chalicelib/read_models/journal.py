"""The journal stack: its rooms, and the Lambda that feeds them."""

from typing import Any

from chalice.app import Blueprint, DynamoDBEvent

from chalicelib.events import stream
from chalicelib.read_models.totals import projector as totals
from chalicelib.read_models.totals.table import TotalRow
from chalicelib.read_models.transactions import projector as transactions
from chalicelib.read_models.transactions.table import TransactionRow
from chalicelib.settings import settings

ROOMS = (transactions.project, totals.project)
TABLES = (TransactionRow, TotalRow)

projector = Blueprint(__name__)


@projector.on_dynamodb_record(
    stream_arn=settings().stream_arn, batch_size=100, starting_position="TRIM_HORIZON"
)
def project_journal(event: DynamoDBEvent) -> Any:
    """Keeps transactions and totals in step with the event table."""
    return stream.feed(ROOMS, event.to_dict()["Records"])
