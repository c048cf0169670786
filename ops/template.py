"""Template: what a stage has besides what Chalice makes of the app.

Chalice describes routes, Lambdas and roles; `completed` adds the stage's tables, how its projectors
are fed, what API Gateway does by itself, alarms, logs and dashboard, and mends what Chalice gets
wrong. `extras` alone is what `ops tune` gives to a stage that `chalice deploy` made.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from chalicelib.events.table import EventItem
from chalicelib.http.keys import KeyItem
from chalicelib.read_models.blue_green import FIRST, BlueGreen, at_table
from chalicelib.read_models.read_model import groups
from chalicelib.settings import WRITE
from chalicelib.tables import Table
from ops import gateway
from ops.alarms import alarms
from ops.dashboard import dashboard
from ops.mappings import (
    EVENTS_STREAM,
    RESTORED,
    RESTORED_VARIABLE,
    camel,
    failure_queue,
    kinesis,
    mapping,
)
from ops.schema import PROTECTED, logical_id, resource
from ops.stages import Stage, required

TABLES: dict[str, tuple[type[Table], ...]] = {
    WRITE: (EventItem, KeyItem),
    **{group.name: group.tables for group in groups()},
}
"""The tables that belong to each API, and are made and deleted with it."""


ONLY_OF_API = {"TWOFOLD_ACCOUNTS_URL", "TWOFOLD_JOURNAL_URL", "TWOFOLD_CORS_ORIGINS"}
"""Variables that only the Lambda of the API reads; a template has no room for more of them."""


def extras(stage: Stage) -> dict[str, Any]:
    """What is merged into the template that Chalice makes of a stage."""
    tables = tables_of(stage)
    resources: dict[str, Any] = {
        "RestAPI": gateway.rest_api(stage),
        "AccessLogGroup": gateway.access_log_group(stage),
        "Dashboard": dashboard(stage, tables),
        **gateway.domain(stage),
        **alarms(stage, tables),
    }
    for model in tables:
        # Events are written in one region; a second writer could not be told from the first.
        replicas = [] if model is EventItem else stage.replicas
        resources[logical_id(model)] = resource(model, stage.tags, replicas, stage.kms_key)
    for projector in stage.projectors:
        resources[camel(projector)] = {"Properties": mapping(stage, projector)}
        resources[f"{camel(projector)}Failed"] = failure_queue(stage, projector)
    if WRITE in stage.serves and stage.kinesis_stream:
        resources["EventsKinesis"] = kinesis(stage)
        resources[logical_id(EventItem)]["Properties"]["KinesisStreamSpecification"] = {
            "StreamArn": {"Fn::GetAtt": ["EventsKinesis", "Arn"]}
        }
    return {
        "Parameters": _parameters(stage),
        "Conditions": _conditions(stage),
        "Resources": resources,
        "Outputs": gateway.domain_outputs(stage),
    }


def _parameters(stage: Stage) -> dict[str, Any]:
    """What `ops deploy` says of each deployment; the template itself is the same for all."""
    found: dict[str, Any] = {
        "CodeBucket": {"Type": "String", "Description": "The S3 bucket that has the code."},
        "CodeKey": {"Type": "String", "Description": "The code's key in that bucket."},
    }
    if tables_of(stage):
        found["DeletionProtection"] = {
            "Type": "String",
            "AllowedValues": ["on", "off"],
            "Default": "on",
            "Description": "Off while new tables are made, so that a roll-back can delete them.",
        }
    if stage.projectors and not stage.kinesis_stream:
        found[EVENTS_STREAM] = {
            "Type": "String",
            "Description": "The ARN of the event table's stream.",
        }
    if WRITE in stage.serves:
        found[RESTORED] = {
            "Type": "String",
            "Default": "never",
            "Description": "Which restore of the event table the Lambdas were started after.",
        }
    return found


def _conditions(stage: Stage) -> dict[str, Any]:
    if not tables_of(stage):
        return {}
    return {PROTECTED: {"Fn::Equals": [{"Ref": "DeletionProtection"}, "on"]}}


def completed(template: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """Chalice's template of a stage with everything else that the stage has."""
    whole = merged(template, extras(stage))
    for name, part in whole["Resources"].items():
        properties = part["Properties"]
        if part["Type"] == "AWS::Serverless::Function":
            properties["Runtime"] = stage.runtime
            properties["CodeUri"] = {"Bucket": {"Ref": "CodeBucket"}, "Key": {"Ref": "CodeKey"}}
            if WRITE in stage.serves:
                properties["Environment"]["Variables"][RESTORED_VARIABLE] = {"Ref": RESTORED}
            if name != camel("api_handler"):
                for variable in ONLY_OF_API & properties["Environment"]["Variables"].keys():
                    del properties["Environment"]["Variables"][variable]
        elif part["Type"] == "AWS::IAM::Role" and stage.permissions_boundary:
            properties["PermissionsBoundary"] = stage.permissions_boundary
        elif name.endswith("LogGroup") and stage.kms_key:
            properties["KmsKeyId"] = stage.kms_key
    # Chalice 1.34 renames this function and forgets its log group (aws/chalice#2079).
    handler_log = whole["Resources"].get("ApiHandlerLogGroup")
    if handler_log:
        handler_log["Properties"]["LogGroupName"] = {"Fn::Sub": "/aws/lambda/${APIHandler}"}
    return {name: section for name, section in whole.items() if section}


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid over it: objects are merged, anything else is replaced."""
    whole = dict(base)
    for name, value in over.items():
        before = whole.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            value = merged(before, value)
        whole[name] = value
    return whole


@contextmanager
def first_tables() -> Iterator[None]:
    """Names inside the block are those of the tables that a stage is made with.

    A blue-green rebuild may have put second tables in their place, under other names.
    """
    with ExitStack() as pins:
        for model in (table for group in groups() for table in group.tables):
            if isinstance(model.Meta, BlueGreen):
                pins.enter_context(at_table(model.short_name(), FIRST))
        yield


def tables_of(stage: Stage) -> list[type[Table]]:
    """The tables that a stage makes: a stage that does not project reads another region's."""
    return [model for api in stage.serves for model in TABLES[api]] if stage.projects else []


@click.command(hidden=True)
@click.argument("out", type=click.Path(path_type=Path))
@click.pass_obj
def template(stage: Stage | None, out: Path) -> None:
    """Writes a stage's `OUT/template.json`; `package` runs this in a copy of the project."""
    from chalice.cli import cli as chalice  # Takes a second, and nothing else here needs it.

    stage = required(stage)
    words = ["package", "--stage", stage.name, "--template-format", "json", str(out)]
    chalice.main(words, obj={}, standalone_mode=False)
    with first_tables():
        whole = completed(json.loads((out / "sam.json").read_text()), stage)
    api = whole["Resources"]["RestAPI"]["Properties"]
    api["DefinitionBody"] = gateway.without_surplus(api["DefinitionBody"])
    # Without white space it is smaller: CloudFormation limits the size of a template.
    (out / "template.json").write_text(json.dumps(whole, separators=(",", ":"), sort_keys=True))
