"""Tables: what a restore leaves out is brought back, and what is not right is said."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from botocore.exceptions import ClientError

from chalicelib.events.table import EventItem
from ops.restoring import tables
from ops.restoring.record import Record
from ops.schema import definition
from tests.ops.restoring.rehearsal import EVENTS, Rehearsal

KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
TAGS = {"app": "twofold", "environment": "test"}


@pytest.fixture
def rehearsal(emulator: str, tmp_path: Path) -> Iterator[Rehearsal]:
    """An event table as a restore leaves it: with keys and items and nothing else."""
    made = Rehearsal(emulator, tmp_path)
    client, wanted = made.client("dynamodb").inner, definition(EventItem, {})
    client.create_table(
        **{name: wanted[name] for name in ("TableName", "KeySchema", "AttributeDefinitions")},
        BillingMode="PAY_PER_REQUEST",
    )
    yield made
    client.update_table(TableName=EVENTS, DeletionProtectionEnabled=False)
    client.delete_table(TableName=EVENTS)


def record(rehearsal: Rehearsal, **tags: str) -> Record:
    """A restore of which the table had these tags before."""
    return Record("test", "", "", tags=tags, path=rehearsal.home / "test.json")


@pytest.mark.parametrize("key", [None, KEY])
def test_stream_protection_recovery_tags_and_encryption_are_brought_back(
    rehearsal: Rehearsal, key: str | None
) -> None:
    client, now = rehearsal.client("dynamodb"), record(rehearsal, owner="bank", app="old")
    wanted = definition(EventItem, TAGS, key)

    for _ in range(2):  # It is safe to repeat.
        tables.set_right(rehearsal.cloud, client, now, wanted)

    found = client.describe_table(TableName=EVENTS)["Table"]
    assert found["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert now.stream == found["LatestStreamArn"]
    assert found["DeletionProtectionEnabled"]
    assert found["SSEDescription"]["Status"] == "ENABLED"
    if key:
        assert found["SSEDescription"]["KMSMasterKeyArn"] == key
    tags = client.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {**TAGS, "owner": "bank"}
    recovery = client.describe_continuous_backups(TableName=EVENTS)["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_recovery_that_is_not_to_be_had_yet_is_asked_for_again(rehearsal: Rehearsal) -> None:
    left = [1, 2]

    def refuse(call: Callable[..., Any], **arguments: Any) -> Any:
        if left:
            left.pop()
            answer: Any = {"Error": {"Code": "ContinuousBackupsUnavailableException"}}
            raise ClientError(answer, "UpdateContinuousBackups")
        return call(**arguments)

    rehearsal.hooks["update_continuous_backups"] = refuse
    client = rehearsal.client("dynamodb")

    tables.set_right(rehearsal.cloud, client, record(rehearsal), definition(EventItem, TAGS))

    assert left == []


def test_a_table_that_is_not_as_it_should_be_is_not_opened(rehearsal: Rehearsal) -> None:
    rehearsal.hooks["tag_resource"] = lambda *_, **__: None
    client = rehearsal.client("dynamodb")

    with pytest.raises(click.ClickException, match="is not as it should be: its tags"):
        tables.set_right(rehearsal.cloud, client, record(rehearsal), definition(EventItem, TAGS))


def test_a_table_that_only_has_the_name_of_the_copy_is_not_taken_for_it(
    rehearsal: Rehearsal,
) -> None:
    now = record(rehearsal)
    now.at = "2026-11-25T12:00:00Z"
    client = rehearsal.client("dynamodb")
    other = {**definition(EventItem, {}), "TableName": now.copy, "DeletionProtectionEnabled": False}
    client.inner.create_table(**other)

    with pytest.raises(click.ClickException, match="not restored from twofold-test-events"):
        tables.make_copy(rehearsal.cloud, client, now, definition(EventItem, TAGS))

    client.inner.delete_table(TableName=now.copy)
