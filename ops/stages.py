"""Stages: which stages `.chalice/config.json` has, and what belongs to each.

A stage is a config entry: its environment, what it serves, and how its projectors read. This module
only reads it; a second environment or another replica needs no line of code.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import click

from chalicelib import __version__
from chalicelib.settings import ACCOUNTS, JOURNAL, WRITE

PROJECT = Path(__file__).resolve().parents[1]
CONFIG = PROJECT / ".chalice" / "config.json"

ORDER = (WRITE, ACCOUNTS, JOURNAL)
"""Halves in the order in which they are brought up: the event table first."""


@dataclass(frozen=True)
class Stage:
    """One entry of the config."""

    name: str
    environment: str
    serves: tuple[str, ...]
    variables: dict[str, str]

    @property
    def stack(self) -> str:
        """The name of its CloudFormation stack."""
        return f"twofold-{self.name}"

    @property
    def tags(self) -> dict[str, str]:
        """The tags of everything in it."""
        return {"app": "twofold", "environment": self.environment, "version": __version__}

    @property
    def projects(self) -> bool:
        """Whether it fills its read tables, or only reads those that another region fills."""
        return self.variables.get("TWOFOLD_PROJECTS", "1") == "1"

    @property
    def projectors(self) -> list[str]:
        """The projector Lambdas it has."""
        return [f"project_{half}" for half in self.serves if half != WRITE and self.projects]

    @property
    def region(self) -> str | None:
        """The region it lives in, where that is not the environment's."""
        return self.variables.get("TWOFOLD_REGION")

    @property
    def replica(self) -> str:
        """Which further copy of the read tables it has; empty for the first."""
        return self.variables.get("TWOFOLD_REPLICA", "")

    @property
    def kinesis_stream(self) -> str | None:
        """The Kinesis stream that it feeds or is fed from, where there is one."""
        return self.variables.get("TWOFOLD_KINESIS_STREAM")

    @property
    def replicas(self) -> list[str]:
        """The other regions that hold copies of its tables, but for the event table."""
        return self.variables.get("TWOFOLD_REPLICAS", "").split()


def all_stages(config: Path = CONFIG) -> list[Stage]:
    """The deployable stages: all but those that run embedded on a laptop."""
    found = []
    for name, entry in json.loads(config.read_text())["stages"].items():
        variables = entry["environment_variables"]
        if "TWOFOLD_EMBEDDED" not in variables:
            serves = tuple(variables["TWOFOLD_SERVES"].split(","))
            found.append(Stage(name, variables["TWOFOLD_ENVIRONMENT"], serves, variables))
    return found


def stages(environment: str, config: Path = CONFIG) -> list[Stage]:
    """The stages of an environment, in the order in which they are brought up."""
    found = [stage for stage in all_stages(config) if stage.environment == environment]
    return sorted(found, key=lambda stage: min(ORDER.index(half) for half in stage.serves))


def required(stage: Stage | None) -> Stage:
    """The stage that a command works on. Raises a click error if none was named."""
    if stage is None:
        raise click.UsageError("name a stage first: python -m ops --stage write ...")
    return stage


def stage_named(name: str) -> Stage:
    """The stage of this name. Raises a click error for none."""
    for stage in all_stages():
        if stage.name == name:
            return stage
    raise click.BadParameter(f".chalice/config.json has no deployable stage {name}")
