"""Feeding: the Lambda that projects into a group, and the one that counts its dead letters.

A shard of a DynamoDB stream takes two readers, which are the two groups. A third, or a replica,
reads a Kinesis data stream that DynamoDB feeds with the same changes.
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
    """The Lambdas of a group by their names in its module, and the `projector` that declares them.

    They load the read models now: it is a Lambda's start, and not its first invocation.
    """
    for each in group.projected:
        assert each.projection
    blueprint = Blueprint(f"chalicelib.read_models.{group.name}")
    return {
        "projector": blueprint,
        f"project_{group.name}": projector_lambda(blueprint, group),
        f"watch_{group.name}": watch_lambda(blueprint, group),
    }


def projector_lambda(blueprint: Blueprint, group: ProjectionGroup) -> Callable[[Any, Any], Any]:
    """The Lambda `project_{group}` that feeds a group, from where this stage's settings say."""

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

    project.__name__ = f"project_{group.name}"  # By which Chalice names the Lambda and finds it.
    source = settings().kinesis_stream
    declared = (
        blueprint.on_dynamodb_record(
            stream_arn=settings().stream_arn,
            batch_size=BATCH_SIZE,
            starting_position="TRIM_HORIZON",
        )
        if source is None
        else blueprint.on_kinesis_record(
            stream=source, batch_size=BATCH_SIZE, starting_position="TRIM_HORIZON"
        )
    )
    handler: Callable[[Any, Any], Any] = declared(project)
    return handler


def watch_lambda(blueprint: Blueprint, group: ProjectionGroup) -> Callable[[Any, Any], Any]:
    """The Lambda `watch_{group}` that counts the dead letters every minute, for the alarms."""

    def watch(_: CloudWatchEvent) -> dict[str, float]:
        count, oldest = waiting(group.dead_letters, datetime.now(UTC))
        watched(group.name, count, oldest)
        return {"parked": count, "oldest": oldest}

    watch.__name__ = f"watch_{group.name}"
    handler: Callable[[Any, Any], Any] = blueprint.schedule(Rate(1, unit=Rate.MINUTES))(watch)
    return handler


@cache
def _store() -> DynamoStore:
    return DynamoStore()


def _seconds_left(context: Any) -> Callable[[], float]:
    """How long this invocation may still take. Outside of Lambda it is not limited."""
    if context is None:
        return lambda: 60.0
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
