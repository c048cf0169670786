"""Alarms: the CloudWatch alarms of a stage. docs/operating.md has what to do about each.

They notify the SNS topic `TWOFOLD_ALARM_TOPIC` of the stage, if it names one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

Dimensions = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of alarm: when a statistic was `above` a value in each of so many minutes."""

    meaning: str
    namespace: str
    metric: str
    minutes: int
    statistic: str = "Sum"
    above: float = 0
    missing: str = "notBreaching"

    def on(self, dimensions: Dimensions, above: float | None = None) -> dict[str, Any]:
        """The alarm on the metric with these dimensions."""
        measured = (
            # A percentile of a few invocations means nothing.
            {"ExtendedStatistic": self.statistic, "EvaluateLowSampleCountPercentile": "ignore"}
            if self.statistic.startswith("p")
            else {"Statistic": self.statistic}
        )
        return {
            "AlarmDescription": f"{self.meaning} See docs/operating.md.",
            "Namespace": self.namespace,
            "MetricName": self.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            **measured,
            "Period": 60,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": self.above if above is None else above,
            "EvaluationPeriods": self.minutes,
            "TreatMissingData": self.missing,
        }


_FAILURES = Kind(
    "More than 1 in 100 requests failed on our side, for five minutes.",
    *(NAMESPACE, "Failures", 5, "Average", 0.01),
)
_GATEWAY = Kind(
    "API Gateway answered more than 1 in 20 requests with 5XX, for three minutes.",
    *("AWS/ApiGateway", "5XXError", 3, "Average", 0.05),
)
_READS, _WRITES = (
    Kind(
        f"DynamoDB had no capacity for {kind.lower()}s of this table, for three minutes.",
        *("AWS/DynamoDB", f"{kind}ThrottleEvents", 3),
    )
    for kind in ("Read", "Write")
)
_ERRORS = Kind("The Lambda ended with an error, for three minutes.", "AWS/Lambda", "Errors", 3)
_THROTTLED = Kind(
    "The account's limit of concurrent Lambdas was reached, for three minutes.",
    *("AWS/Lambda", "Throttles", 3),
)
_SLOW = Kind(
    "1 in 100 invocations took more than most of the timeout, for five minutes.",
    *("AWS/Lambda", "Duration", 5, "p99"),
)
_BEHIND = Kind(
    "The read side is more than a minute behind, for five minutes.",
    *("AWS/Lambda", "IteratorAge", 5, "Maximum", 60_000),
)
_PARKED = Kind(
    "Records are parked, or nobody has looked whether any are.",
    *(NAMESPACE, "ParkedNow", 5, "Maximum"),
    missing="breaching",  # So a `watch_…` that fails or is not started needs no other alarm.
)
_ALTERED = Kind(
    "An event of the event table was changed or deleted; the projector's log names it.",
    *(NAMESPACE, "EventsAltered", 1),
)
_ABANDONED = Kind(
    "Lambda gave up on a batch: what it held is in the event table only.",
    *("AWS/SQS", "ApproximateNumberOfMessagesVisible", 1, "Maximum"),
)
_CLOCKS = Kind(
    "A command was not done: what it builds on is minutes ahead of the Lambda's clock.",
    *(NAMESPACE, "ClocksApart", 1),
)


def alarms(stage: Stage, tables: Sequence[type[Table]]) -> dict[str, Any]:
    """The alarms of a stage, by their names in its template."""
    found = dict([*_of_api(stage), *_of_tables(tables)])
    for projector in stage.projectors:
        found |= dict(_of_projector(stage, projector))
    return {f"{name}Alarm": _resource(stage, name, alarm) for name, alarm in found.items()}


def _of_api(stage: Stage) -> Iterator[tuple[str, dict[str, Any]]]:
    """The alarms of the API, of the Lambdas that a request waits for, and of the sweep."""
    served = _ours(stage, api="-".join(stage.serves))
    yield "ErrorRate", _FAILURES.on(served)
    yield "GatewayErrors", _GATEWAY.on({"ApiName": stage.stack, "Stage": API_STAGE})
    for function, name in (("api_handler", "Api"), ("authorize", "Authorizer")):
        if function in stage.functions:
            yield from _of_lambda(name, function)
            slow = SLOW * 1000 * stage.timeout(function)
            yield f"{name}Slow", _SLOW.on(_lambda(function), above=slow)
    if WRITE in stage.serves:
        yield from _of_lambda("Sweep", "sweep")
        yield "ClocksApart", _CLOCKS.on(served)


def _of_tables(tables: Sequence[type[Table]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for model in tables:
        dimensions = {"TableName": model.Meta.table_name}
        yield f"{logical_id(model)}ReadsThrottled", _READS.on(dimensions)
        yield f"{logical_id(model)}WritesThrottled", _WRITES.on(dimensions)


def _of_projector(stage: Stage, function: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The alarms of a projector, and of the read models that it fills."""
    group = function.removeprefix("project_")
    name, ours = group.capitalize(), _ours(stage, stack=group)
    yield f"{name}Behind", _BEHIND.on(_lambda(function))
    yield from _of_lambda(f"{name}Projector", function)
    yield f"{name}Parked", _PARKED.on(ours)
    yield f"{name}EventsAltered", _ALTERED.on(ours)
    queue = {"Fn::GetAtt": [f"{camel(function)}Failed", "QueueName"]}
    yield f"{name}SetAside", _ABANDONED.on({"QueueName": queue})


def _of_lambda(name: str, function: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield f"{name}Errors", _ERRORS.on(_lambda(function))
    yield f"{name}Throttled", _THROTTLED.on(_lambda(function))


def _lambda(function: str) -> Dimensions:
    return {"FunctionName": {"Ref": camel(function)}}


def _ours(stage: Stage, **dimensions: str) -> Dimensions:
    """The dimensions of one of our own metrics, as chalicelib/telemetry.py names them."""
    environment = "-".join(filter(None, (stage.environment, stage.replica)))
    return {"environment": environment, **dimensions}


def _resource(stage: Stage, name: str, alarm: dict[str, Any]) -> dict[str, Any]:
    topic = stage.alarm_topic
    notified = {"AlarmActions": [topic], "OKActions": [topic]} if topic else {}
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {"AlarmName": f"{stage.stack}-{name}", **alarm, **notified},
    }
