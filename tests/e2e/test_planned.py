"""What a plain `chalice deploy` would do for a stage, by Chalice's own plan."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stages import stage_named
from tests import engines
from tests.e2e.cloud import ACCESS, Cloud, cloud

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/twofold-prod-events/stream/2026"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An account in which nothing is deployed."""
    with cloud(tmp_path_factory.mktemp("empty")) as made:
        yield made


def plan(empty: Cloud, stage: str) -> str:
    """The calls that Chalice would make."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("chalice")), "dev", "plan", "--stage", stage],
        cwd=engines.ROOT,
        env={
            **os.environ,
            **ACCESS,
            "AWS_ENDPOINT_URL": empty.endpoint,
            "TWOFOLD_STREAM_ARN": STREAM,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("stage", ["write", "accounts", "journal"])
def test_chalice_would_make_the_lambdas_of_the_stage_and_no_others(
    empty: Cloud, stage: str
) -> None:
    planned = plan(empty, stage)

    functions = {"api_handler", "authorize", *stage_named(stage).projectors}
    for function in ("api_handler", "authorize", "project_accounts", "project_journal"):
        made = f"twofold-{stage}-{function}_role_arn" in planned
        assert made == (function in functions), function
    assert "import_rest_api" in planned
    assert ("create_lambda_event_source" in planned) == (stage != "write")
    if stage != "write":
        assert "TRIM_HORIZON" in planned
        assert STREAM in planned
