"""Alarms: what a stage wakes somebody for. What each means, and what to do: docs/operating.md.

They tell the SNS topic `TWOFOLD_ALARM_TOPIC` of the stage, where it names one.
"""

from collections.abc import Sequence
from typing import Any

from chalicelib.settings import WRITE
from chalicelib.tables import Table
from chalicelib.telemetry import NAMESPACE
from ops.gateway import API_STAGE
from ops.mappings import camel
from ops.schema import logical_id
from ops.stages import Stage

SLOW = 0.6
"""The part of a Lambda's timeout above which its 99th percentile is too slow."""


def alarms(stage: Stage, tables: Sequence[type[Table]]) -> dict[str, Any]:
    """The alarms of a stage, by their names in its template."""
    found = {
        "ErrorRate": _on_our_metric(
            "More than 1 in 100 requests failed on our side, for five minutes.",
            stage,
            "Failures",
            {"api": "-".join(stage.serves)},
            statistic="Average",
            above=0.01,
            minutes=5,
        ),
        "GatewayErrors": _alarm(
            "API Gateway answered more than 1 in 20 requests with 5XX, for three minutes.",
            "AWS/ApiGateway",
            "5XXError",
            {"ApiName": stage.stack, "Stage": API_STAGE},
            statistic="Average",
            above=0.05,
            minutes=3,
        ),
    }
    for function in stage.functions:
        if function in ("api_handler", "authorize"):
            found |= _of_request(stage, function)
    for model in tables:
        for kind in ("Read", "Write"):
            found[f"{logical_id(model)}{kind}sThrottled"] = _alarm(
                f"DynamoDB had no capacity for {kind.lower()}s of this table, for three minutes.",
                "AWS/DynamoDB",
                f"{kind}ThrottleEvents",
                {"TableName": model.Meta.table_name},
                minutes=3,
            )
    for projector in stage.projectors:
        found |= _of_projector(stage, projector)
    if WRITE in stage.serves:
        found["SweepErrors"] = _errors("Sweep")
        found["SweepThrottled"] = _throttled("Sweep")
        found["ClocksApart"] = _on_our_metric(
            "A command was not done: what it builds on is minutes ahead of the Lambda's clock.",
            stage,
            "ClocksApart",
            {"api": "-".join(stage.serves)},
            minutes=1,
        )
    return {f"{name}Alarm": _resource(stage, name, alarm) for name, alarm in found.items()}


def _of_request(stage: Stage, function: str) -> dict[str, Any]:
    """The alarms of a Lambda that a request waits for."""
    name = "Api" if function == "api_handler" else "Authorizer"
    return {
        f"{name}Errors": _errors(camel(function)),
        f"{name}Throttled": _throttled(camel(function)),
        f"{name}Slow": _alarm(
            "1 in 100 invocations took more than most of the timeout, for five minutes.",
            "AWS/Lambda",
            "Duration",
            {"FunctionName": {"Ref": camel(function)}},
            percentile="p99",
            above=SLOW * 1000 * stage.timeout(function),
            minutes=5,
        ),
    }


def _of_projector(stage: Stage, function: str) -> dict[str, Any]:
    """The alarms of a projector, and of the read models that it fills."""
    group = function.removeprefix("project_")
    name, projector = group.capitalize(), camel(function)
    return {
        f"{name}Behind": _alarm(
            "The read side is more than a minute behind, for five minutes.",
            "AWS/Lambda",
            "IteratorAge",
            {"FunctionName": {"Ref": projector}},
            statistic="Maximum",
            above=60_000,
            minutes=5,
        ),
        f"{name}ProjectorErrors": _errors(projector),
        f"{name}ProjectorThrottled": _throttled(projector),
        f"{name}Parked": _on_our_metric(
            "Records are parked, or nobody has looked whether any are.",
            stage,
            "ParkedNow",
            {"stack": group},
            statistic="Maximum",
            minutes=5,
            # So a `watch_…` that fails or is not started rings here, and has no alarm of its own.
            missing="breaching",
        ),
        f"{name}EventsAltered": _on_our_metric(
            "An event of the event table was changed or deleted; the projector's log names it.",
            stage,
            "EventsAltered",
            {"stack": group},
            minutes=1,
        ),
        f"{name}SetAside": _alarm(
            "Lambda gave up on a batch: what it held is in the event table only.",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": {"Fn::GetAtt": [f"{projector}Failed", "QueueName"]}},
            statistic="Maximum",
            minutes=1,
        ),
    }


def _errors(function: str) -> dict[str, Any]:
    return _alarm(
        "The Lambda ended with an error, for three minutes.",
        "AWS/Lambda",
        "Errors",
        {"FunctionName": {"Ref": function}},
        minutes=3,
    )


def _throttled(function: str) -> dict[str, Any]:
    return _alarm(
        "The account's limit of concurrent Lambdas was reached, for three minutes.",
        "AWS/Lambda",
        "Throttles",
        {"FunctionName": {"Ref": function}},
        minutes=3,
    )


def _on_our_metric(
    meaning: str, stage: Stage, metric: str, dimensions: dict[str, Any], **how: Any
) -> dict[str, Any]:
    """An alarm on one of our own metrics, as chalicelib/telemetry.py names them."""
    environment = "-".join(filter(None, (stage.environment, stage.replica)))
    return _alarm(meaning, NAMESPACE, metric, {"environment": environment, **dimensions}, **how)


def _alarm(
    meaning: str,
    namespace: str,
    metric: str,
    dimensions: dict[str, Any],
    *,
    statistic: str = "Sum",
    percentile: str | None = None,
    above: float = 0,
    minutes: int,
    missing: str = "notBreaching",
) -> dict[str, Any]:
    """An alarm when a metric was above a value in each of so many minutes."""
    measured = (
        # Of a few invocations a percentile says nothing.
        {"ExtendedStatistic": percentile, "EvaluateLowSampleCountPercentile": "ignore"}
        if percentile
        else {"Statistic": statistic}
    )
    return {
        "AlarmDescription": f"{meaning} See docs/operating.md.",
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        **measured,
        "Period": 60,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": above,
        "EvaluationPeriods": minutes,
        "DatapointsToAlarm": minutes,
        "TreatMissingData": missing,
    }


def _resource(stage: Stage, name: str, alarm: dict[str, Any]) -> dict[str, Any]:
    topic = stage.alarm_topic
    notified = {"AlarmActions": [topic], "OKActions": [topic]} if topic else {}
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {"AlarmName": f"{stage.stack}-{name}", **alarm, **notified},
    }
