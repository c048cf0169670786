"""Streams: the projectors read the stream of the restored table, which has a new ARN."""

import json
from collections.abc import Sequence
from typing import Any

import click
from botocore.exceptions import ClientError

from ops.deploying import health, kinesis
from ops.deploying.stacks import Stack, State
from ops.mappings import EVENTS_STREAM, RESTORED, feeding
from ops.restoring.cloud import Cloud
from ops.restoring.functions import mappings_of, projectors
from ops.restoring.record import Record
from ops.stages import Stage
from ops.tuning import deployed

_GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


def check(cloud: Cloud, stages: Sequence[Stage]) -> None:
    """Raises a click error for a stack whose projectors cannot be given another stream."""
    for stage in stages:
        _changeable(cloud, stage)


def feed_from(cloud: Cloud, stages: Sequence[Stage], record: Record) -> None:
    """Points every projector at the stream. Safe to repeat."""
    for stage in stages:
        stack, state = _changeable(cloud, stage)
        if state is None:
            _by_chalice(cloud, stage, record.stream)
            continue
        wanted = {EVENTS_STREAM: record.stream, RESTORED: record.id}
        changed = {
            name: value
            for name, value in wanted.items()
            if state.parameters.get(name, value) != value
        }
        if changed:
            _update(stack, state.parameters, changed)
        cloud.say(f"  {stage.stack} has {', '.join(sorted(changed)) or 'it already'}")


def feed_kinesis(cloud: Cloud, stage: Stage, record: Record) -> None:
    """Sends the table's changes to the environment's Kinesis stream again, if it has one."""
    if not stage.kinesis_stream:
        return
    dynamodb = cloud.client("dynamodb", stage.region)
    kinesis.feed(dynamodb, record.environment, stage.kinesis_stream)
    cloud.say(f"  the changes of {record.table} go to {stage.kinesis_stream}")


def _changeable(cloud: Cloud, stage: Stage) -> tuple[Stack, State | None]:
    """A stage's stack, and its state; None for a stage that `chalice deploy` brought up.

    Raises a click error for a stack that cannot be changed.
    """
    stack = _stack(cloud, stage)
    state = stack.settled()
    if state.status in (None, "DELETE_COMPLETE"):
        return stack, None
    deploy = f"run `twofold deploy --only {stage.name}`, and then the restore again"
    if state.status not in _GOOD:
        raise click.ClickException(f"{stage.stack} is in {state.status}: {deploy}")
    fed_by_stream = stage.projectors and not stage.kinesis_stream
    if fed_by_stream and EVENTS_STREAM not in state.parameters:
        raise click.ClickException(
            f"{stage.stack} has no parameter {EVENTS_STREAM}, since an earlier build deployed it: "
            f"{deploy}"
        )
    return stack, state


def _stack(cloud: Cloud, stage: Stage) -> Stack:
    return Stack(
        stage.stack,
        cloud.client("cloudformation", stage.region),
        cloud.client("dynamodb", stage.region),
        cloud.say,
    )


def address_of(cloud: Cloud, stage: Stage) -> str | None:
    """A stage's address by its stack or by Chalice's record, without a slash at its end."""
    outputs = _stack(cloud, stage).state().outputs
    if "EndpointURL" in outputs:
        return health.address(outputs)
    parts = deployed.record(stage)
    urls = [str(part["rest_api_url"]) for part in parts if "rest_api_url" in part]
    return urls[0].rstrip("/") if urls else None


def _update(stack: Stack, parameters: dict[str, str], changed: dict[str, str]) -> None:
    """Changes some parameters of a stack and nothing else, and waits for its end."""
    try:
        stack.formation.update_stack(
            StackName=stack.name,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": changed[name]}
                if name in changed
                else {"ParameterKey": name, "UsePreviousValue": True}
                for name in parameters
            ],
        )
    except ClientError as error:
        if "No updates" not in str(error):
            raise
    after = stack.settled()
    if after.status != "UPDATE_COMPLETE":
        raise click.ClickException(
            f"{stack.name} could not be changed: it is in {after.status}; its events in "
            "CloudFormation say why"
        )


def _by_chalice(cloud: Cloud, stage: Stage, stream: str) -> None:
    """Makes a new mapping and deletes the old one, since a mapping's stream cannot be changed."""
    table = stream.partition("/stream/")[0]
    client = cloud.client("lambda", stage.region)
    for _, projector, function in projectors(cloud, [stage]):
        there = mappings_of(client, function)
        ours = [each for each in there if each["EventSourceArn"].startswith(f"{table}/stream/")]
        made = [each["UUID"] for each in ours if each["EventSourceArn"] == stream]
        old = [each for each in ours if each["EventSourceArn"] != stream]
        if not made and not stage.kinesis_stream:
            failures: Any = old[0].get("DestinationConfig") if old else None
            made = [
                client.create_event_source_mapping(
                    FunctionName=function,
                    EventSourceArn=stream,
                    **({"DestinationConfig": failures} if failures else {}),
                    **feeding(projector),
                )["UUID"]
            ]
        for each in old:
            client.delete_event_source_mapping(UUID=each["UUID"])
        for uuid in made:
            _record_mapping(stage, projector, uuid, stream)
        cloud.say(f"  {function} is fed from {stream}")
    if stage.projectors and not stage.kinesis_stream:
        cloud.say(f"  for the next `chalice deploy`: TWOFOLD_STREAM_ARN={stream}")


def _record_mapping(stage: Stage, projector: str, uuid: str, stream: str) -> None:
    """Puts the mapping into Chalice's record, so that it does not look for the old one."""
    path = deployed.RECORDS / f"{stage.name}.json"
    if not path.exists():
        return
    record = json.loads(path.read_text())
    for part in record["resources"]:
        if part["resource_type"] == "dynamodb_event" and part["name"].startswith(f"{projector}-"):
            part |= {"event_uuid": uuid, "stream_arn": stream}
    path.write_text(json.dumps(record, indent=2))
