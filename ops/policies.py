"""Policies: what each Lambda may do, one policy file per Lambda and environment.

The files under `.chalice/policies/` are made from this page (`python -m ops policies`) and checked
in, since Chalice wants files; a test holds that they are up to date.
"""

import json
from pathlib import Path
from typing import Any

import click

from ops.stages import PROJECT

FOLDER = PROJECT / ".chalice" / "policies"

_READ = ("dynamodb:GetItem", "dynamodb:Query")


def documents(environment: str) -> dict[str, dict[str, Any]]:
    """The policy document of each Lambda of an environment."""

    def table(name: str) -> str:
        # A role's policy reaches only its own account; the region is where the stage is deployed.
        return f"arn:aws:dynamodb:*:*:table/twofold-{environment}-{name}"

    events_stream = f"{table('events')}/stream/*"
    events = _allow("ReadSingleStreams", _READ, [table("events")])
    queries = {
        "accounts-query": [_allow("Read", _READ, [table("balances"), table("statements")])],
        "journal-query": [
            _allow(
                "Read",
                _READ,
                [table("transactions"), f"{table('transactions')}/index/*", table("totals")],
            )
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
        "accounts-projector": _document(
            [
                *_stream(events_stream, environment),
                events,
                _allow("Balances", ["dynamodb:UpdateItem"], [table("balances")]),
                _allow(
                    "Statements",
                    ["dynamodb:BatchWriteItem", "dynamodb:PutItem"],
                    [table("statements")],
                ),
            ]
        ),
        "journal-projector": _document(
            [
                *_stream(events_stream, environment),
                events,
                _allow("Transactions", ["dynamodb:PutItem"], [table("transactions")]),
                _allow(
                    "Totals",
                    ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                    [table("totals")],
                ),
            ]
        ),
    }


WILDCARDS = {
    "dynamodb:ListStreams": "takes no resource: it lists names only",
    "xray:PutTraceSegments": "takes no resource",
    "xray:PutTelemetryRecords": "takes no resource",
}
"""Actions that are allowed on every resource, each with its reason."""


def _stream(events_stream: str, environment: str) -> list[dict[str, Any]]:
    return [
        _allow(
            "ReadStream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            [events_stream],
        ),
        _allow("FindStreams", ["dynamodb:ListStreams"], ["*"]),
        _allow(
            "SetAside", ["sqs:SendMessage"], [f"arn:aws:sqs:*:*:twofold-{environment}-*-failed"]
        ),
    ]


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(
                "Log",
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                ["arn:aws:logs:*:*:log-group:/aws/lambda/twofold-*"],
            ),
            _allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
            *statements,
        ],
    }


def _allow(name: str, actions: Any, resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resources}


def files(environment: str) -> dict[Path, str]:
    """The policy files of an environment and their content."""
    return {
        FOLDER / environment / f"{name}.json": json.dumps(document, indent=2) + "\n"
        for name, document in documents(environment).items()
    }


@click.command()
@click.option("--environment", default="prod", show_default=True)
def policies(environment: str) -> None:
    """Writes the policy files of an environment."""
    for path, content in files(environment).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        click.echo(path.relative_to(PROJECT))
