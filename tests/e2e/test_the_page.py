"""docs/deploying.md, command by command: every `console` block is run as it stands, in its order.

On an emulated AWS with IAM enforced. What the emulator gets wrong is tested on a model instead
(`tests/ops/deploying`): its CloudFormation deletes protected tables when it rolls back, and adopts
no global tables.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.stages import PROJECT
from tests.e2e.cloud import Cloud, cloud
from tests.e2e.test_deployed import eventually
from tests.pages import commands_elsewhere, commands_of

PAGE = (PROJECT / "docs" / "deploying.md").read_text()
COMMANDS = commands_of(PAGE)
BOOKS = ["twofold-prod-events", "twofold-prod-keys"]


class Reader:
    """Somebody who follows the page: what was run, what it printed, and what the shell knows."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.variables: dict[str, str] = {}
        self.printed: list[tuple[str, str]] = []

    def run(self, command: str) -> str:
        """Runs a command as it stands on the page. Fails where it fails."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=PROJECT,
            env={**os.environ, **self.cloud.environment, **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        self.printed.append((command, done.stdout))
        self._note(command, done.stdout)
        return done.stdout

    def _note(self, command: str, printed: str) -> None:
        """Keeps what the page tells its reader to keep: the key and the addresses."""
        key = re.search(r"tf_[A-Za-z0-9_-]{43}", printed)
        if key:
            self.variables["KEY"] = key.group()
        for name, address in re.findall(r"^  (\w+) +(http\S+)$", printed, re.MULTILINE):
            self.variables[name.upper()] = address
        if "twofold package" in command:
            self.variables["AT"] = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"

    def tables(self) -> list[str]:
        """The tables that there are."""
        return sorted(self.cloud.client("dynamodb").list_tables()["TableNames"])

    def read(self, stage: str, path: str) -> Any:
        """What a Read API answers."""
        url = f"{self.variables[stage.upper()]}/ledgers/acme/{path}"
        status, body = eventually(self.cloud, url, self.variables["KEY"])
        assert status == 200, body
        return body


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody with an empty account."""
    with cloud(tmp_path_factory.mktemp("cloud")) as made:
        yield Reader(made)


def test_every_command_of_the_page_does_what_the_page_says(reader: Reader, tmp_path: Path) -> None:
    deploys = destroys = 0
    for command in COMMANDS:
        before = reader.tables()
        printed = reader.run(command.replace("--out build", f"--out {tmp_path}"))
        if "plan" in command:
            assert reader.tables() == before, command
        elif command.startswith("make deploy"):
            deploys += 1
            assert "prod is up" in printed
            if destroys:
                adopts_the_books(reader, printed)
        elif command.startswith("make destroy"):
            destroys += 1
            kept = [] if "delete-the-books" in command else BOOKS
            assert reader.tables() == kept
            assert reader.cloud.client("lambda").list_functions()["Functions"] == []
        elif "/transactions" in command:
            assert json.loads(printed)["entries"][1]["balance_after"] == "1000"
        elif "accounts/alice" in command:
            assert until_projected(reader, command, printed)["posted"] == "1000"
        elif "twofold package" in command:
            packaged_is_what_is_deployed(reader, tmp_path)
    assert (deploys, destroys) == (2, 2)


def until_projected(reader: Reader, command: str, printed: str) -> Any:
    """What a read prints once it does not say that the projection is behind."""
    deadline = time.monotonic() + 30
    while "projection_behind" in printed and time.monotonic() < deadline:
        printed = reader.run(command)
    return json.loads(printed)


def adopts_the_books(reader: Reader, printed: str) -> None:
    """After a deploy that followed a destroy: the books are back, and so is all that is read."""
    assert "adopted the table twofold-prod-events with all that is in it" in printed
    assert "accounts: rebuilding accounts from the events" in printed
    assert "journal: rebuilding journal from the events" in printed
    assert reader.read("accounts", "accounts/alice")["posted"] == "1000"
    assert reader.read("journal", "transactions/order-77")["state"] == "posted"
    described = reader.cloud.client("dynamodb").describe_table
    for table in reader.tables():
        assert described(TableName=table)["Table"]["DeletionProtectionEnabled"], table
    planned = json.loads(reader.cloud.ops("deploy", "--plan", "--json"))
    assert [each["stage"] for each in planned] == ["accounts", "journal", "write"]
    kinds = ("added", "adopted", "changed", "replaced", "removed")
    assert not [each[kind] for each in planned for kind in kinds if each[kind]]


def packaged_is_what_is_deployed(reader: Reader, folder: Path) -> None:
    """The files that were written are those that the stacks have."""
    formation = reader.cloud.client("cloudformation")
    for stage in ("write", "accounts", "journal"):
        sent = formation.get_template(StackName=f"twofold-{stage}", TemplateStage="Original")
        body = sent["TemplateBody"]
        deployed = json.loads(body) if isinstance(body, str) else body
        assert deployed == json.loads((folder / stage / "template.json").read_text())
        assert (folder / stage / "code.zip").is_file()


def test_the_page_shows_no_command_in_another_kind_of_block() -> None:
    assert COMMANDS
    assert not commands_elsewhere(PAGE)
