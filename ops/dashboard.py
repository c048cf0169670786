"""Dashboard: one CloudWatch page per stage with requests, latencies, Lambdas, tables and lags."""

import json
from collections.abc import Sequence
from typing import Any

from chalicelib.tables import Table
from chalicelib.telemetry import NAMESPACE
from ops.gateway import API_STAGE
from ops.mappings import camel
from ops.stages import Stage

_COLUMNS, _WIDTH, _HEIGHT = 2, 12, 6

Metric = list[Any]


def dashboard(stage: Stage, tables: Sequence[type[Table]]) -> dict[str, Any]:
    """The dashboard of a stage as a CloudFormation resource."""
    body = {
        "widgets": [
            _widget(number, title, metrics)
            for number, (title, metrics) in enumerate(_charts(stage, tables))
        ]
    }
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        # Function names are given by CloudFormation: `${APIHandler}` and the like.
        "Properties": {
            "DashboardName": stage.stack,
            "DashboardBody": {"Fn::Sub": json.dumps(body, separators=(",", ":"))},
        },
    }


def _charts(stage: Stage, tables: Sequence[type[Table]]) -> list[tuple[str, list[Metric]]]:
    api = ["ApiName", stage.stack, "Stage", API_STAGE]
    functions = [f"${{{camel(name)}}}" for name in stage.functions]
    names = [str(model.Meta.table_name) for model in tables]
    environment = "-".join(filter(None, (stage.environment, stage.replica)))
    charts: list[tuple[str, list[Metric]]] = [
        (
            "Requests and refusals",
            [
                ["AWS/ApiGateway", name, *api, {"stat": "Sum"}]
                for name in ("Count", "4XXError", "5XXError")
            ],
        ),
        (
            "Latency of answers, milliseconds",
            [["AWS/ApiGateway", "Latency", *api, {"stat": stat}] for stat in ("p50", "p99")],
        ),
        ("Lambda errors", [_of_lambda("Errors", name, "Sum") for name in functions]),
        ("Lambda throttles", [_of_lambda("Throttles", name, "Sum") for name in functions]),
        (
            "Lambda duration, milliseconds, 99th percentile",
            [_of_lambda("Duration", name, "p99") for name in functions],
        ),
    ]
    capacity = [
        ["AWS/DynamoDB", f"Consumed{kind}CapacityUnits", "TableName", name]
        for name in names
        for kind in ("Read", "Write")
    ]
    if capacity:
        charts.append(("Capacity units consumed", capacity))
    for group in stage.groups if stage.projects else ():
        own = ["environment", environment, "stack", group]
        lag = [[NAMESPACE, "ProjectionLag", *own, {"stat": stat}] for stat in ("p50", "p99")]
        counts = [[NAMESPACE, name, *own, {"stat": "Sum"}] for name in ("Projected", "Parked")]
        charts += [
            (f"Projection lag of {group}, milliseconds", lag),
            (f"Events projected into {group}, and parked", counts),
        ]
    return charts


def _of_lambda(metric: str, function: str, stat: str) -> Metric:
    return ["AWS/Lambda", metric, "FunctionName", function, {"stat": stat}]


def _widget(number: int, title: str, metrics: list[Metric]) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": _WIDTH * (number % _COLUMNS),
        "y": _HEIGHT * (number // _COLUMNS),
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {
            "title": title,
            "metrics": metrics,
            "region": "${AWS::Region}",
            "period": 60,
            "stat": "Sum",
            "view": "timeSeries",
        },
    }
