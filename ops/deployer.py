"""Deployer: the least permissions of a person or a CI role to deploy, plan and operate.

`python -m ops deployer` writes the documents under `docs/examples/` from this module; a test
compares them. Their ARNs are valid in every partition: "You can use wildcard characters within the
individual segments of an ARN", except the service's (IAM User Guide, "IAM JSON policy elements:
Resource").

CloudFormation calls AWS with the credentials that execute a change set. So a deployer needs the
permissions of the handlers of the templates' resource types, which CloudFormation's registry
publishes with each type (`handlers` of its schema).
"""

import json
from pathlib import Path

import click

from ops.access import Document, Statement, allow, code, data, document
from ops.policies import documents as of_lambdas
from ops.stages import PROJECT

FOLDER = PROJECT / "docs" / "examples"


def documents() -> dict[str, Document]:
    """Every document, by its file's name without ".json"."""

    def deployer(*, bounded: bool) -> Document:
        roles = code.roles(bounded=bounded)
        return document(*code.stacks(), *roles, *code.functions(), *code.apis())

    return {
        "deployer-policy": deployer(bounded=False),
        "deployer-policy-with-boundary": deployer(bounded=True),
        "deployer-tables-policy": document(
            *data.tables(), *data.queues(), *data.kms(), *data.monitoring()
        ),
        "planner-policy": document(*_planning()),
        "permissions-boundary": _boundary(),
    }


def _planning() -> list[Statement]:
    """The permissions for `ops deploy --plan` of an environment that is up."""
    return [
        *code.changing(),
        allow("Read", "cloudformation", "DescribeChangeSet DeleteChangeSet", code.STACK),
        allow("AllStacks", "cloudformation", "DescribeStacks", "*"),
        allow("Tables", "dynamodb", "DescribeTable", data.TABLE),
        data.describing_keys(),
        code.user_pools(),
    ]


def _boundary() -> Document:
    """The upper bound of the permissions of all Lambdas, whatever their own policies allow."""
    by_resources: dict[tuple[str, ...], set[str]] = {}
    by_resource: dict[str, set[str]] = {}
    for each in of_lambdas("*").values():
        for statement in each["Statement"]:
            for resource in statement["Resource"]:
                by_resource.setdefault(resource, set()).update(statement["Action"])
    for resource in sorted(by_resource):
        actions = by_resource[resource]
        same = next((key for key, these in by_resources.items() if these == actions), ())
        by_resources.pop(same, None)
        by_resources[(*same, resource)] = actions
    statements = [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}
        for resources, actions in by_resources.items()
    ]
    return document(*statements, data.using_keys())


def files() -> dict[Path, str]:
    """The documents' files, and their content."""
    return {
        FOLDER / f"{name}.json": json.dumps(made, indent=2) + "\n"
        for name, made in documents().items()
    }


@click.command()
def deployer() -> None:
    """Writes the policies of those who deploy and plan, and the boundary of the Lambdas' roles."""
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        click.echo(path.relative_to(PROJECT))
