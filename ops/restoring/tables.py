"""Tables: the copy of a past moment, backups, and the event table replaced by what is in the copy.

DynamoDB restores into a new table and cannot rename one. So the copy is backed up, and restored
from that backup under the name of the event table. Until the end there are the copy, its backup and
a backup of the damaged table.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from botocore.exceptions import ClientError

from ops.deploying.adoption import Table, described
from ops.restoring.cloud import Cloud, code_of
from ops.restoring.record import Record

BACKUP_MARGIN = timedelta(minutes=2)
"""Between the last write to a table and its backup. A backup requested at 14:25 "is guaranteed to
contain all data committed to the table up to 14:24" (API reference, CreateBackup)."""

Definition = dict[str, Any]
"""The parameters of CreateTable, as `ops/schema.py` gives them."""


def check(cloud: Cloud, dynamodb: Any, table: str, at: datetime) -> None:
    """Raises a click error unless the table can be restored to this moment."""
    try:
        described = dynamodb.describe_continuous_backups(TableName=table)
    except ClientError as error:
        if code_of(error) not in ("TableNotFoundException", "ResourceNotFoundException"):
            raise
        raise click.ClickException(f"there is no table {table}") from None
    recovery = described["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise click.ClickException(f"{table} has no point-in-time recovery: it cannot be restored")
    earliest = recovery["EarliestRestorableDateTime"].astimezone(UTC)
    latest = recovery["LatestRestorableDateTime"].astimezone(UTC)
    if at > latest:
        raise click.ClickException(
            f"{_said(at)} is later than the latest moment that {table} can be restored to: "
            f"{_said(latest)}"
        )
    if at < earliest:
        raise click.ClickException(
            f"{_said(at)} is earlier than the earliest moment that {table} can be restored to: "
            f"{_said(earliest)}"
        )
    cloud.say(f"  {table} can be restored to any moment from {_said(earliest)} to {_said(latest)}")


def make_copy(cloud: Cloud, dynamodb: Any, record: Record, definition: Definition) -> None:
    """Restores the moment into the copy, unless it is there, and waits until it can be used."""
    if described(dynamodb, record.copy) is None:
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=record.table,
            TargetTableName=record.copy,
            RestoreDateTime=datetime.fromisoformat(record.at),
            BillingModeOverride="PAY_PER_REQUEST",
            SSESpecificationOverride=definition["SSESpecification"],
        )
    found = _when_active(cloud, dynamodb, record.copy)
    source = found.get("RestoreSummary", {}).get("SourceTableArn", "")
    if not source.endswith(f"table/{record.table}"):
        raise click.ClickException(
            f"{record.copy} is there, and not restored from {record.table}: delete or rename it"
        )


def back_up(cloud: Cloud, dynamodb: Any, table: str, name: str) -> str:
    """The ARN of the backup of this name, made unless it is there. Waits until it can be used."""
    pages = dynamodb.get_paginator("list_backups").paginate(TableName=table)
    arns = [
        each["BackupArn"]
        for page in pages
        for each in page.get("BackupSummaries", [])
        if each["BackupName"] == name
    ]
    arn = str(
        arns[0]
        if arns
        else dynamodb.create_backup(TableName=table, BackupName=name)["BackupDetails"]["BackupArn"]
    )
    cloud.until(lambda: _is_available(dynamodb, arn) or None, f"the backup of {table}")
    return arn


def swap(cloud: Cloud, dynamodb: Any, record: Record, definition: Definition) -> None:
    """Replaces the event table by what is in the copy. Safe to repeat after any interruption.

    The damaged table keeps its point-in-time recovery: deleted so, DynamoDB keeps one more backup
    of it for 35 days (Developer Guide, "Delete a table with PITR enabled").
    """
    name = f"twofold-{record.environment}-restored-{record.id}"
    if "copy" not in record.backups:
        record.backups["copy"] = back_up(cloud, dynamodb, record.copy, name)
        record.save()
    now = described(dynamodb, record.table)
    if now is not None and not _is_from(now, record.backups["copy"]):
        for arn in record.backups.values():
            if not _is_available(dynamodb, arn):
                raise click.ClickException(f"the backup {arn} is not available: nothing is deleted")
        if described(dynamodb, record.copy) is None:
            raise click.ClickException(f"{record.copy} is not there: nothing is deleted")
        if not record.tags:
            record.tags = _tags(dynamodb, now["TableArn"])
            record.save()
        if now["TableStatus"] != "DELETING":
            dynamodb.update_table(TableName=record.table, DeletionProtectionEnabled=False)
            _when_active(cloud, dynamodb, record.table)
            dynamodb.delete_table(TableName=record.table)
        cloud.until(lambda: described(dynamodb, record.table) is None or None, "the deletion")
        now = None
    if now is None:
        dynamodb.restore_table_from_backup(
            TargetTableName=record.table,
            BackupArn=record.backups["copy"],
            BillingModeOverride="PAY_PER_REQUEST",
            SSESpecificationOverride=definition["SSESpecification"],
        )
    _when_active(cloud, dynamodb, record.table)


def set_right(cloud: Cloud, dynamodb: Any, record: Record, definition: Definition) -> None:
    """Gives the restored table what a restore leaves out: stream, protection, recovery, tags.

    Raises a click error where the table then is not as `ops/schema.py` defines it.
    """
    table = record.table
    found = _when_active(cloud, dynamodb, table)
    stream = definition["StreamSpecification"]
    if not found.get("StreamSpecification", {}).get("StreamEnabled"):
        dynamodb.update_table(TableName=table, StreamSpecification=stream)
        found = _when_active(cloud, dynamodb, table)
    if not found.get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
        found = _when_active(cloud, dynamodb, table)
    if not _is_encrypted(found, definition):
        encryption = definition["SSESpecification"]
        dynamodb.update_table(TableName=table, SSESpecification=encryption)
        found = _when_active(cloud, dynamodb, table)
    tags = record.tags | {tag["Key"]: tag["Value"] for tag in definition["Tags"]}
    dynamodb.tag_resource(
        ResourceArn=found["TableArn"],
        Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())],
    )
    # Refused for a while after a table was made: ContinuousBackupsUnavailableException.
    cloud.until(lambda: _with_recovery(dynamodb, table) or None, "point-in-time recovery")
    wrong = list(_differences(dynamodb, table, definition, tags))
    if wrong:
        raise click.ClickException(f"{table} is not as it should be: {'; '.join(wrong)}")
    record.stream = str(found["LatestStreamArn"])
    record.save()


def delete(cloud: Cloud, dynamodb: Any, table: str) -> None:
    """Deletes a table, protected or not, if it is there, and waits until it is gone."""
    found = described(dynamodb, table)
    if found is None:
        return
    if found.get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        _when_active(cloud, dynamodb, table)
    if found["TableStatus"] != "DELETING":
        dynamodb.delete_table(TableName=table)
    cloud.until(lambda: described(dynamodb, table) is None or None, f"the deletion of {table}")


def _when_active(cloud: Cloud, dynamodb: Any, table: str) -> Table:
    def look() -> Table | None:
        found = described(dynamodb, table)
        return found if found is not None and found["TableStatus"] == "ACTIVE" else None

    return cloud.until(look, f"{table} to be active")


def _is_available(dynamodb: Any, arn: str) -> bool:
    found = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    return bool(found["BackupDetails"]["BackupStatus"] == "AVAILABLE")


def _is_from(table: Table, backup: str) -> bool:
    return bool(table.get("RestoreSummary", {}).get("SourceBackupArn") == backup)


def _tags(dynamodb: Any, arn: str) -> dict[str, str]:
    """A table's tags, but for AWS's own, which nobody else may set."""
    found = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found if not tag["Key"].startswith("aws:")}


def _with_recovery(dynamodb: Any, table: str) -> bool:
    try:
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    except ClientError as error:
        if code_of(error) != "ContinuousBackupsUnavailableException":
            raise
        return False
    return True


def _differences(
    dynamodb: Any, table: str, definition: Definition, tags: dict[str, str]
) -> list[str]:
    """In what a table is not as it is defined."""
    found = described(dynamodb, table) or {}
    recovery = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    billing = found.get("BillingModeSummary", {}).get("BillingMode")
    checks = {
        "its keys": _keys(found.get("KeySchema", [])) == _keys(definition["KeySchema"]),
        "its billing mode": billing == definition["BillingMode"],
        "its stream": found.get("StreamSpecification") == definition["StreamSpecification"],
        "its protection": found.get("DeletionProtectionEnabled") is True,
        "its encryption": _is_encrypted(found, definition),
        "its recovery": recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        == "ENABLED",
        "its tags": tags.items() <= _tags(dynamodb, found["TableArn"]).items(),
    }
    return [what for what, right in checks.items() if not right]


def _is_encrypted(table: Table, definition: Definition) -> bool:
    """Whether it is, by the key that its definition names, if that names one."""
    found, key = (
        table.get("SSEDescription", {}),
        definition["SSESpecification"].get("KMSMasterKeyId"),
    )
    is_on = found.get("Status") in ("ENABLED", "ENABLING", "UPDATING")
    return is_on and key in (None, found.get("KMSMasterKeyArn"))


def _keys(schema: Sequence[dict[str, str]]) -> dict[str, str]:
    return {key["AttributeName"]: key["KeyType"] for key in schema}


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
