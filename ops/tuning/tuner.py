"""Tuner: applies the parts of a template that Chalice does not make, or removes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from ops.mappings import EVENTS_STREAM, camel
from ops.template import completed, first_tables
from ops.tuning import api, feeding, monitoring
from ops.tuning.deployed import function_name, skeleton
from ops.tuning.handling import Handler, Properties, Target
from ops.tuning.resolving import Resolver, Unknown

HANDLERS: dict[str, Handler] = {
    # In the order in which they are applied; they are removed in reverse order.
    "AWS::Logs::LogGroup": monitoring.LOG_GROUP,
    "AWS::SQS::Queue": feeding.QUEUE,
    "AWS::Kinesis::Stream": feeding.KINESIS,
    "AWS::DynamoDB::Table": feeding.TABLE,
    "AWS::IAM::Role": feeding.ROLE,
    "AWS::Serverless::Function": feeding.FUNCTION,
    "AWS::Serverless::Api": api.API,
    "AWS::ApiGateway::DomainName": api.DOMAIN,
    "AWS::ApiGateway::BasePathMapping": api.MAPPING,
    "AWS::CloudWatch::Alarm": monitoring.ALARM,
    "AWS::CloudWatch::Dashboard": monitoring.DASHBOARD,
}
"""The handler of each type of resource."""

_OF_DEPLOY = ("CodeUri",)
"""Properties that only `ops deploy` can resolve: the location of the code."""


@dataclass(frozen=True)
class Step:
    """One resource to apply or to remove."""

    name: str
    kind: str
    properties: Properties


def steps(target: Target, events_stream: str = "") -> list[Step]:
    """Every resource of a stage, resolved, in the order in which they are applied.

    `events_stream` is the ARN of the event table's stream. Raises Unknown for a type, a property or
    a reference that `tune` does not know.
    """
    stage = target.stage
    with first_tables():
        template = completed(skeleton(stage), stage)
    resolver = Resolver(
        template,
        target.deployed,
        {**_defaults(template), EVENTS_STREAM: events_stream},
        {camel(name): function_name(stage, name) for name in stage.functions},
    )
    found = [
        Step(name, part["Type"], _resolved(resolver, name, part["Type"], part["Properties"]))
        for name, part in template["Resources"].items()
    ]
    order = list(HANDLERS)
    return sorted(found, key=lambda step: order.index(step.kind))


def apply(target: Target, wanted: list[Step]) -> Iterator[str]:
    """Applies each step; a line of text about each type of resource."""
    for kind, steps_of in groupby(wanted, attrgetter("kind")):
        done = [HANDLERS[kind].apply(target, step.name, step.properties) for step in steps_of]
        yield f"{len(done):>3} {kind}"


def is_removed(step: Step) -> bool:
    """Whether `remove` removes a resource, or leaves it to `chalice delete`."""
    return HANDLERS[step.kind].remove is not None and not _is_of_lambda(step)


def remove(target: Target, wanted: list[Step]) -> Iterator[str]:
    """Removes what `apply` made, before `chalice delete`; a line of text about each type.

    The Lambdas' log groups stay, since Chalice fails if one of its own is missing.
    """
    ours = [step for step in reversed(wanted) if not _is_of_lambda(step)]
    for kind, steps_of in groupby(ours, attrgetter("kind")):
        action = HANDLERS[kind].remove
        if action is not None:
            done = [action(target, step.name, step.properties) for step in steps_of]
            yield f"{len(done):>3} {kind}"


def _resolved(resolver: Resolver, name: str, kind: str, properties: Properties) -> Properties:
    handler = HANDLERS.get(kind)
    if handler is None:
        raise Unknown(f"{name}: the type {kind}")
    handler.check(name, properties)
    found = resolver.resolve(
        {key: value for key, value in properties.items() if key not in _OF_DEPLOY}
    )
    assert isinstance(found, dict)
    return found


def _is_of_lambda(step: Step) -> bool:
    name = str(step.properties.get("LogGroupName", ""))
    return name.startswith("/aws/lambda/")


def _defaults(template: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: str(parameter["Default"])
        for name, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }
