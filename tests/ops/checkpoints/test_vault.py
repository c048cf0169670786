"""Checkpoints in a bucket with object lock, whose first version counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from moto import mock_aws

from chalicelib.read_models.integrity.table import Checkpoint
from ops import aws
from ops.checkpoints.vault import Vault, vault

AT = "2026-11-26T01:00:0{}.000000Z"


@pytest.fixture
def storage() -> Iterator[Any]:
    """S3, by moto."""
    with mock_aws():
        yield aws.client("s3")


def locked(storage: Any, name: str = "vault", *, retention: bool = True) -> Vault:
    storage.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    if retention:
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
        lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        storage.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
    return vault(name)


def checkpoint(ledger: str, second: int) -> Checkpoint:
    return Checkpoint(
        environment="test", ledger=ledger, at=AT.format(second), root="ab", streams=1, events=1
    )


def test_a_bucket_must_lock_what_is_put_into_it(storage: Any) -> None:
    storage.create_bucket(Bucket="open")

    locked(storage).check()
    for found, what in (
        (vault("open"), "the bucket open has no object lock"),
        (locked(storage, "lax", retention=False), "lax has object lock, but no default retention"),
        (vault("none"), "the bucket none: NoSuchBucket"),
    ):
        with pytest.raises(click.ClickException, match=what):
            found.check()


def test_the_newest_of_a_ledger_is_found_as_it_was_first_stored(
    storage: Any, tmp_path: Path
) -> None:
    bucket, file = locked(storage), tmp_path / "file"
    for ledger, second in (("acme", 1), ("acme", 2), ("acme-2", 3)):
        file.write_text(f"{ledger} {second}")
        address = bucket.put(checkpoint(ledger, second), "prod", file)
        assert address == f"s3://vault/prod/{ledger}/20261126T01000{second}.000000Z.jsonl.gz"
    key = bucket.last("prod", "acme")
    assert key == "prod/acme/20261126T010002.000000Z.jsonl.gz"
    storage.put_object(Bucket="vault", Key=key, Body=b"forged")
    storage.delete_object(Bucket="vault", Key=key)

    assert bucket.last("prod", "acme") == key
    bucket.fetch(key, file)
    assert file.read_text() == "acme 2"
    assert bucket.ledgers("prod") == {"acme", "acme-2"}
    assert bucket.ledgers("staging") == set()
    assert bucket.last("prod", "other") is None
    with pytest.raises(click.ClickException, match="there is no s3://vault/prod/acme/"):
        bucket.fetch("prod/acme/", file)
