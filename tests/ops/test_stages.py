"""Stages are config entries: another environment or replica is one more, and no code."""

import json
from pathlib import Path

import pytest

from ops.stages import CONFIG, stages


def _with(tmp_path: Path, **entries: tuple[str, str]) -> Path:
    """The project's config with more stages: an environment and what it serves."""
    config = json.loads(CONFIG.read_text())
    for name, (environment, serves) in entries.items():
        variables = {"TWOFOLD_ENVIRONMENT": environment, "TWOFOLD_SERVES": serves}
        config["stages"][name] = {"environment_variables": variables}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return path


def test_production_is_three_stages_with_the_event_table_first() -> None:
    found = stages("prod")
    assert [stage.name for stage in found] == ["write", "accounts", "journal"]
    assert [stage.serves for stage in found] == [("write",), ("accounts",), ("journal",)]
    assert [stage.projectors for stage in found] == [[], ["project_accounts"], ["project_journal"]]


def test_another_environment_is_a_few_more_entries(tmp_path: Path) -> None:
    config = _with(
        tmp_path,
        stagingreads=("staging", "accounts,journal"),
        stagingwrite=("staging", "write"),
    )
    assert [stage.name for stage in stages("staging", config)] == ["stagingwrite", "stagingreads"]
    assert [stage.name for stage in stages("prod", config)] == ["write", "accounts", "journal"]


@pytest.mark.parametrize("environment", ["dev", "nowhere"])
def test_what_runs_on_a_laptop_is_not_deployed(environment: str) -> None:
    assert stages(environment) == []
