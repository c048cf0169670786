"""Feeding: how a stack's projector is declared, and the Lambda that watches what it parks.

A shard of a DynamoDB stream takes two readers, which are the two stacks. A third, or a replica,
hangs on a Kinesis data stream that DynamoDB feeds with the same changes.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, DynamoDBEvent, KinesisEvent, Rate

from chalicelib.events import stream
from chalicelib.events.dead_letters import waiting
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.settings import settings
from chalicelib.telemetry import altered, projected, watched

BATCH_SIZE = 100


def projector_lambda(blueprint: Blueprint, stack: stream.Stack) -> Callable[[Any, Any], Any]:
    """The Lambda `project_{stack}` that feeds a stack, from where this stage's settings say."""

    def project(event: DynamoDBEvent | KinesisEvent) -> Any:
        fed = stream.feed(
            stack,
            event.to_dict()["Records"],
            history=_store().history,
            seconds_left=_seconds_left(event.context),
        )
        projected(
            stack.name,
            [(one.recorded_at, one.command_id) for one in fed.events],
            parked=fed.parked,
            retried=fed.failed is not None,
        )
        for each in fed.altered:
            altered(stack.name, f"{each.place.stream}@{each.place.version}", each.kind)
        return fed.response

    project.__name__ = f"project_{stack.name}"  # By which Chalice names the Lambda and finds it.
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


def watch_lambda(blueprint: Blueprint, stack: stream.Stack) -> Callable[[Any, Any], Any]:
    """The Lambda `watch_{stack}` that says every minute what is parked, for the alarms."""

    def watch(_: CloudWatchEvent) -> dict[str, float]:
        count, oldest = waiting(stack.parked, datetime.now(UTC))
        watched(stack.name, count, oldest)
        return {"parked": count, "oldest": oldest}

    watch.__name__ = f"watch_{stack.name}"
    handler: Callable[[Any, Any], Any] = blueprint.schedule(Rate(1, unit=Rate.MINUTES))(watch)
    return handler


@cache
def _store() -> DynamoStore:
    return DynamoStore()


def _seconds_left(context: Any) -> Callable[[], float]:
    """How long this invocation may still take. A call that is none of Lambda's has all its time."""
    if context is None:
        return lambda: 60.0
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
