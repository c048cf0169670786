"""The vault: a bucket in which checkpoints cannot be changed or deleted, by S3's object lock.

A later version of the same object, or a delete marker, hides the locked one. So the oldest version
of each object is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from chalicelib.read_models.integrity.table import Checkpoint
from ops import aws


@dataclass(frozen=True)
class Vault:
    """A bucket, and a client of S3. Each method raises a click error for an error of S3."""

    bucket: str
    storage: Any

    def check(self) -> None:
        """Raises a click error unless object lock is on, with a default retention."""
        with self._errors():
            found = aws.none_on(
                "ObjectLockConfigurationNotFoundError",
                self.storage.get_object_lock_configuration,
                Bucket=self.bucket,
            )
        lock = (found or {}).get("ObjectLockConfiguration", {})
        if lock.get("ObjectLockEnabled") != "Enabled":
            raise click.ClickException(
                f"the bucket {self.bucket} has no object lock: enable it, so that checkpoints in "
                "it cannot be deleted"
            )
        if not lock.get("Rule", {}).get("DefaultRetention", {}).get("Mode"):
            raise click.ClickException(
                f"the bucket {self.bucket} has object lock, but no default retention: set one, so "
                "that each checkpoint in it is locked"
            )

    def put(self, checkpoint: Checkpoint, environment: str, file: Path) -> str:
        """Stores a checkpoint; its address."""
        key = f"{environment}/{checkpoint.ledger}/{compact(checkpoint.at)}.jsonl.gz"
        with file.open("rb") as content, self._errors():
            # With a lock, S3 requires a checksum.
            self.storage.put_object(
                Bucket=self.bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256"
            )
        return f"s3://{self.bucket}/{key}"

    def ledgers(self, environment: str) -> set[str]:
        """The ledgers that have checkpoints here."""
        found = self._listed("CommonPrefixes", Prefix=f"{environment}/", Delimiter="/")
        return {each["Prefix"].split("/")[1] for each in found}

    def last(self, environment: str, ledger: str) -> str | None:
        """The key of the newest checkpoint of a ledger."""
        versions = self._listed("Versions", Prefix=f"{environment}/{ledger}/")
        return max((str(each["Key"]) for each in versions), default=None)

    def fetch(self, key: str, file: Path) -> None:
        """Writes an object, as it was first stored, to a file. Raises a click error for none."""
        versions = [each for each in self._listed("Versions", Prefix=key) if each["Key"] == key]
        if not versions:
            raise click.ClickException(f"there is no s3://{self.bucket}/{key}")
        # S3 lists the newest first, also if two have the same time.
        oldest = min(reversed(versions), key=lambda version: version["LastModified"])
        with self._errors(), file.open("wb") as content:
            found = self.storage.get_object(
                Bucket=self.bucket, Key=key, VersionId=oldest["VersionId"]
            )
            for part in found["Body"].iter_chunks():
                content.write(part)

    def _listed(self, kind: str, **arguments: str) -> list[dict[str, Any]]:
        pages = self.storage.get_paginator("list_object_versions")
        with self._errors():
            return [
                each
                for page in pages.paginate(Bucket=self.bucket, **arguments)
                for each in page.get(kind, [])
            ]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            found = error.response["Error"]
            raise click.ClickException(
                f"the bucket {self.bucket}: {found['Code']}: {found['Message']}"
            ) from None


def vault(bucket: str) -> Vault:
    """The bucket of this name, which may be in any region of the credentials' partition."""
    return Vault(bucket, aws.client("s3"))


def compact(at: str) -> str:
    """A time as it is written in names, in the same order: `20261125T120000.000000Z`."""
    return at.replace("-", "").replace(":", "")
