"""Feeding: how a projector Lambda is declared, on the event table's own stream or on Kinesis.

A shard of a DynamoDB stream takes two readers, which are the two stacks. A third, or a replica,
hangs on a Kinesis data stream that DynamoDB feeds with the same changes.
"""

from collections.abc import Callable, Sequence
from typing import Any

from chalice.app import Blueprint, DynamoDBEvent, KinesisEvent

from chalicelib.events import stream
from chalicelib.settings import settings

BATCH_SIZE = 100


def projector_lambda(
    blueprint: Blueprint, name: str, rooms: Sequence[stream.Project]
) -> Callable[[Any, Any], Any]:
    """The Lambda `name` that feeds these rooms, from where this stage's settings say."""

    def from_dynamodb(event: DynamoDBEvent) -> Any:
        return stream.feed(rooms, event.to_dict()["Records"])

    def from_kinesis(event: KinesisEvent) -> Any:
        return stream.feed(rooms, [stream.unwrap(one) for one in event.to_dict()["Records"]])

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
    project = from_dynamodb if source is None else from_kinesis
    project.__name__ = name  # By which Chalice names the Lambda and finds it.
    handler: Callable[[Any, Any], Any] = declared(project)
    return handler
