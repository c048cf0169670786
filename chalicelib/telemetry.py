"""Telemetry: one log line and one metric per answer, at the edge only."""

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.settings import settings

logger = Logger(service="twofold")


def answered(operation: str, outcome: str, status: int, request_id: str) -> None:
    """Says how an operation was answered: the log for one request, the metric for all of them.

    `outcome` is "ok" or the problem's code. The metric is printed in CloudWatch's embedded format,
    which only a Lambda's log turns into a metric.
    """
    details = {"operation": operation, "outcome": outcome, "status": status}
    logger.info("answered", extra={**details, "request_id": request_id})
    if settings().in_lambda:
        with single_metric(
            name="Answers", unit=MetricUnit.Count, value=1, namespace="Twofold"
        ) as metric:
            metric.add_dimension(name="operation", value=operation)
            metric.add_dimension(name="outcome", value=outcome)
