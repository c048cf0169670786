"""Feeding: Lambdas and the mappings that feed them, roles, queues, tables and Kinesis streams."""

from typing import Any

import click

from ops.aws import none_on
from ops.deploying import kinesis
from ops.mappings import camel
from ops.tuning.deployed import function_name
from ops.tuning.handling import Handler, Properties, Target, only, pairs

_MAPPING = (
    "BatchSize MaximumBatchingWindowInSeconds FunctionResponseTypes BisectBatchOnFunctionError "
    "MaximumRetryAttempts MaximumRecordAgeInSeconds ParallelizationFactor FilterCriteria "
    "DestinationConfig"
)
"""The settings of an event source mapping that UpdateEventSourceMapping can change."""

_FIXED = ("StartingPosition", "Stream")
"""The settings that cannot be changed."""

_MISSING = "ResourceNotFoundException"
_NO_QUEUE = ("NonExistentQueue", "QueueDoesNotExist")


def _tune_function(target: Target, id: str, properties: Properties) -> None:
    name = _function(target, id)
    live = target.client("lambda").get_function_configuration(
        FunctionName=function_name(target.stage, name)
    )
    if live["Runtime"] != properties["Runtime"]:
        raise click.ClickException(
            f"{live['FunctionName']} runs on {live['Runtime']}, not {properties['Runtime']}: "
            "deploy it again with that Python"
        )
    arn = target.deployed.arn("lambda", f"function:{function_name(target.stage, name)}")
    target.client("lambda").tag_resource(Resource=arn, Tags=target.stage.tags)
    for source in properties.get("Events", {}).values():
        _tune_mapping(target, name, source["Properties"])


def _tune_mapping(target: Target, name: str, settings: dict[str, Any]) -> None:
    only(f"the mapping of {name}", settings, *_MAPPING.split(), *_FIXED)
    functions, id = target.client("lambda"), target.deployed.mappings[name]
    live = functions.get_event_source_mapping(UUID=id)
    stream = settings.get("Stream", live["EventSourceArn"])
    if live["EventSourceArn"] != stream:
        raise click.ClickException(
            f"{name} is fed by {live['EventSourceArn']}, and the event table's stream is {stream}: "
            "run provision, then deploy it again"
        )
    changed = {key: value for key, value in settings.items() if key in _MAPPING.split()}
    functions.update_event_source_mapping(UUID=id, **changed)


def _function(target: Target, id: str) -> str:
    return next(name for name in target.stage.functions if camel(name) == id)


def _bound_role(target: Target, id: str, properties: Properties) -> None:
    iam, role = target.client("iam"), target.deployed.roles[_function(target, id[: -len("Role")])]
    iam.tag_role(RoleName=role, Tags=pairs(target.stage.tags))
    if "PermissionsBoundary" in properties:
        iam.put_role_permissions_boundary(
            RoleName=role, PermissionsBoundary=properties["PermissionsBoundary"]
        )


def _make_queue(target: Target, _: str, properties: Properties) -> None:
    queues = target.client("sqs")
    attributes = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in properties.items()
        if name != "QueueName"
    }
    found = none_on(_NO_QUEUE, queues.get_queue_url, QueueName=properties["QueueName"])
    if found is None:
        found = queues.create_queue(QueueName=properties["QueueName"], Attributes=attributes)
    else:
        queues.set_queue_attributes(QueueUrl=found["QueueUrl"], Attributes=attributes)
    queues.tag_queue(QueueUrl=found["QueueUrl"], Tags=target.stage.tags)


def _delete_queue(target: Target, _: str, properties: Properties) -> None:
    queues = target.client("sqs")
    found = none_on(_NO_QUEUE, queues.get_queue_url, QueueName=properties["QueueName"])
    if found is not None:
        queues.delete_queue(QueueUrl=found["QueueUrl"])


def _feed_kinesis(target: Target, _: str, properties: Properties) -> None:
    """Streams a table's changes to Kinesis; `provision` applies everything else of a table."""
    dynamodb, name = target.client("dynamodb"), properties["TableName"]
    if none_on(_MISSING, dynamodb.describe_table, TableName=name) is None:
        raise click.ClickException(
            f"there is no table {name}: run `twofold --stage {target.stage.name} provision`"
        )
    if "KinesisStreamSpecification" not in properties:
        return
    stream = properties["KinesisStreamSpecification"]["StreamArn"]
    if kinesis.statuses(dynamodb, name).get(stream) not in ("ENABLING", "ACTIVE"):
        dynamodb.enable_kinesis_streaming_destination(TableName=name, StreamArn=stream)


def _make_kinesis(target: Target, _: str, properties: Properties) -> None:
    streams, name = target.client("kinesis"), properties["Name"]
    mode, active = properties["StreamModeDetails"], streams.get_waiter("stream_exists")
    create = streams.create_stream
    none_on("ResourceInUseException", create, StreamName=name, StreamModeDetails=mode)
    active.wait(StreamName=name)
    live = streams.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    hours = properties["RetentionPeriodHours"]
    if live["RetentionPeriodHours"] < hours:
        streams.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
        active.wait(StreamName=name)
    encryption = properties["StreamEncryption"]
    if live.get("KeyId") != encryption["KeyId"]:
        streams.start_stream_encryption(StreamName=name, **encryption)
        active.wait(StreamName=name)


def _delete_kinesis(target: Target, _: str, properties: Properties) -> None:
    streams, name = target.client("kinesis"), properties["Name"]
    live = none_on(_MISSING, streams.describe_stream_summary, StreamName=name)
    if live is None:
        return
    none_on(
        (_MISSING, "ValidationException"),  # No such table; it does not stream there.
        target.client("dynamodb").disable_kinesis_streaming_destination,
        TableName=target.stage.events_table,
        StreamArn=live["StreamDescriptionSummary"]["StreamARN"],
    )
    streams.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


FUNCTION = Handler(
    "Runtime Events",
    _tune_function,
    # Chalice uploads the code; only CloudFormation uses TWOFOLD_RESTORED.
    elsewhere="CodeUri Environment",
)
ROLE = Handler("PermissionsBoundary", _bound_role)
QUEUE = Handler(
    "QueueName MessageRetentionPeriod KmsMasterKeyId SqsManagedSseEnabled",
    _make_queue,
    _delete_queue,
)
TABLE = Handler(
    "TableName KinesisStreamSpecification",
    _feed_kinesis,
    elsewhere="KeySchema AttributeDefinitions BillingMode SSESpecification "
    "DeletionProtectionEnabled Tags GlobalSecondaryIndexes StreamSpecification "
    "PointInTimeRecoverySpecification TimeToLiveSpecification",
)
KINESIS = Handler(
    "Name StreamModeDetails RetentionPeriodHours StreamEncryption", _make_kinesis, _delete_kinesis
)
