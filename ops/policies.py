"""Policies: what each Lambda may do, one policy file per Lambda and environment.

The files under `.chalice/policies/` are made from this page (`python -m ops policies`) and checked
in, since Chalice wants files; a test holds that they are up to date.
"""

import json
from pathlib import Path
from typing import Any

import click

from chalicelib.http.sealing import ROW
from chalicelib.read_models.generations import SECOND
from chalicelib.settings import WRITE
from ops.environments import events_table
from ops.stages import PROJECT, Stage

FOLDER = PROJECT / ".chalice" / "policies"

_READ = ("dynamodb:GetItem", "dynamodb:Query")


def documents(environment: str, replica: str = "") -> dict[str, dict[str, Any]]:
    """The policy document of each Lambda of an environment, or of a replica of its read stacks."""

    def table(name: str) -> str:
        # A role's policy reaches only its own account; the region is where the stage is deployed.
        return f"arn:*:dynamodb:*:*:table/twofold-{environment}-{name}"

    def read_table(name: str) -> str:
        return table(f"{replica}-{name}" if replica else name)

    def generations(name: str, below: str = "") -> list[str]:
        """A read model's table, and the one that may replace it (`ops rebuild --blue-green`)."""
        return [f"{read_table(name)}{below}", f"{read_table(name)}_{SECOND}{below}"]

    # For a stage with TWOFOLD_GENERATIONS.
    which = _allow("WhichServes", ["dynamodb:GetItem"], [read_table("generations")])
    events = _allow("ReadSingleStreams", _READ, [table("events")])
    # One row of the table of keys, and not what the others open.
    cursors = {
        **_allow("SealCursors", ["dynamodb:GetItem"], [table("keys")]),
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [ROW]}},
    }
    queries = {
        "accounts-query": [
            which,
            cursors,
            _allow(
                "ReadAccounts",
                _READ,
                [
                    *generations("balances"),
                    *generations("statements"),
                    *generations("accounts_ledgers"),
                ],
            ),
        ],
        "journal-query": [
            which,
            cursors,
            _allow(
                "ReadJournal",
                _READ,
                [
                    *generations("transactions"),
                    *generations("transactions", "/index/*"),
                    *generations("totals"),
                    *generations("journal_ledgers"),
                    read_table("integrity"),
                ],
            ),
        ],
    }
    return {
        **{name: _document(statements) for name, statements in queries.items()},
        # For a stage with TWOFOLD_STRONG_READS.
        **{
            f"{name}-strong": _document([*statements, events])
            for name, statements in queries.items()
        },
        "authorize": _document([_allow("Keys", ["dynamodb:GetItem"], [table("keys")])]),
        "write": _document(
            [_allow("LoadAndAppend", [*_READ, "dynamodb:PutItem"], [table("events")])]
        ),
        "sweep": _document(
            [
                _allow("LoadAndAppend", [*_READ, "dynamodb:PutItem"], [table("events")]),
                which,
                _allow(
                    "ListDue",
                    ["dynamodb:Query"],
                    generations("transactions", "/index/expiring"),
                ),
            ]
        ),
        **{
            f"{half}-watch": _document(
                [_allow("Count", ["dynamodb:Query"], [read_table(f"{half}_parked")])]
            )
            for half in ("accounts", "journal")
        },
        **_projectors(
            environment,
            "accounts",
            [
                events,
                which,
                _allow("Park", ["dynamodb:UpdateItem"], [read_table("accounts_parked")]),
                _allow("Ledgers", ["dynamodb:PutItem"], generations("accounts_ledgers")),
                _allow("Balances", ["dynamodb:UpdateItem"], generations("balances")),
                _allow(
                    "Statements",
                    ["dynamodb:BatchWriteItem", "dynamodb:PutItem"],
                    generations("statements"),
                ),
            ],
        ),
        **_projectors(
            environment,
            "journal",
            [
                events,
                which,
                _allow("Park", ["dynamodb:UpdateItem"], [read_table("journal_parked")]),
                _allow("Ledgers", ["dynamodb:PutItem"], generations("journal_ledgers")),
                _allow("Transactions", ["dynamodb:PutItem"], generations("transactions")),
                _allow(
                    "Totals",
                    ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                    generations("totals"),
                ),
            ],
        ),
    }


def of_function(stage: Stage, function: str) -> dict[str, Any]:
    """The policy document of one Lambda of a stage, by its name in the code."""
    known = documents(stage.environment, stage.replica)
    names = {"authorize": ["authorize"], "sweep": ["sweep"]}.get(function)
    if names is None and function == "api_handler":
        strong = "-strong" if stage.strong_reads else ""
        names = [half if half == WRITE else f"{half}-query{strong}" for half in stage.serves]
    if names is None:
        task, _, half = function.partition("_")
        fed = "-kinesis" if stage.kinesis_stream else ""
        names = [f"{half}-watch" if task == "watch" else f"{half}-projector{fed}"]
    statements = {each["Sid"]: each for name in names for each in known[name]["Statement"]}
    return {"Version": "2012-10-17", "Statement": list(statements.values())}


WILDCARDS = {
    "dynamodb:ListStreams": "takes no resource: it lists names only",
    "xray:PutTraceSegments": "takes no resource",
    "xray:PutTelemetryRecords": "takes no resource",
}
"""Actions that are allowed on every resource, each with its reason."""


def _projectors(
    environment: str, half: str, statements: list[dict[str, Any]]
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
        f"{half}-projector": _document([*stream, *common]),
        f"{half}-projector-kinesis": _document([*kinesis, *common]),
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
@click.option("--replica", default="", help="A further copy of its read stacks.")
def policies(environment: str, replica: str) -> None:
    """Writes the policy files of an environment."""
    for path, content in files(environment, replica).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        click.echo(path.relative_to(PROJECT))
