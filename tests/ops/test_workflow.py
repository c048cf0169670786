"""The workflow that the documents show: judged by GitHub's schema and by zizmor, and runnable."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from ops.__main__ import ops
from ops.stages import PROJECT

PATH = PROJECT / "docs" / "examples" / "github-workflow.yml"
WORKFLOW: dict[str, Any] = yaml.safe_load(PATH.read_text())
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
RUNS = [line for step in STEPS if "run" in step for line in step["run"].splitlines()]
TOOLS = Path(sys.executable).parent


def judged(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command], capture_output=True, text=True, check=False)


def against_the_schema(path: Path) -> subprocess.CompletedProcess[str]:
    """By the schema that the tool brings, without a network."""
    words = ["-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    return judged(sys.executable, *words)


def for_safety(path: Path) -> subprocess.CompletedProcess[str]:
    words = ["--offline", "--no-config", "--no-progress", "--pedantic", str(path)]
    return judged(str(TOOLS / "zizmor"), *words)


@pytest.mark.parametrize("judge", [against_the_schema, for_safety])
def test_a_judge_finds_nothing(judge: Any) -> None:
    done = judge(PATH)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("judge", "right", "wrong"),
    [
        (against_the_schema, "timeout-minutes: 30", "timeout: 30"),
        (for_safety, "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7"),
        (for_safety, "permissions: {}", "permissions: write-all"),
    ],
)
def test_a_judge_would_find_what_is_wrong(
    judge: Any, right: str, wrong: str, tmp_path: Path
) -> None:
    broken = tmp_path / "workflow.yml"
    assert right in PATH.read_text()
    broken.write_text(PATH.read_text().replace(right, wrong))
    assert judge(broken).returncode != 0


def test_every_action_is_pinned_by_its_commit_with_the_release_beside_it() -> None:
    used = re.findall(r"uses: (\S+)(.*)", PATH.read_text())
    assert len(used) == sum("uses" in step for step in STEPS)
    for action, comment in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


def test_no_job_has_a_key_and_only_those_that_ask_aws_get_a_token() -> None:
    assert "secrets." not in PATH.read_text()
    for name, job in JOBS.items():
        wanted = {"contents": "read"}
        if name in ("plan", "deploy"):
            wanted["id-token"] = "write"
        assert job["permissions"] == wanted, name
        assert job["timeout-minutes"] <= 120


def test_a_tag_is_deployed_once_it_is_tested_and_approved_and_one_at_a_time() -> None:
    deploy = JOBS["deploy"]
    assert set(deploy["needs"]) == {"test", "package"}
    assert deploy["environment"] == "prod"
    assert "refs/tags/v" in deploy["if"]
    assert deploy["concurrency"] == {"group": "deploy-prod", "cancel-in-progress": False}
    assert "deploy" not in JOBS["plan"]["if"]
    assert "pull_request" in JOBS["plan"]["if"]


def test_there_is_something_to_run_in_every_job() -> None:
    for name, job in JOBS.items():
        assert any("run" in step for step in job["steps"]), name


@pytest.mark.parametrize("line", sorted(set(RUNS)))
def test_every_command_exists(line: str) -> None:
    program, *words = shlex.split(line)
    match program:
        case "make":
            target, *variables = words
            makefile = (PROJECT / "Makefile").read_text()
            assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)
            for variable in variables:
                assert re.search(rf"^{variable.split('=')[0]} \?=", makefile, re.MULTILINE)
        case ".venv/bin/python":
            assert words[:2] == ["-m", "ops"]
            shows_its_help(words[2:])
        case _:
            assert program == ".venv/bin/cfn-lint"
            assert (TOOLS / "cfn-lint").is_file()
            text = judged(str(TOOLS / "cfn-lint"), "--help").stdout
            for word in words:
                assert not word.startswith("--") or word in text


def shows_its_help(words: list[str]) -> None:
    """Parses the whole command, with `--help` behind it so that nothing is done."""
    name = words[0]
    command = ops.get_command(click.Context(ops), name)
    assert command is not None
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
    done = CliRunner().invoke(ops, [*words, "--help"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"Usage: ops {name}")
