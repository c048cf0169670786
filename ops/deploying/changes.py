"""Changes: what CloudFormation would do to a stack, as its change set describes it."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import click
from botocore.exceptions import ClientError

from ops.aws import code_of, every
from ops.deploying.waiting import until

TABLE_TYPES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")

ADDED, ADOPTED, CHANGED, REPLACED, REMOVED = "added", "adopted", "changed", "replaced", "removed"
KINDS = (ADDED, ADOPTED, CHANGED, REPLACED, REMOVED)
"""What can happen to a resource. An adopted one exists and becomes part of the stack as it is."""

_ACTIONS = {"Add": ADDED, "Import": ADOPTED, "Modify": CHANGED, "Remove": REMOVED}

_UNCHANGED = ("didn't contain changes", "No updates are to be performed")
"""CloudFormation's reasons for a change set without changes."""

CHANGE_SET_SECONDS = 900


@dataclass(frozen=True)
class Change:
    """What happens to one resource: its name in the template, its type, its name in AWS.

    `name` is empty where CloudFormation generates it. `maybe` marks a changed resource that may be
    replaced, which CloudFormation decides only during the update.
    """

    kind: str
    logical_id: str
    type: str
    name: str
    maybe: bool = False

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.type in TABLE_TYPES


@dataclass(frozen=True)
class ChangeSet:
    """A change set of a stack that can be executed; `id` is None where there is nothing to do."""

    stack: str
    id: str | None
    changes: tuple[Change, ...]

    @property
    def which(self) -> dict[str, Any]:
        """Its request parameters. IAM needs the stack, which a change set's ARN does not name."""
        return {"StackName": self.stack, "ChangeSetName": self.id}


def propose(formation: Any, request: Mapping[str, Any], template: Mapping[str, Any]) -> ChangeSet:
    """Makes a change set of CreateChangeSet's parameters and waits until it is described.

    Raises a click error, with CloudFormation's reason, for one that cannot be made.
    """
    stack = request["StackName"]
    try:
        made = formation.create_change_set(
            ChangeSetName=f"deploy-{uuid.uuid4().hex}",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            **request,
        )
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        raise click.ClickException(
            f"CloudFormation cannot change {stack}: {error.response['Error']['Message']}"
        ) from None

    which = ChangeSet(stack, made["Id"], ()).which

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = formation.describe_change_set(**which)
        return None if found["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS") else found

    found = until(look, seconds=CHANGE_SET_SECONDS, what=f"the change set of {stack}")
    if found["Status"] != "CREATE_COMPLETE":
        formation.delete_change_set(**which)
        reason = found.get("StatusReason", found["Status"])
        if any(words in reason for words in _UNCHANGED):
            return ChangeSet(stack, None, ())
        raise click.ClickException(f"CloudFormation cannot change {stack}: {reason}")
    changes = every(formation.describe_change_set, "Changes", **which)
    return ChangeSet(
        stack, made["Id"], tuple(_change(each["ResourceChange"], template) for each in changes)
    )


def discard(formation: Any, change_set: ChangeSet) -> None:
    """Deletes a change set that is not to be executed."""
    if change_set.id is not None:
        formation.delete_change_set(**change_set.which)


def refusals(changes: Iterable[Change], released: Iterable[str] = ()) -> list[str]:
    """Why these changes must not be executed: the tables that would be replaced or removed.

    A table that was `released`, by its name, may leave its stack; it is kept.
    """
    return [
        f"the table {change.name} ({change.logical_id}) would be {change.kind}"
        for change in changes
        if change.is_table
        and (change.kind == REPLACED or (change.kind == REMOVED and change.name not in released))
    ]


def added(template: Mapping[str, Any]) -> list[Change]:
    """A template's resources, all of them new; those that SAM derives from them left out."""
    return [
        Change(ADDED, logical_id, part["Type"], _name(part))
        for logical_id, part in template["Resources"].items()
    ]


def is_unknown(error: ClientError) -> bool:
    """Whether CloudFormation says that there is no such stack."""
    return code_of(error) == "ValidationError" and "does not exist" in str(error)


def _change(found: Mapping[str, Any], template: Mapping[str, Any]) -> Change:
    logical_id = found["LogicalResourceId"]
    kind = _ACTIONS.get(found["Action"], CHANGED)
    replacement = found.get("Replacement", "False")
    if kind == CHANGED and replacement == "True":
        kind = REPLACED
    name = found.get("PhysicalResourceId") or _name(template["Resources"].get(logical_id, {}))
    maybe = kind == CHANGED and replacement == "Conditional"
    return Change(kind, logical_id, found["ResourceType"], name, maybe)


def _name(part: Mapping[str, Any]) -> str:
    """The name that a template gives a resource; empty for none, or one that is made of others."""
    for property, value in part.get("Properties", {}).items():
        if property.endswith("Name") and isinstance(value, str):
            return value
    return ""
