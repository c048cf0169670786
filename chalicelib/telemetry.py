"""Telemetry: log lines and metrics, at the edges only: where an answer is given, a batch projected.

A command's events carry the id of the HTTP request that caused them (`command_id`), so one id finds
a request in the log of the API and in those of the projectors. Metrics are printed in CloudWatch's
embedded format, which only a Lambda's log turns into metrics.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.settings import settings

logger = Logger(service="twofold")

NAMESPACE = "Twofold"

_MOST_VALUES = 100
"""Of one metric, in one line of the embedded format."""


def environment_name() -> str:
    """Which copy of the system the metrics of this process are about."""
    return "-".join(filter(None, (settings().environment, settings().replica)))


def api_name() -> str:
    """Which of the separately deployed APIs this process is."""
    return "-".join(settings().serves)


def answered(operation: str, outcome: str, status: int, request_id: str) -> None:
    """Says how an operation was answered; `outcome` is "ok" or the problem's code."""
    details = {"operation": operation, "outcome": outcome, "status": status}
    logger.info("answered", extra={**details, "request_id": request_id})
    if settings().in_lambda:
        _measure({"Answers": [1]}, operation=operation, outcome=outcome)
        # Its average is the rate.
        _measure({"Failures": [int(status >= 500)]}, api=api_name())


def raced(command: str, lost: int, busy: int) -> None:
    """Says how often a command lost a race, and how often the store had no time for it."""
    if lost or busy:
        _measure({"Conflicts": [lost], "Throttles": [busy]}, command=command)


def apart(command: str, seconds: float) -> None:
    """Says that a command was not done since what it builds on is so far ahead of this clock."""
    logger.warning("clocks apart", extra={"command": command, "seconds": seconds})
    _measure({"ClocksApart": [1]}, api=api_name())


def projected(
    stack: str, events: Sequence[tuple[datetime, str]], *, parked: int, retried: bool
) -> None:
    """Says what became of a batch of events: when each was recorded, and by which command."""
    now = datetime.now(UTC)
    lags = [max(0.0, (now - recorded_at).total_seconds() * 1000) for recorded_at, _ in events]
    logger.info(
        "projected",
        extra={
            "stack": stack,
            "events": len(events),
            "parked": parked,
            "retried": retried,
            "request_ids": sorted({command_id for _, command_id in events}),
        },
    )
    counts = {"Projected": [len(events)], "Parked": [parked], "Redelivered": [int(retried)]}
    _measure(counts, stack=stack)
    for start in range(0, len(lags), _MOST_VALUES):
        _measure({}, {"ProjectionLag": lags[start : start + _MOST_VALUES]}, stack=stack)


def altered(stack: str, event: str, kind: str) -> None:
    """Says that an event of the event table was changed or deleted: `{stream}@{version}`."""
    logger.error("event altered", extra={"stack": stack, "event": event, "kind": kind})
    _measure({"EventsAltered": [1]}, stack=stack)


def watched(stack: str, parked: int, oldest_seconds: float) -> None:
    """Says how many records are parked, and for how long the oldest has been."""
    logger.info("watched", extra={"stack": stack, "parked": parked, "oldest": oldest_seconds})
    _measure({"ParkedNow": [parked], "OldestParkedSeconds": [oldest_seconds]}, stack=stack)


def _measure(
    counts: Mapping[str, Sequence[float]],
    milliseconds: Mapping[str, Sequence[float]] | None = None,
    **dimensions: str,
) -> None:
    if not settings().in_lambda:
        return
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension("environment", environment_name())
    for dimension, said in dimensions.items():
        metrics.add_dimension(dimension, said)
    units = [(counts, MetricUnit.Count), (milliseconds or {}, MetricUnit.Milliseconds)]
    for named, unit in units:
        for name, values in named.items():
            for value in values:
                metrics.add_metric(name, unit, value)
    metrics.flush_metrics()
