"""Telemetry: log lines and metrics of responses and projected batches.

The `command_id` of events is the id of the HTTP request, so one id finds a request in the logs of
the API and of the projectors. Metrics are in CloudWatch's embedded metric format.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.settings import settings

logger = Logger(service="twofold")

NAMESPACE = "Twofold"

_MOST_VALUES = 99
"""The most values of a metric in a line. At 100, the format's limit, the library writes a line."""


def _api_name() -> str:
    return "-".join(settings().serves)


def answered(operation: str, outcome: str, status: int, request_id: str) -> None:
    """A response was sent; `outcome` is "ok" or the problem's code."""
    details = {"operation": operation, "outcome": outcome, "status": status}
    logger.info("answered", extra={**details, "request_id": request_id})
    if settings().in_lambda:
        _measure({"Answers": [1]}, operation=operation, outcome=outcome)
        # Its average is the rate.
        _measure({"Failures": [int(status >= 500)]}, api=_api_name())


def raced(command: str, lost: int, busy: int) -> None:
    """A command met conflicts (`lost`) or throttling (`busy`) this often."""
    if lost or busy:
        _measure({"Conflicts": [lost], "Throttles": [busy]}, command=command)


def combined(rounds: int, commands: int, lost: int) -> None:
    """A client was the leader of an account: its transactions that were written (`rounds`), the
    commands in them, and its transactions that lost a race.
    """
    if rounds or lost:
        counts = {"Combined": [commands], "CombinedAppends": [rounds], "CombinedLost": [lost]}
        _measure(counts, api=_api_name())


def apart(command: str, seconds: float) -> None:
    """A command was not done since a head that it is based on is this far ahead of the clock."""
    logger.warning("clocks apart", extra={"command": command, "seconds": seconds})
    _measure({"ClocksApart": [1]}, api=_api_name())


def projected(
    stack: str, events: Sequence[tuple[datetime, str]], *, parked: int, retried: bool
) -> None:
    """A batch was projected: `events` has the recorded time and the command id of each event."""
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
    _measure(counts, {"ProjectionLag": lags[: _MOST_VALUES - len(counts)]}, stack=stack)
    for start in range(_MOST_VALUES - len(counts), len(lags), _MOST_VALUES):
        _measure({}, {"ProjectionLag": lags[start : start + _MOST_VALUES]}, stack=stack)


def altered(stack: str, event: str, kind: str) -> None:
    """An event (`{stream}@{version}`) of the event table was changed or deleted."""
    logger.error("event altered", extra={"stack": stack, "event": event, "kind": kind})
    _measure({"EventsAltered": [1]}, stack=stack)


def watched(stack: str, parked: int, oldest_seconds: float) -> None:
    """There are this many dead letters; the oldest has this age in seconds."""
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
    environment = "-".join(filter(None, (settings().environment, settings().replica)))
    for dimension, named in {"environment": environment, **dimensions}.items():
        metrics.add_dimension(dimension, named)
    units = [(counts, MetricUnit.Count), (milliseconds or {}, MetricUnit.Milliseconds)]
    for measured, unit in units:
        for name, values in measured.items():
            for value in values:
                metrics.add_metric(name, unit, value)
    metrics.flush_metrics()
