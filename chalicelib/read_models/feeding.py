"""Feeding: the Lambda that projects into a group, and the one that counts its dead letters.

A shard of a DynamoDB stream has at most two readers: the two groups. A replica reads a Kinesis data
stream to which DynamoDB sends the same changes.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, DynamoDBEvent, KinesisEvent, Rate

from chalicelib.events import stream
from chalicelib.events.dead_letters import waiting
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.read_models.read_model import ProjectionGroup
from chalicelib.settings import settings
from chalicelib.telemetry import altered, projected, watched

BATCH_SIZE = 100


@cache
def functions_of(group: ProjectionGroup) -> dict[str, Any]:
    """The Lambdas of a group by their names in its module, and their blueprint, `projector`."""
    _ = [each.projection for each in group.projected]  # Loaded now, not in the first invocation.
    blueprint = Blueprint(f"chalicelib.read_models.{group.name}")

    def project(event: DynamoDBEvent | KinesisEvent) -> Any:
        fed = stream.feed(
            group,
            event.to_dict()["Records"],
            history=_store().history,
            seconds_left=_seconds_left(event.context),
        )
        projected(
            group.name,
            [(one.recorded_at, one.command_id) for one in fed.events],
            parked=fed.dead_letters,
            retried=fed.failed is not None,
        )
        for each in fed.altered:
            coordinates = each.coordinates
            altered(group.name, f"{coordinates.stream}@{coordinates.version}", each.kind)
        return fed.response

    def watch(_: CloudWatchEvent) -> dict[str, float]:
        count, oldest = waiting(group.dead_letters, datetime.now(UTC))
        watched(group.name, count, oldest)
        return {"parked": count, "oldest": oldest}

    for function in (project, watch):  # Chalice uses a function's name for its Lambda.
        function.__name__ = f"{function.__name__}_{group.name}"
    how: dict[str, Any] = {"batch_size": BATCH_SIZE, "starting_position": "TRIM_HORIZON"}
    kinesis = settings().kinesis_stream
    on_records = (
        blueprint.on_kinesis_record(stream=kinesis, **how)
        if kinesis
        else blueprint.on_dynamodb_record(stream_arn=settings().stream_arn, **how)
    )
    return {
        "projector": blueprint,
        project.__name__: on_records(project),
        watch.__name__: blueprint.schedule(Rate(1, unit=Rate.MINUTES))(watch),
    }


@cache
def _store() -> DynamoStore:
    return DynamoStore()


def _seconds_left(context: Any) -> Callable[[], float]:
    """The time that is left to this invocation; 60 s outside of Lambda."""
    if context is None:
        return lambda: 60.0
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
