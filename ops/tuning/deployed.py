"""Deployed: what `chalice deploy` made of a stage, as Chalice recorded it."""

import json
import sys
from dataclasses import dataclass, field
from typing import Any

import click

from ops.aws import home_region
from ops.mappings import camel
from ops.stages import CONFIG, PROJECT, Stage

RECORDS = PROJECT / ".chalice" / "deployed"


@dataclass(frozen=True)
class Deployed:
    """A deployed stage: its account and region, and the ids of its resources.

    `api`, `url`, `roles` (a role's name by its function's) and `mappings` (an event source
    mapping's id by its function's name) are empty for a stage that is not deployed.
    """

    account: str
    region: str
    partition: str
    api: str = ""
    url: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    mappings: dict[str, str] = field(default_factory=dict)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def function_name(stage: Stage, function: str) -> str:
    """The name that Chalice gives to a Lambda, by its name in the code."""
    return stage.stack if function == "api_handler" else f"{stage.stack}-{function}"


def record(stage: Stage) -> list[dict[str, Any]]:
    """What Chalice recorded of its last deployment of a stage; empty if there is none."""
    path = RECORDS / f"{stage.name}.json"
    return list(json.loads(path.read_text())["resources"]) if path.exists() else []


def deployed(stage: Stage, identity: dict[str, Any], region: str) -> Deployed:
    """A stage as Chalice recorded it, for an account as `sts:GetCallerIdentity` says it.

    Raises a click error if it was not deployed, or not as it is now.
    """
    parts = record(stage)
    if not parts:
        raise click.ClickException(
            f"{stage.name} is not deployed: run `chalice deploy --stage {stage.name}` first"
        )
    by_name = {str(part["name"]): part for part in parts}
    missing = [name for name in stage.functions if name not in by_name]
    if missing:
        raise click.ClickException(
            f"{stage.name} was deployed without {', '.join(missing)}: "
            f"run `chalice deploy --stage {stage.name}` again"
        )
    arn = str(by_name["api_handler"]["lambda_arn"])
    _, partition, _, there, account, *_ = arn.split(":")
    if (account, there) != (identity["Account"], region):
        raise click.ClickException(
            f"{stage.name} was deployed to {account} in {there}, "
            f"and these credentials are of {identity['Account']} in {region}"
        )
    return Deployed(
        account=account,
        region=region,
        partition=partition,
        api=str(by_name["rest_api"]["rest_api_id"]),
        url=str(by_name["rest_api"]["rest_api_url"]).rstrip("/"),
        roles={name: str(by_name[f"{name}_role"]["role_name"]) for name in stage.functions},
        mappings={
            name: str(part["event_uuid"])
            for name in stage.projectors
            for part in parts
            if "event_uuid" in part and str(part["name"]).startswith(f"{name}-")
        },
    )


def skeleton(stage: Stage) -> dict[str, Any]:
    """The resources of a stage that Chalice makes and a template adds properties to."""
    resources: dict[str, Any] = {"RestAPI": {"Type": "AWS::Serverless::Api", "Properties": {}}}
    for function in stage.functions:
        resources[camel(function)] = {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Environment": {"Variables": {}}},
        }
        resources[f"{camel(function)}Role"] = {"Type": "AWS::IAM::Role", "Properties": {}}
        name = "ApiHandler" if function == "api_handler" else camel(function)
        resources[f"{name}LogGroup"] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": f"/aws/lambda/{function_name(stage, function)}",
                "RetentionInDays": stage.log_retention_days,
            },
        }
    return {"Resources": resources}


def check_limits(stage: Stage) -> None:
    """Raises a click error for a stage that `chalice deploy` cannot make, or not from here."""
    running = f"python{sys.version_info.major}.{sys.version_info.minor}"
    instead = f"use `twofold deploy --environment {stage.environment}`"
    if running != stage.runtime:
        raise click.ClickException(
            f"{stage.name} runs on {stage.runtime} and this is {running}, which Chalice would take "
            f"instead: make .venv with {stage.runtime}, or {instead}"
        )
    if stage.replicas:
        raise click.ClickException(
            f"{stage.name} has copies of its tables in other regions, which Chalice cannot make: "
            f"{instead}"
        )
    if stage.region and stage.region != home_region():
        raise click.ClickException(
            f"{stage.name} lives in {stage.region}: set AWS_DEFAULT_REGION={stage.region}"
        )
    if json.loads(CONFIG.read_text())["stages"].get(stage.name) != stage.config:
        raise click.ClickException(
            f"environments/{stage.environment}.json describes {stage.name}, and Chalice reads "
            f".chalice/config.json alone: {instead}"
        )
