"""Functions: the Lambdas of a stage, stopped, restarted in new processes, and opened again.

Lambda does not invoke a function whose reserved concurrency is 0 (Lambda Developer Guide,
"Configuring reserved concurrency"). A changed environment variable makes it start new processes, so
that nothing cached by an earlier process outlives a restore.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import click

from chalicelib.settings import WRITE
from ops.aws import every, none_on
from ops.mappings import RESTORED_VARIABLE, camel
from ops.restoring.cloud import Cloud
from ops.restoring.record import Record
from ops.stages import Stage
from ops.tuning.deployed import function_name

MARGIN = timedelta(seconds=5)
"""Added to the longest timeout, after which all invocations have ended."""

DRAINED_MINUTES = 5
"""Minutes without an invocation after which a projector has read its whole stream, since Lambda
retries a failed batch at once."""


def functions_of(cloud: Cloud, stage: Stage) -> dict[str, str]:
    """The names of a stage's Lambdas in AWS, by their names in the code.

    Those of the stage's stack, or without a stack those that `chalice deploy` made.
    """
    names = {camel(name): name for name in stage.functions}
    formation = cloud.client("cloudformation", stage.region)
    listed = every(formation.list_stack_resources, "StackResourceSummaries", StackName=stage.stack)
    resources = none_on("ValidationError", lambda: list(listed)) or []  # None: no such stack.
    found = {
        names.get(part["LogicalResourceId"], part["LogicalResourceId"]): part["PhysicalResourceId"]
        for part in resources
        if part["ResourceType"] == "AWS::Lambda::Function"
        and part.get("PhysicalResourceId")
        and part["ResourceStatus"] != "DELETE_COMPLETE"
    }
    if found:
        return found
    read = cloud.client("lambda", stage.region).get_function_configuration
    deployed = {name: function_name(stage, name) for name in stage.functions}
    return {
        name: function
        for name, function in deployed.items()
        if none_on("ResourceNotFoundException", read, FunctionName=function)
    }


def check(cloud: Cloud, stages: Sequence[Stage]) -> None:
    """Raises a click error for a stage whose writers or projectors cannot be found."""
    list(projectors(cloud, stages))
    for stage in stages:
        if WRITE in stage.serves and not functions_of(cloud, stage):
            raise click.ClickException(
                f"stage {stage.name} has no functions: there is neither a stack {stage.stack} nor "
                "what `chalice deploy` makes. Deploy it first, so that its writers can be stopped"
            )


def stop(cloud: Cloud, stages: Sequence[Stage], record: Record) -> None:
    """Stops every function of the stages that write, and ends its processes. Safe to repeat."""
    for stage in stages:
        if WRITE not in stage.serves:
            continue
        client = cloud.client("lambda", stage.region)
        for name in functions_of(cloud, stage).values():
            if name not in record.functions:
                before = client.get_function_concurrency(FunctionName=name)
                configuration = client.get_function_configuration(FunctionName=name)
                record.functions[name] = {
                    "region": stage.region,
                    "reserved": before.get("ReservedConcurrentExecutions"),
                    "timeout": configuration["Timeout"],
                }
                record.save()  # Before it is changed: afterwards nothing shows what it was.
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
            cloud.say(f"  {name} is stopped")
    stopped = record.saw("stopped", cloud.now())
    for name, function in record.functions.items():
        begin_anew(cloud, cloud.client("lambda", function["region"]), name, record.id)
    longest = max((function["timeout"] for function in record.functions.values()), default=0)
    cloud.wait_until(
        stopped + timedelta(seconds=longest) + MARGIN, "until what was running must have ended"
    )


def begin_anew(cloud: Cloud, client: Any, function: str, id: str) -> None:
    """Makes Lambda run a function in new processes from now on."""

    def settled() -> dict[str, Any] | None:
        found = client.get_function_configuration(FunctionName=function)
        return None if found.get("LastUpdateStatus") == "InProgress" else dict(found)

    configuration = cloud.until(settled, function)
    variables = configuration.get("Environment", {}).get("Variables", {})
    if variables.get(RESTORED_VARIABLE) == id:
        return
    client.update_function_configuration(
        FunctionName=function, Environment={"Variables": {**variables, RESTORED_VARIABLE: id}}
    )
    after = cloud.until(settled, function)
    if after.get("LastUpdateStatus") == "Failed":
        reason = after.get("LastUpdateStatusReason", "no reason given")
        raise click.ClickException(f"{function} could not be changed: {reason}")


def open_again(cloud: Cloud, record: Record) -> None:
    """Gives every function that was stopped the concurrency that it had. Safe to repeat."""
    for name, function in record.functions.items():
        client, reserved = cloud.client("lambda", function["region"]), function["reserved"]
        if reserved:
            client.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved
            )
            cloud.say(f"  {name} is open, with {reserved} concurrent executions reserved as before")
            continue
        client.delete_function_concurrency(FunctionName=name)
        was = " (it was stopped before the restore began)" if reserved == 0 else ""
        cloud.say(f"  {name} is open{was}")


def projectors(cloud: Cloud, stages: Sequence[Stage]) -> Iterator[tuple[Stage, str, str]]:
    """Each projector: its stage, and its names in the code and in AWS."""
    for stage in stages:
        found = functions_of(cloud, stage) if stage.projectors else {}
        for projector in stage.projectors:
            if projector not in found:
                raise click.ClickException(
                    f"stage {stage.name} has no function {projector}: deploy it first"
                )
            yield stage, projector, found[projector]


def pause(cloud: Cloud, stages: Sequence[Stage], record: Record, *, kinesis: bool) -> None:
    """Switches the projectors' event source mappings off. Safe to repeat.

    A mapping of a Kinesis stream continues at the stream's end when it is switched on again. So it
    is switched off only after the projector has read everything from before the restore.
    """
    for stage, _, function in projectors(cloud, stages):
        if kinesis != bool(stage.kinesis_stream):
            continue
        client = cloud.client("lambda", stage.region)
        if kinesis:
            _wait_until_drained(cloud, stage, function)
        for mapping in mappings_of(client, function):
            uuid = mapping["UUID"]
            if uuid not in record.mappings:
                record.mappings[uuid] = {
                    "region": stage.region,
                    "function": function,
                    "enabled": mapping["State"] not in ("Disabled", "Disabling"),
                }
                record.save()
            if mapping["State"] != "Disabled":
                client.update_event_source_mapping(UUID=uuid, Enabled=False)

            def is_off(uuid: str = uuid, client: Any = client) -> bool | None:
                state = client.get_event_source_mapping(UUID=uuid)["State"]
                return True if state == "Disabled" else None

            cloud.until(is_off, f"the event source of {function}")
            cloud.say(f"  {function} is not fed")
        begin_anew(cloud, client, function, record.id)  # It caches days that are undone.


def feed_again(cloud: Cloud, record: Record) -> None:
    """Switches on the mappings that were on before and still exist. Safe to repeat."""
    for uuid, mapping in record.mappings.items():
        client = cloud.client("lambda", mapping["region"])
        there = [each["UUID"] for each in mappings_of(client, mapping["function"])]
        if mapping["enabled"] and uuid in there:
            client.update_event_source_mapping(UUID=uuid, Enabled=True)
            cloud.say(f"  {mapping['function']} is fed")


def mappings_of(client: Any, function: str) -> list[dict[str, Any]]:
    """A function's event source mappings."""
    pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=function)
    return [mapping for page in pages for mapping in page["EventSourceMappings"]]


def _wait_until_drained(cloud: Cloud, stage: Stage, function: str) -> None:
    metrics = cloud.client("cloudwatch", stage.region)

    def is_drained() -> bool | None:
        now = cloud.now()
        found = metrics.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=now - timedelta(minutes=DRAINED_MINUTES),
            EndTime=now,
            Period=60,
            Statistics=["Sum"],
        )
        return None if sum(point["Sum"] for point in found["Datapoints"]) else True

    cloud.until(is_drained, f"{function} to have read its Kinesis stream")
