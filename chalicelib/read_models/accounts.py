"""The accounts stack: its rooms, and the Lambda that feeds them."""

from typing import Any

from chalice.app import Blueprint, DynamoDBEvent

from chalicelib.events import stream
from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.settings import settings

ROOMS = (balances.project, statements.project)
TABLES = (BalanceRow, StatementRow)

projector = Blueprint(__name__)


@projector.on_dynamodb_record(
    stream_arn=settings().stream_arn, batch_size=100, starting_position="TRIM_HORIZON"
)
def project_accounts(event: DynamoDBEvent) -> Any:
    """Keeps balances and statements in step with the event table."""
    return stream.feed(ROOMS, event.to_dict()["Records"])
