"""Template: what a stage has besides what Chalice makes of the app.

Chalice packages routes, Lambdas and roles; `chalice package --merge-template` lays this page over
it: the stage's tables, how its projectors are fed and what becomes of a batch that cannot be, what
API Gateway answers by itself, and its throttling.
"""

import json
from typing import Any, get_args

from chalicelib.domain import transaction
from chalicelib.events.table import EventItem
from chalicelib.http.keys import KeyItem
from chalicelib.http.problems import Problem
from chalicelib.read_models import accounts, journal
from chalicelib.settings import ACCOUNTS, JOURNAL, WRITE
from chalicelib.tables import Table
from ops.alarms import alarms
from ops.schema import logical_id, resource
from ops.stages import Stage

TABLES: dict[str, tuple[type[Table], ...]] = {
    WRITE: (EventItem, KeyItem),
    ACCOUNTS: accounts.TABLES,
    JOURNAL: journal.TABLES,
}
"""The tables that belong to each half, and are made and deleted with it."""

RATE, BURST = 500, 1000
"""Requests per second and at once that a stage's API takes: below the account's default quota of
10,000 and 5,000, so that one ledger's storm leaves room for the rest of the account."""

GATEWAY_ANSWERS = {
    "MISSING_AUTHENTICATION_TOKEN": Problem("not_found", "there is no such path"),
    "RESOURCE_NOT_FOUND": Problem("not_found", "there is no such path"),
    "UNAUTHORIZED": Problem("unauthorized", "this needs a valid key"),
    "ACCESS_DENIED": Problem("unauthorized", "this needs a valid key"),
    "INVALID_SIGNATURE": Problem("unauthorized", "the signature is not valid"),
    "EXPIRED_TOKEN": Problem("unauthorized", "the token has expired"),
    "UNSUPPORTED_MEDIA_TYPE": Problem("unsupported_media_type", "send application/json"),
    "REQUEST_TOO_LARGE": Problem("request_too_large", "a body is at most 262144 bytes"),
    "THROTTLED": Problem("rate_limited", "too many requests", retry_after=1),
    "QUOTA_EXCEEDED": Problem("rate_limited", "the quota of this key is used up", retry_after=60),
    "DEFAULT_5XX": Problem("internal_error", "something went wrong on our side; nothing is lost"),
}
"""What API Gateway answers before the app is reached, as the contract's problems."""


def extras(stage: Stage) -> dict[str, Any]:
    """What is merged into the template that Chalice makes of a stage."""
    resources: dict[str, Any] = {
        "RestAPI": {"Properties": {"MethodSettings": [_throttling()]}},
        **{_camel(f"answer_{name}"): _answer(name) for name in GATEWAY_ANSWERS},
    }
    outputs = {}
    for model in tables_of(stage):
        # Events are written in one region; a second writer could not be told from the first.
        replicas = [] if model is EventItem else stage.replicas
        resources[logical_id(model)] = resource(model, stage.tags, replicas)
    for projector in stage.projectors:
        resources[_camel(projector)] = {"Properties": _feeding(stage, projector)}
        resources[f"{_camel(projector)}Failed"] = _failures(stage, projector)
    resources |= alarms(stage, tables_of(stage))
    if WRITE in stage.serves and stage.kinesis_stream:
        resources["EventsKinesis"] = _kinesis(stage)
        resources[logical_id(EventItem)]["Properties"]["KinesisStreamSpecification"] = {
            "StreamArn": {"Fn::GetAtt": ["EventsKinesis", "Arn"]}
        }
    if WRITE in stage.serves:
        outputs["EventsStream"] = {
            "Value": {"Fn::GetAtt": [logical_id(EventItem), "StreamArn"]},
            "Export": {"Name": stream_export(stage.environment)},
        }
    return {"Resources": resources, "Outputs": outputs}


def tables_of(stage: Stage) -> list[type[Table]]:
    """The tables that a stage makes: a stage that does not project reads another region's."""
    return [model for half in stage.serves for model in TABLES[half]] if stage.projects else []


def stream_export(environment: str) -> str:
    """The name under which the write stage tells the others its event table's stream."""
    return f"twofold-{environment}-events-stream"


def feeding(projector: str) -> dict[str, Any]:
    """How Lambda feeds a projector: the event source mapping's settings, without its addresses.

    What cannot be projected is parked by the projector, so an attempt fails only while AWS has no
    time for it, or where a record ends the process. Then the batch is halved until the record at
    fault stands alone, and set aside after a hundred attempts or six hours: long enough for an
    outage, and short of the day that the stream keeps. A room depends on no order between items, so
    a shard may be read by two invocations at once.
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
        "FilterCriteria": {"Filters": [{"Pattern": _pattern(projector)}]},
    }


def _pattern(projector: str) -> str:
    """Events are only ever inserted. The accounts stack has no use for those of transactions.

    Known types are left out rather than wanted ones let in: a type that this build does not know
    must arrive, so that it can be set aside and not be missed.
    """
    wanted: dict[str, Any] = {"eventName": ["INSERT"]}
    if projector == f"project_{ACCOUNTS}":
        types = [event.__name__ for event in get_args(transaction.Event)]
        wanted["dynamodb"] = {"NewImage": {"type": {"S": [{"anything-but": types}]}}}
    return json.dumps(wanted)


def _feeding(stage: Stage, projector: str) -> dict[str, Any]:
    settings = {
        **feeding(projector),
        "DestinationConfig": {
            "OnFailure": {"Destination": {"Fn::GetAtt": [f"{_camel(projector)}Failed", "Arn"]}}
        },
    }
    if stage.kinesis_stream:
        # There the change is the data of a record, and Chalice says which stream it is.
        pattern = json.dumps({"data": json.loads(_pattern(projector))})
        settings["FilterCriteria"] = {"Filters": [{"Pattern": pattern}]}
        return {"Events": {f"{_camel(projector)}KinesisEventSource": {"Properties": settings}}}
    settings["Stream"] = {"Fn::ImportValue": stream_export(stage.environment)}
    return {"Events": {f"{_camel(projector)}DynamodbEventSource": {"Properties": settings}}}


def _kinesis(stage: Stage) -> dict[str, Any]:
    """A stream of the event table's changes for more readers than its own two, kept for a week."""
    return {
        "Type": "AWS::Kinesis::Stream",
        "Properties": {
            "Name": stage.kinesis_stream,
            "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
            "RetentionPeriodHours": 168,
            "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
        },
    }


def _failures(stage: Stage, projector: str) -> dict[str, Any]:
    """Where Lambda leaves word of a batch it gave up: its place in the stream, not its records.

    The events themselves are in the event table, from which they are fed again.
    """
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": f"twofold-{stage.environment}-{stage.name}-{projector}-failed".replace(
                "_", "-"
            ),
            "MessageRetentionPeriod": 14 * 24 * 3600,
            "SqsManagedSseEnabled": True,
        },
    }


def _answer(name: str) -> dict[str, Any]:
    problem = GATEWAY_ANSWERS[name]
    headers = {
        f"gatewayresponse.header.{header}": f"'{value}'"
        for header, value in problem.headers.items()
    }
    return {
        "Type": "AWS::ApiGateway::GatewayResponse",
        "Properties": {
            "RestApiId": {"Ref": "RestAPI"},
            "ResponseType": name,
            "StatusCode": str(problem.status),
            "ResponseParameters": headers,
            "ResponseTemplates": {"application/json": problem.body()},
        },
    }


def _throttling() -> dict[str, Any]:
    return {
        "ResourcePath": "/*",
        "HttpMethod": "*",
        "ThrottlingRateLimit": RATE,
        "ThrottlingBurstLimit": BURST,
    }


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.lower().split("_"))
