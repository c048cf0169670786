"""docs/operating.md, command by command, on the tables of an engine."""

import json
import os
import re
import shlex
from unittest.mock import patch

import click
import pytest
from click.testing import Result

from chalicelib.settings import read_again
from ops.stages import PROJECT
from tests.ops.cli.calls import run
from tests.ops.cli.conftest import PLACE
from tests.pages import ON_AWS, commands_elsewhere, commands_of

pytestmark = pytest.mark.usefixtures("own_home")

PAGE = (PROJECT / "docs" / "operating.md").read_text()
COMMANDS = commands_of(PAGE)
TIME = "2026-11-26T01:00:00.000000Z"
"""The time of a stored checkpoint, on the page."""


def in_its_own_environment(command: str) -> Result:
    """Runs a command of the page, whose variables end with it."""
    with patch.dict(os.environ):
        result = run(shlex.split(command, comments=True)[1:])
    read_again()
    return result


@pytest.mark.usefixtures("production")
def test_every_command_of_the_page_does_what_the_page_says() -> None:
    printed: dict[str, str] = {}
    for command in COMMANDS:
        if command.endswith(ON_AWS):
            continue
        wanted = command.replace(TIME, newest_checkpoint(printed)) if TIME in command else command
        result = in_its_own_environment(wanted)
        assert result.exit_code == 0, f"{wanted}\n{result.output}"
        printed.setdefault(command.partition("  #")[0].strip(), result.stdout)
        if "--json" in command:
            assert json.loads(result.stdout), command

    assert printed["twofold --local dead-letters list"] == "0 dead letters\n"
    assert PLACE in printed["twofold --stage accounts dead-letters list"]
    shown = printed[f"twofold --stage accounts dead-letters show accounts '{PLACE}'"]
    assert "no such column" in shown
    assert "EntryPosted" in shown
    driven = printed["twofold --stage accounts redrive accounts"]
    assert driven == "1 projected, 0 still dead letters\n"
    assert "whole: nothing is wrong" in printed["twofold --stage journal audit"]
    assert "nothing is wrong in what is new" in printed["twofold --stage journal audit --since"]


def newest_checkpoint(printed: dict[str, str]) -> str:
    """The time of the checkpoint that the last audit left."""
    return str(re.findall(r"checkpoint of (\S+),", printed["twofold --stage journal audit"])[-1])


def test_commands_for_aws_alone_are_accepted_by_the_command_line() -> None:
    marked = [command for command in COMMANDS if command.endswith(ON_AWS)]

    assert marked
    with patch.object(click.Command, "invoke", lambda *_: None):  # Parses, and runs nothing.
        for command in marked:
            result = in_its_own_environment(command)
            assert result.exit_code == 0, f"{command}\n{result.output}"
        assert in_its_own_environment(f"{marked[0].partition('#')[0]} --nonsense").exit_code == 2


def test_the_page_shows_no_command_in_another_kind_of_block() -> None:
    assert len(COMMANDS) > 10
    assert all(command.startswith("twofold ") for command in COMMANDS)
    assert not commands_elsewhere(PAGE)
