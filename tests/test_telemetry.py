"""Metrics in CloudWatch's embedded format, as a Lambda would print them."""

import json
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import telemetry
from chalicelib.settings import settings

MOST_VALUES = 100  # Of a metric in a line: Amazon CloudWatch, embedded metric format specification.


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = replace(settings(), in_lambda=True)
    monkeypatch.setattr(telemetry, "settings", lambda: deployed)
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


@pytest.mark.usefixtures("in_lambda")
@pytest.mark.parametrize("size", [1, 96, 97, 99, 100, 250])
def test_each_event_of_a_batch_is_measured_once(
    size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [(datetime.now(UTC), str(number)) for number in range(size)]

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # The library warns of a line without metrics.
        telemetry.projected("journal", events, parked=2, retried=True)

    lines = printed(capsys)
    lags = [line.get("ProjectionLag", []) for line in lines]
    assert sum(map(len, lags)) == size
    assert max(map(len, lags)) <= MOST_VALUES
    counted = [line for line in lines if "Projected" in line]
    assert [(one["Projected"], one["Parked"], one["Redelivered"]) for one in counted] == [
        ([size], [2], [1])
    ]


@pytest.mark.usefixtures("in_lambda")
def test_a_response_is_measured_by_operation_and_as_a_failure_or_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry.answered("post_transaction", "internal_error", 500, "request")

    answers, failures = printed(capsys)
    assert (answers["operation"], answers["outcome"], answers["Answers"]) == (
        "post_transaction",
        "internal_error",
        [1],
    )
    assert failures["Failures"] == [1]
