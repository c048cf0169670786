"""Adoption: tables that exist before their stack, which then imports them as they are.

CloudFormation does not compare an imported table with the template (User Guide, "Import AWS
resources into a CloudFormation stack automatically": "we recommend running drift detection on
imported resources"). So the properties that must be equal are compared here, before any change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from ops.aws import none_on
from ops.deploying.changes import ADDED, ADOPTED, Change
from ops.environments import events_table

Table = Mapping[str, Any]
"""The description of a table by DescribeTable."""


def described(dynamodb: Any, name: str) -> Table | None:
    """A table as DynamoDB describes it, or None if it does not exist."""
    found = none_on("ResourceNotFoundException", dynamodb.describe_table, TableName=name)
    return None if found is None else dict(found["Table"])


def has_items(dynamodb: Any, name: str) -> bool:
    """Whether anything is in a table."""
    found = dynamodb.scan(TableName=name, Limit=1, Select="COUNT", ConsistentRead=True)
    return int(found["Count"]) > 0


def protect_if_used(dynamodb: Any, name: str) -> None:
    """Protects a table from deletion if anything is in it."""
    table = described(dynamodb, name)
    if table and not table.get("DeletionProtectionEnabled") and has_items(dynamodb, name):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)


def events_stream(dynamodb: Any, environment: str) -> str | None:
    """The ARN of the event table's stream, or None before there is an event table.

    Raises a click error for an event table without a stream.
    """
    name = events_table(environment)
    table = described(dynamodb, name)
    if table is None:
        return None
    if not table.get("LatestStreamArn"):
        raise click.ClickException(f"the table {name} has no stream; nothing can be projected")
    return str(table["LatestStreamArn"])


def check(dynamodb: Any, kms: Any, template: Mapping[str, Any], changes: Sequence[Change]) -> None:
    """Raises a click error for a table that exists and cannot be adopted by the stack as it is."""
    for change in changes:
        if not change.is_table or change.kind not in (ADDED, ADOPTED):
            continue
        table = described(dynamodb, change.name)
        if table is None:
            continue
        if change.kind == ADDED:
            raise click.ClickException(
                f"the table {change.name} exists, and CloudFormation would not adopt it; "
                "nothing was changed"
            )
        wanted = template["Resources"][change.logical_id]["Properties"]
        if differences := [*_differences(table, wanted), *_key_difference(kms, table, wanted)]:
            raise click.ClickException(
                f"the table {change.name} exists and differs from the template, so it cannot be "
                f"adopted: {'; '.join(differences)}; nothing was changed"
            )


def switch_recovery_on(
    dynamodb: Any, template: Mapping[str, Any], changes: Sequence[Change]
) -> list[str]:
    """Switches on point-in-time recovery of the tables to be adopted, as the template wants it.

    CloudFormation would adopt them without it. Returns the names of the tables that had none.
    """
    without = []
    for change in changes:
        if change.kind != ADOPTED or not change.is_table:
            continue
        wanted = _of_this_region(template["Resources"][change.logical_id]["Properties"])
        recovery = wanted.get("PointInTimeRecoverySpecification")
        if recovery is None:
            continue
        found = dynamodb.describe_continuous_backups(TableName=change.name)
        now = found["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if now.get("PointInTimeRecoveryStatus") != "ENABLED":
            dynamodb.update_continuous_backups(
                TableName=change.name, PointInTimeRecoverySpecification=recovery
            )
            without.append(change.name)
    return without


def _key_difference(kms: Any, table: Table, wanted: Mapping[str, Any]) -> list[str]:
    """The difference of a table that another KMS key encrypts than the one the template names.

    A template that names none means the key that AWS manages, which has an ARN too.
    """
    there = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn")
    key = _of_this_region(wanted).get("SSESpecification", {}).get("KMSMasterKeyId")
    if key == there or (key is None and _is_of_aws(kms, str(there))):
        return []
    return [
        f"its KMS key is {there or 'one of AWS'}, and the template's is {key or 'one of AWS'} "
        "(the setting kms_key)"
    ]


def _is_of_aws(kms: Any, arn: str) -> bool:
    """Whether a KMS key is one that AWS manages, for this service."""
    if arn.endswith(":alias/aws/dynamodb"):  # As an emulator names it.
        return True
    return bool(kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyManager"] == "AWS")


def _of_this_region(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """A table's properties in a template; of a global table, those of the copy of this region."""
    for replica in wanted.get("Replicas", ()):
        if replica["Region"] == {"Ref": "AWS::Region"}:
            return {"SSESpecification": {}, **replica}
    return wanted


def _differences(table: Table, wanted: Mapping[str, Any]) -> list[str]:
    """The properties, among those the code relies on, that differ from the template."""
    found = [] if keys_of(table) == keys_of(wanted) else ["its keys are others"]
    there = {each["IndexName"]: keys_of(each) for each in table.get("GlobalSecondaryIndexes", [])}
    found += [
        f"the index {index['IndexName']} is missing or has other keys"
        for index in wanted.get("GlobalSecondaryIndexes", [])
        if there.get(index["IndexName"]) != keys_of(index)
    ]
    view = wanted.get("StreamSpecification", {}).get("StreamViewType")
    if view and (table.get("StreamSpecification") or {}).get("StreamViewType") != view:
        found.append(f"its stream is not there or does not carry {view}")
    return found


def keys_of(table: Mapping[str, Any]) -> dict[str, str]:
    """The kind of each key attribute of a table or an index, by its name."""
    return {each["AttributeName"]: each["KeyType"] for each in table.get("KeySchema", ())}
