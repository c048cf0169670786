"""The command: what a person can get wrong is one line, and each part runs as a stage."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from chalicelib.events.table import EventItem
from ops.restore import restore, runner
from ops.schema import definition
from ops.stages import PROJECT, stage_named
from tests.ops.restoring.rehearsal import client_of

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--at", "yesterday"], "yesterday is not like 2026-11-25T12:00:00Z"),
        (["--at", "2026-11-25T12:00:00+01:00"], "is not like 2026-11-25T12:00:00Z"),
        (["--at", "2026-13-25T12:00:00Z"], "2026-13-25T12:00:00Z is not like"),
        (["--environment", "nowhere", "--at", "2026-11-25T12:00:00Z"], "no environment nowhere"),
    ],
)
def test_a_mistake_is_told_in_a_line(arguments: list[str], what: str) -> None:
    result = CliRunner().invoke(restore, arguments)

    assert result.exit_code != 0
    assert what in result.output
    assert "Traceback" not in result.output


@pytest.fixture
def environment(emulator: str, tmp_path: Any) -> Iterator[dict[str, str]]:
    """A process's environment in which the emulator is AWS, with an event table of `prod`."""
    client = client_of(emulator, "dynamodb")
    made = definition(EventItem, {})
    client.create_table(**{**made, "TableName": "twofold-prod-events"})
    client.update_continuous_backups(
        TableName="twofold-prod-events",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    yield {**os.environ, "AWS_ENDPOINT_URL": emulator, "TWOFOLD_HOME": str(tmp_path)}
    for name in client.list_tables()["TableNames"]:
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        client.delete_table(TableName=name)


def test_each_part_of_the_read_side_is_done_by_a_process_that_is_its_stage(
    emulator: str, environment: dict[str, str]
) -> None:
    run = runner(environment)
    accounts, journal = stage_named("accounts"), stage_named("journal")

    for stage in (accounts, journal):
        run(stage, ["empty"])

    names = set(client_of(emulator, "dynamodb").list_tables()["TableNames"])
    assert {"twofold-prod-balances", "twofold-prod-totals", "twofold-prod-integrity"} <= names
    assert "twofold-prod-keys" not in names
    assert "events projected" in run(accounts, ["rebuild", "accounts"])
    assert json.loads(run(journal, ["audit", "--json", "--patience", "0"]))["whole"]


def test_the_command_reads_the_environments_stages_and_says_what_cannot_be(
    environment: dict[str, str],
) -> None:
    for arguments, what in (
        (["--at", "2020-01-01T00:00:00Z", "--plan"], "2020-01-01T00:00:00Z is earlier than"),
        (["--abandon"], "no restore of prod is under way"),
        ([], "say to which moment"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ops", "restore", "--environment", "prod", *arguments],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert what in done.stderr
        assert "Traceback" not in done.stderr
