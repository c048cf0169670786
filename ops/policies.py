"""Policies: what each Lambda may do, one policy file per Lambda and environment.

The files under `.chalice/policies/` are made from this page (`python -m ops policies`) and checked
in, since Chalice wants files; a test holds that they are up to date.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from chalicelib.http.sealing import ROW
from chalicelib.read_models.blue_green import SECOND, BlueGreen
from chalicelib.read_models.read_model import ProjectionGroup, ReadModel, groups
from chalicelib.settings import WRITE
from ops.environments import events_table
from ops.schema import has_indexes
from ops.stages import PROJECT, Stage

FOLDER = PROJECT / ".chalice" / "policies"

_READ = ("dynamodb:GetItem", "dynamodb:Query")


def documents(environment: str, replica: str = "") -> dict[str, dict[str, Any]]:
    """The policy document of each Lambda of an environment, or of a replica of its read side."""
    tables = _Tables(environment, replica)
    # For a stage with TWOFOLD_GENERATIONS.
    which = _allow("WhichServes", ["dynamodb:GetItem"], [tables.read("generations")])
    events = _allow("ReadSingleStreams", _READ, [tables.other("events")])
    append = _allow(
        "LoadAndAppend",
        [*_READ, *_dynamodb(("PutItem", "BatchGetItem", "ConditionCheckItem"))],
        [tables.other("events")],
    )
    combine = _allow(
        "Combine",
        [*_READ, *_dynamodb(("PutItem", "UpdateItem", "DeleteItem", "BatchGetItem"))],
        [tables.other("inbox")],
    )
    # One row of the table of keys, and not what the others open.
    cursors = {
        **_allow("SealCursors", ["dynamodb:GetItem"], [tables.other("keys")]),
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [ROW]}},
    }
    queries = {
        f"{group.name}-query": [which, cursors, tables.querying(group)] for group in groups()
    }
    due = [found for group in groups() for found in tables.sweeping(group)]
    return {
        **{name: _document(statements) for name, statements in queries.items()},
        # For a stage with TWOFOLD_STRONG_READS.
        **{
            f"{name}-strong": _document([*statements, events])
            for name, statements in queries.items()
        },
        "authorize": _document([_allow("Keys", ["dynamodb:GetItem"], [tables.other("keys")])]),
        "write": _document([append, combine]),
        "sweep": _document([append, combine, which, *due]),
        **{
            f"{group.name}-watch": _document(
                [
                    _allow(
                        "Count", ["dynamodb:Query"], [tables.read(group.dead_letters.short_name())]
                    )
                ]
            )
            for group in groups()
        },
        **{
            name: document
            for group in groups()
            for name, document in _projectors(
                environment, group.name, [events, which, *tables.projecting(group)]
            ).items()
        },
    }


@dataclass(frozen=True)
class _Tables:
    """The ARNs of an environment's tables, and what Lambdas may do to those of read models."""

    environment: str
    replica: str

    def other(self, name: str) -> str:
        # A role's policy reaches only its own account; the region is where the stage is deployed.
        return f"arn:*:dynamodb:*:*:table/twofold-{self.environment}-{name}"

    def read(self, name: str) -> str:
        return self.other(f"{self.replica}-{name}" if self.replica else name)

    def letters(self, group: ProjectionGroup) -> str:
        return self.read(group.dead_letters.short_name())

    def both(self, model: ReadModel, below: str = "") -> list[str]:
        """A read model's table, and the one that may replace it (`ops rebuild --blue-green`)."""
        first, replaced = self.read(model.name), isinstance(model.table.Meta, BlueGreen)
        return [f"{first}{below}", *([f"{first}_{SECOND}{below}"] if replaced else [])]

    def querying(self, group: ProjectionGroup) -> dict[str, Any]:
        actions = dict.fromkeys(each for model in group.read_models for each in model.query_actions)
        resources = [
            arn
            for model in group.read_models
            for below in ("", "/index/*")[: 2 if has_indexes(model.table) else 1]
            for arn in self.both(model, below)
        ]
        return _allow(f"Read{group.name.capitalize()}", _dynamodb(actions), resources)

    def projecting(self, group: ProjectionGroup) -> list[dict[str, Any]]:
        return [
            _allow("Park", ["dynamodb:UpdateItem"], [self.letters(group)]),
            *(
                _allow(_sid(model, group), _dynamodb(model.projector_actions), self.both(model))
                for model in group.projected
            ),
        ]

    def sweeping(self, group: ProjectionGroup) -> list[dict[str, Any]]:
        return [
            _allow("ListDue", ["dynamodb:Query"], self.both(model, f"/index/{model.sweep_index}"))
            for model in group.read_models
            if model.sweep_index
        ]


def _dynamodb(actions: Iterable[str]) -> list[str]:
    return [f"dynamodb:{action}" for action in actions]


def _sid(model: ReadModel, group: ProjectionGroup) -> str:
    """The name of a read model's statement, which has letters and digits only."""
    return model.name.removeprefix(f"{group.name}_").title().replace("_", "")


def of_function(stage: Stage, function: str) -> dict[str, Any]:
    """The policy document of one Lambda of a stage, by its name in the code."""
    known = documents(stage.environment, stage.replica)
    names = {"authorize": ["authorize"], "sweep": ["sweep"]}.get(function)
    if names is None and function == "api_handler":
        strong = "-strong" if stage.strong_reads else ""
        names = [api if api == WRITE else f"{api}-query{strong}" for api in stage.serves]
    if names is None:
        task, _, group = function.partition("_")
        fed = "-kinesis" if stage.kinesis_stream else ""
        names = [f"{group}-watch" if task == "watch" else f"{group}-projector{fed}"]
    statements = {each["Sid"]: each for name in names for each in known[name]["Statement"]}
    return {"Version": "2012-10-17", "Statement": list(statements.values())}


WILDCARDS = {
    "dynamodb:ListStreams": "takes no resource: it lists names only",
    "xray:PutTraceSegments": "takes no resource",
    "xray:PutTelemetryRecords": "takes no resource",
}
"""Actions that are allowed on every resource, each with its reason."""


def _projectors(
    environment: str, group: str, statements: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """A projector's policy, for reading the event table's own stream and for Kinesis."""
    queue = f"arn:*:sqs:*:*:twofold-{environment}-*-failed"
    common = [_allow("SetAside", ["sqs:SendMessage"], [queue]), *statements]
    stream = [
        _allow(
            "ReadStream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            [f"arn:*:dynamodb:*:*:table/{events_table(environment)}/stream/*"],
        ),
        _allow("FindStreams", ["dynamodb:ListStreams"], ["*"]),
    ]
    kinesis = [
        _allow(
            "ReadStream",
            [
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            [f"arn:*:kinesis:*:*:stream/{events_table(environment)}"],
        )
    ]
    return {
        f"{group}-projector": _document([*stream, *common]),
        f"{group}-projector-kinesis": _document([*kinesis, *common]),
    }


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(
                "Log",
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                ["arn:*:logs:*:*:log-group:/aws/lambda/twofold-*"],
            ),
            _allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
            *statements,
        ],
    }


def _allow(name: str, actions: Any, resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resources}


def files(environment: str, replica: str = "") -> dict[Path, str]:
    """The policy files of an environment, or of a replica, and their content."""
    folder = FOLDER / environment / replica
    return {
        folder / f"{name}.json": json.dumps(document, indent=2) + "\n"
        for name, document in documents(environment, replica).items()
    }


@click.command()
@click.option("--environment", default="prod", show_default=True)
@click.option("--replica", default="", help="A further copy of its read side.")
def policies(environment: str, replica: str) -> None:
    """Writes the policy files of an environment."""
    for path, content in files(environment, replica).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        click.echo(path.relative_to(PROJECT))
