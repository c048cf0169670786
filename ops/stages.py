"""Stages: which stages an environment has, and the settings of each.

A stage is an entry of `.chalice/config.json`, or one that an environment's file adds
(`ops/environments.py`). This module only reads them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from chalicelib import __version__
from chalicelib.settings import ACCOUNTS, JOURNAL, WRITE, Settings, read
from ops.environments import CONFIG, PROJECT, entries, events_table

__all__ = ["CONFIG", "ORDER", "PROJECT", "Stage", "all_stages", "required", "stage_named", "stages"]

ORDER = (WRITE, ACCOUNTS, JOURNAL)
"""The APIs in the order in which a new environment is brought up: the event table first."""

RUNTIME = "python3.11"
"""The Lambda runtime of a stage that names no other."""

_SECONDS, _LAMBDA_DEFAULT_SECONDS = "lambda_timeout", 60


class _Setting:
    """An optional setting of a stage: the value of a variable, or None where it is not set."""

    def __init__(self, variable: str) -> None:
        self._variable = variable

    def __get__(self, stage: "Stage", _: type["Stage"]) -> str | None:
        return stage.variables.get(self._variable) or None


@dataclass(frozen=True)
class Stage:
    """One deployable stage: the APIs it `serves`, its `variables` and Chalice entry."""

    name: str
    environment: str
    serves: tuple[str, ...]
    variables: dict[str, str]
    config: Mapping[str, Any] = field(default_factory=dict)

    region = _Setting("TWOFOLD_REGION")
    """The region it lives in, where that is not the environment's."""

    user_pool = _Setting("TWOFOLD_USER_POOL_ARN")
    """The ARN of the Cognito user pool of its callers, where it has one."""

    kinesis_stream = _Setting("TWOFOLD_KINESIS_STREAM")
    """The Kinesis stream that it writes to or that its projectors read, where it has one."""

    alarm_topic = _Setting("TWOFOLD_ALARM_TOPIC")
    """The ARN of the SNS topic that its alarms notify."""

    kms_key = _Setting("TWOFOLD_KMS_KEY")
    """The ARN of a KMS key of the account's own, for tables, queues and logs."""

    permissions_boundary = _Setting("TWOFOLD_PERMISSIONS_BOUNDARY")
    """The ARN of the policy that bounds all its roles."""

    domain = _Setting("TWOFOLD_DOMAIN")
    """The custom domain name that all stages of the environment share."""

    @property
    def stack(self) -> str:
        """The name of its CloudFormation stack, and of its API."""
        return f"twofold-{self.name}"

    @property
    def settings(self) -> Settings:
        """The settings of its processes, as this process would read them."""
        return read({**os.environ, **self.variables})

    @property
    def tags(self) -> dict[str, str]:
        """The tags of everything in it."""
        return {"app": "twofold", "environment": self.environment, "version": __version__}

    @property
    def projects(self) -> bool:
        """Whether it fills its read tables, or only reads those that another region fills."""
        return self.variables.get("TWOFOLD_PROJECTS", "1") == "1"

    @property
    def groups(self) -> list[str]:
        """The projection groups that it serves."""
        return [group for group in self.serves if group != WRITE]

    @property
    def projectors(self) -> list[str]:
        """The projector Lambdas it has."""
        return [f"project_{group}" for group in self.groups if self.projects]

    @property
    def functions(self) -> list[str]:
        """All its Lambdas, by their names in the code."""
        names = ["api_handler"]
        if self.auth == "keys":
            names.append("authorize")
        if WRITE in self.serves:
            names.append("sweep")
        watchers = [name.replace("project_", "watch_") for name in self.projectors]
        return names + self.projectors + watchers

    def timeout(self, function: str) -> int:
        """The timeout of one of its Lambdas, in seconds."""
        own = self.config.get("lambda_functions", {}).get(function, {})
        found = own.get(_SECONDS, self.config.get(_SECONDS, _LAMBDA_DEFAULT_SECONDS))
        return int(found)

    @property
    def auth(self) -> str:
        """How callers authenticate: "keys", "iam" or "cognito"."""
        return self.variables.get("TWOFOLD_AUTH", "keys")

    @property
    def replica(self) -> str:
        """The name of its further copy of the read tables; empty for the first copy."""
        return self.variables.get("TWOFOLD_REPLICA", "")

    @property
    def events_table(self) -> str:
        """The name of the event table of its environment."""
        return events_table(self.environment)

    @property
    def replicas(self) -> list[str]:
        """The other regions that hold copies of its tables, except the event table."""
        return self.variables.get("TWOFOLD_REPLICAS", "").split()

    @property
    def strong_reads(self) -> bool:
        """Whether its Read API may read the event table."""
        return self.variables.get("TWOFOLD_STRONG_READS") == "1"

    @property
    def runtime(self) -> str:
        """The Lambda runtime of all its functions, such as "python3.11"."""
        return self.variables.get("TWOFOLD_RUNTIME") or RUNTIME

    @property
    def architecture(self) -> str:
        """The processor of all its functions: "x86_64" or "arm64"."""
        return str(self.config.get("lambda_architecture", "x86_64"))

    @property
    def base_path(self) -> str:
        """Its first path segment on the custom domain: what it serves, and the replica."""
        return "-".join([*self.serves, *filter(None, [self.replica])])

    @property
    def log_retention_days(self) -> int:
        """How long its log groups keep a line."""
        return int(self.config.get("log_retention_in_days", 30))


def all_stages(config: Path = CONFIG) -> list[Stage]:
    """The deployable stages, without those for a local machine.

    Raises a click error for a wrong setting.
    """
    return [
        Stage(
            name,
            entry["environment_variables"]["TWOFOLD_ENVIRONMENT"],
            tuple(entry["environment_variables"]["TWOFOLD_SERVES"].split(",")),
            entry["environment_variables"],
            entry,
        )
        for name, entry in entries(config).items()
    ]


def stages(environment: str, config: Path = CONFIG) -> list[Stage]:
    """The stages of an environment, in the order in which a new one is brought up."""
    found = [stage for stage in all_stages(config) if stage.environment == environment]
    return sorted(found, key=lambda stage: min(ORDER.index(api) for api in stage.serves))


def required(stage: Stage | None) -> Stage:
    """The stage that a command works on. Raises a click error if none was named."""
    if stage is None:
        raise click.UsageError("name a stage first: twofold --stage write ...")
    return stage


def stage_named(name: str) -> Stage:
    """The stage of this name. Raises a click error for none."""
    found = {stage.name: stage for stage in all_stages()}
    if name not in found:
        names = ", ".join(found)
        raise click.BadParameter(f"there is no deployable stage {name}; there are: {names}")
    return found[name]
