"""Telemetry: structured logs and metrics, used at the edge only."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger(service="twofold")
metrics = Metrics(namespace="Twofold", service="twofold")
