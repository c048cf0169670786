"""Mappings: the event sources of a stage's projectors, and their on-failure destinations."""

import json
from collections.abc import Sequence
from typing import Any, get_args

from chalicelib.domain.transaction import events
from chalicelib.events.stream import ALTERATIONS
from chalicelib.settings import ACCOUNTS
from ops.stages import Stage

EVENTS_STREAM = "EventsStream"
"""The template's parameter for the ARN of the event table's stream."""

RESTORED = "Restored"
"""The template's parameter for the restore after which the Lambdas were started."""

RESTORED_VARIABLE = "TWOFOLD_RESTORED"
"""The environment variable of the write stage's Lambdas that has its value. Another value makes
Lambda start new processes, whose caches are empty."""


def feeding(projector: str) -> dict[str, Any]:
    """The settings of a projector's event source mapping, without ARNs.

    The projector itself stores a dead letter for a record that cannot be projected. So an attempt
    fails only if AWS throttles or fails, or if a record ends the process. Then Lambda bisects the
    batch down to that record, and abandons it after a hundred attempts or six hours, within the day
    that the stream keeps. Read models do not depend on the order of items, so two invocations may
    read a shard in parallel.
    """
    return {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 100,
        "MaximumRecordAgeInSeconds": 6 * 3600,
        "ParallelizationFactor": 2,
        "FilterCriteria": {"Filters": _filters(_patterns(projector))},
    }


def _patterns(projector: str) -> list[dict[str, Any]]:
    """New events, for the group accounts without those of transactions, and every alteration of an
    event, which Twofold never makes.

    The known types of transactions are excluded, so that an event of an unknown type arrives.
    """
    new: dict[str, Any] = {"eventName": ["INSERT"]}
    if projector == f"project_{ACCOUNTS}":
        types = [event.__name__ for event in get_args(events.Event)]
        new["dynamodb"] = {"NewImage": {"type": {"S": [{"anything-but": types}]}}}
    return [new, {"eventName": list(ALTERATIONS)}]


def _filters(patterns: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The filters of a mapping. Lambda reads a record that matches any of them."""
    return [{"Pattern": json.dumps(pattern, separators=(",", ":"))} for pattern in patterns]


def mapping(stage: Stage, projector: str) -> dict[str, Any]:
    """The event source of a projector's function in the template."""
    settings = {
        **feeding(projector),
        "DestinationConfig": {
            "OnFailure": {"Destination": {"Fn::GetAtt": [f"{camel(projector)}Failed", "Arn"]}}
        },
    }
    if stage.kinesis_stream:
        # There the change is the data of a record, and Chalice names the stream.
        patterns = [{"data": pattern} for pattern in _patterns(projector)]
        settings["FilterCriteria"] = {"Filters": _filters(patterns)}
        return {"Events": {f"{camel(projector)}KinesisEventSource": {"Properties": settings}}}
    settings["Stream"] = {"Ref": EVENTS_STREAM}
    return {"Events": {f"{camel(projector)}DynamodbEventSource": {"Properties": settings}}}


def kinesis(stage: Stage) -> dict[str, Any]:
    """A Kinesis stream of the event table's changes for more readers, kept for a week."""
    return {
        "Type": "AWS::Kinesis::Stream",
        "Properties": {
            "Name": stage.kinesis_stream,
            "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
            "RetentionPeriodHours": 168,
            "StreamEncryption": {
                "EncryptionType": "KMS",
                "KeyId": stage.kms_key or "alias/aws/kinesis",
            },
        },
    }


def failure_queue(stage: Stage, projector: str) -> dict[str, Any]:
    """The on-failure destination: the queue with a message about each abandoned batch.

    A message names the position in the stream, not the records: the events are in the event table,
    from which they can be projected again.
    """
    name = f"twofold-{stage.environment}-{stage.name}-{projector}-failed".replace("_", "-")
    encryption: dict[str, Any] = (
        {"KmsMasterKeyId": stage.kms_key} if stage.kms_key else {"SqsManagedSseEnabled": True}
    )
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": name,
            "MessageRetentionPeriod": 14 * 24 * 3600,
            **encryption,
        },
    }


def camel(name: str) -> str:
    """A function's logical id in Chalice's template: `ProjectAccounts` for `project_accounts`."""
    if name == "api_handler":
        return "APIHandler"
    return "".join(word.capitalize() for word in name.lower().split("_"))
