"""Provision: a stage's tables and event source mappings without CloudFormation.

For those who deploy with `chalice deploy`, which makes routes, Lambdas and roles only: `provision`
before it, `tune` after it. Both are safe to repeat.
"""

import json
from contextlib import suppress
from typing import Any

import click

from ops.aws import client
from ops.schema import definition
from ops.stages import PROJECT, Stage, required
from ops.template import feeding, tables_of


@click.command()
@click.pass_obj
def provision(stage: Stage | None) -> None:
    """Makes the tables of a stage, and says the stream's address that `chalice deploy` needs."""
    stage = required(stage)
    dynamodb = client("dynamodb")
    for model in tables_of(stage):
        name = make(dynamodb, definition(model, stage.tags))
        click.echo(f"{name}: there")
    events = dynamodb.describe_table(TableName=f"twofold-{stage.environment}-events")["Table"]
    click.echo(f"TWOFOLD_STREAM_ARN={events['LatestStreamArn']}")


def make(dynamodb: Any, parameters: dict[str, Any]) -> str:
    """Makes a table unless it is there, with point-in-time recovery; its name."""
    name = str(parameters["TableName"])
    with suppress(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(**parameters)
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    return name


@click.command()
@click.pass_obj
def tune(stage: Stage | None) -> None:
    """Gives the projectors of a stage what `chalice deploy` cannot (ops/template.py, `feeding`)."""
    stage = required(stage)
    deployed = json.loads((PROJECT / ".chalice" / "deployed" / f"{stage.name}.json").read_text())
    functions = client("lambda")
    for part in deployed["resources"]:
        if part["resource_type"] == "dynamodb_event":
            projector = part["name"].removesuffix("-dynamodb-event-source")
            wanted = feeding(projector)
            del wanted["StartingPosition"]  # Fixed when the mapping is made.
            functions.update_event_source_mapping(UUID=part["event_uuid"], **wanted)
            click.echo(f"{projector}: {', '.join(sorted(wanted))}")
