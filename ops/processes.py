"""Processes: a command of `ops`, run in a process that has a stage's environment variables."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops.stages import PROJECT, Stage


def run_ops(
    stage: Stage,
    *arguments: str,
    environment: Mapping[str, str] = os.environ,
    region: str | None = None,
    cwd: Path = PROJECT,
    **options: Any,
) -> "subprocess.CompletedProcess[str]":
    """Runs `python -m ops --stage …` to its end, in the stage's region or another one.

    `options` are those of subprocess.run. Does not raise for a command that fails.
    """
    return subprocess.run(
        [sys.executable, "-m", "ops", "--stage", stage.name, *arguments],
        cwd=cwd,
        env={**environment, **stage.variables, **region_variables(region or stage.region)},
        text=True,
        check=False,
        **options,
    )


def region_variables(region: str | None) -> dict[str, str]:
    """The environment variables by which AWS's clients find their region."""
    return {"AWS_DEFAULT_REGION": region, "AWS_REGION": region} if region else {}
