"""Kinesis: streaming a table's changes to Kinesis, switched on and off.

CloudFormation switches it on for a table that it makes, not for one that it adopts or keeps.
"""

from collections.abc import Collection
from typing import Any

from ops.deploying.adoption import events_stream
from ops.deploying.waiting import until
from ops.environments import events_table

SECONDS = 900
"""How long DynamoDB may take to switch a Kinesis stream on or off."""

_CHANGING = ("ENABLING", "UPDATING", "DISABLING")


def feed(dynamodb: Any, environment: str, stream: str) -> None:
    """Streams the event table's changes to Kinesis, and waits until that is active."""
    name = events_table(environment)
    table_arn = str(events_stream(dynamodb, environment)).split(":")
    arn = ":".join([*table_arn[:2], "kinesis", *table_arn[3:5], f"stream/{stream}"])
    if _settled(dynamodb, name).get(arn) != "ACTIVE":
        dynamodb.enable_kinesis_streaming_destination(TableName=name, StreamArn=arn)
    until(
        lambda: True if statuses(dynamodb, name).get(arn) == "ACTIVE" else None,
        seconds=SECONDS,
        what=f"the changes of {name} to go to {stream}",
    )


def stop(dynamodb: Any, name: str, streams: Collection[str]) -> None:
    """Ends the streaming of a table's changes to these Kinesis streams, and waits until it ended.

    Needed before a stream is deleted, since the table would keep naming it.
    """
    for arn, status in _settled(dynamodb, name).items():
        if status != "ACTIVE" or arn.rpartition("/")[2] not in streams:
            continue
        dynamodb.disable_kinesis_streaming_destination(TableName=name, StreamArn=arn)
        _settled(dynamodb, name)


def _settled(dynamodb: Any, name: str) -> dict[str, str]:
    """The statuses once none is changing: DynamoDB refuses a change while one is under way."""

    def look() -> dict[str, str] | None:
        found = statuses(dynamodb, name)
        return None if any(each in _CHANGING for each in found.values()) else found

    return until(look, seconds=SECONDS, what=f"the Kinesis streams of {name}")


def statuses(dynamodb: Any, name: str) -> dict[str, str]:
    """The status of each Kinesis stream that a table names, by its ARN."""
    found = dynamodb.describe_kinesis_streaming_destination(TableName=name)
    return {
        each["StreamArn"]: str(each["DestinationStatus"])
        for each in found.get("KinesisDataStreamDestinations", ())
    }
