"""Tables: the copy of a past moment, backups, and the event table replaced by what is in the copy.

DynamoDB restores into a new table and cannot rename one. So the copy is backed up, and that backup
is restored under the name of the event table. Until the end there are the copy, its backup and a
backup of the damaged table.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ops.aws import none_on
from ops.deploying.adoption import Table, described, keys_of
from ops.deploying.tables import delete_table
from ops.restoring.cloud import Cloud
from ops.restoring.record import Record

BACKUP_MARGIN = timedelta(minutes=2)
"""Between the last write to a table and its backup. A backup requested at 14:25 "is guaranteed to
contain all data committed to the table up to 14:24" (API reference, CreateBackup)."""

Definition = dict[str, Any]
"""The parameters of CreateTable, as `ops/schema.py` gives them."""


def check(cloud: Cloud, dynamodb: Any, table: str, at: datetime) -> None:
    """Raises a click error unless the table can be restored to this moment."""
    missing = ("TableNotFoundException", "ResourceNotFoundException")
    found = none_on(missing, dynamodb.describe_continuous_backups, TableName=table)
    if found is None:
        raise click.ClickException(f"there is no table {table}")
    recovery = found["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise click.ClickException(f"{table} has no point-in-time recovery: it cannot be restored")
    earliest = recovery["EarliestRestorableDateTime"].astimezone(UTC)
    latest = recovery["LatestRestorableDateTime"].astimezone(UTC)
    for outside, order, limit in (
        (at > latest, "later than the latest", latest),
        (at < earliest, "earlier than the earliest", earliest),
    ):
        if outside:
            raise click.ClickException(
                f"{_text(at)} is {order} moment that {table} can be restored to: {_text(limit)}"
            )
    cloud.say(f"  {table} can be restored to any moment from {_text(earliest)} to {_text(latest)}")


def make_copy(cloud: Cloud, dynamodb: Any, record: Record, definition: Definition) -> None:
    """Restores the moment into the copy, unless it exists, and waits until it can be used."""
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
            f"{record.copy} exists, and was not restored from {record.table}: delete or rename it"
        )


def back_up(cloud: Cloud, dynamodb: Any, table: str, name: str) -> str:
    """The ARN of the backup of this name, made unless it exists. Waits until it can be used."""
    pages = dynamodb.get_paginator("list_backups").paginate(TableName=table)
    backups = [each for page in pages for each in page.get("BackupSummaries", [])]
    arns = [str(each["BackupArn"]) for each in backups if each["BackupName"] == name]
    if not arns:
        made = dynamodb.create_backup(TableName=table, BackupName=name)["BackupDetails"]
        arns = [str(made["BackupArn"])]
    cloud.until(lambda: _is_available(dynamodb, arns[0]) or None, f"the backup of {table}")
    return arns[0]


def swap(cloud: Cloud, dynamodb: Any, record: Record, definition: Definition) -> None:
    """Replaces the event table by what is in the copy. Safe to repeat after any interruption.

    The damaged table is deleted with point-in-time recovery on, so DynamoDB keeps one more backup
    of it for 35 days (Developer Guide, "Delete a table with PITR enabled").
    """
    name = f"twofold-{record.environment}-restored-{record.id}"
    if "copy" not in record.backups:
        record.backups["copy"] = back_up(cloud, dynamodb, record.copy, name)
        record.save()
    now = described(dynamodb, record.table)
    if (
        now is None
        or now.get("RestoreSummary", {}).get("SourceBackupArn") != (record.backups["copy"])
    ):
        if now is not None:
            _delete_damaged(dynamodb, record, now)
        dynamodb.restore_table_from_backup(
            TargetTableName=record.table,
            BackupArn=record.backups["copy"],
            BillingModeOverride="PAY_PER_REQUEST",
            SSESpecificationOverride=definition["SSESpecification"],
        )
    _when_active(cloud, dynamodb, record.table)


def _delete_damaged(dynamodb: Any, record: Record, damaged: Table) -> None:
    """Deletes the event table. Raises a click error unless the copy and all backups exist."""
    for arn in record.backups.values():
        if not _is_available(dynamodb, arn):
            raise click.ClickException(f"the backup {arn} is not available: nothing is deleted")
    if described(dynamodb, record.copy) is None:
        raise click.ClickException(f"{record.copy} does not exist: nothing is deleted")
    if not record.tags:
        record.tags = _tags(dynamodb, damaged["TableArn"])
        record.save()
    delete_table(dynamodb, record.table)


def set_right(cloud: Cloud, dynamodb: Any, record: Record, definition: Definition) -> None:
    """Gives the restored table what a restore leaves out: stream, protection, recovery, tags.

    Raises a click error where the table then is not as `ops/schema.py` defines it.
    """
    table = record.table
    found = _when_active(cloud, dynamodb, table)
    for is_set, setting in (
        (found.get("StreamSpecification", {}).get("StreamEnabled"), "StreamSpecification"),
        (found.get("DeletionProtectionEnabled"), "DeletionProtectionEnabled"),
        (_is_encrypted(found, definition), "SSESpecification"),
    ):
        if not is_set:
            dynamodb.update_table(TableName=table, **{setting: definition[setting]})
            found = _when_active(cloud, dynamodb, table)
    tags = record.tags | {tag["Key"]: tag["Value"] for tag in definition["Tags"]}
    dynamodb.tag_resource(
        ResourceArn=found["TableArn"],
        Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())],
    )

    def recovery() -> Any:
        return none_on(
            "ContinuousBackupsUnavailableException",  # For a while after a table was made.
            dynamodb.update_continuous_backups,
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )

    cloud.until(recovery, "point-in-time recovery")
    wrong = _differences(dynamodb, table, definition, tags)
    if wrong:
        raise click.ClickException(f"{table} is not as it should be: {'; '.join(wrong)}")
    record.stream = str(found["LatestStreamArn"])
    record.save()


def _when_active(cloud: Cloud, dynamodb: Any, table: str) -> Table:
    def look() -> Table | None:
        found = described(dynamodb, table)
        return found if found is not None and found["TableStatus"] == "ACTIVE" else None

    return cloud.until(look, f"{table} to be active")


def _is_available(dynamodb: Any, arn: str) -> bool:
    found = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    return bool(found["BackupDetails"]["BackupStatus"] == "AVAILABLE")


def _tags(dynamodb: Any, arn: str) -> dict[str, str]:
    """A table's tags, without AWS's own, which only AWS may set."""
    found = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found if not tag["Key"].startswith("aws:")}


def _differences(
    dynamodb: Any, table: str, definition: Definition, tags: dict[str, str]
) -> list[str]:
    """In what a table is not as it is defined."""
    found = described(dynamodb, table) or {}
    recovery = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    status = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    billing = found.get("BillingModeSummary", {}).get("BillingMode")
    checks = {
        "its keys": keys_of(found) == keys_of(definition),
        "its billing mode": billing == definition["BillingMode"],
        "its stream": found.get("StreamSpecification") == definition["StreamSpecification"],
        "its protection": found.get("DeletionProtectionEnabled") is True,
        "its encryption": _is_encrypted(found, definition),
        "its recovery": status == "ENABLED",
        "its tags": tags.items() <= _tags(dynamodb, found["TableArn"]).items(),
    }
    return [what for what, right in checks.items() if not right]


def _is_encrypted(table: Table, definition: Definition) -> bool:
    """Whether a table is encrypted, and by the key that its definition names, if it names one."""
    found = table.get("SSEDescription", {})
    key = definition["SSESpecification"].get("KMSMasterKeyId")
    is_on = found.get("Status") in ("ENABLED", "ENABLING", "UPDATING")
    return is_on and key in (None, found.get("KMSMasterKeyArn"))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
