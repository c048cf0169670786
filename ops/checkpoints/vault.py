"""The vault: a bucket in which a checkpoint, once written, cannot be changed or deleted.

S3's object lock keeps a version of an object for as long as the bucket's default retention says. A
later object of the same name, and a mark that it is deleted, only hide it. So of each object the
oldest version is read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from chalicelib.read_models.integrity.table import Checkpoint
from ops import aws


@dataclass(frozen=True)
class Vault:
    """A bucket, and a client of S3."""

    bucket: str
    storage: Any

    def check(self) -> None:
        """Raises a click error unless object lock is on, with a default retention."""
        try:
            found = self.storage.get_object_lock_configuration(Bucket=self.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ObjectLockConfigurationNotFoundError":
                raise self._refused(error) from None
            found = {}
        lock = found.get("ObjectLockConfiguration", {})
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
        key = f"{_folder(environment, checkpoint.ledger)}{compact(checkpoint.at)}.jsonl.gz"
        with file.open("rb") as content:
            try:
                # With a lock, S3 asks for a checksum.
                self.storage.put_object(
                    Bucket=self.bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256"
                )
            except ClientError as error:
                raise self._refused(error) from None
        return f"s3://{self.bucket}/{key}"

    def ledgers(self, environment: str) -> set[str]:
        """The ledgers that have checkpoints here."""
        pages = self.storage.get_paginator("list_object_versions")
        try:
            return {
                found["Prefix"].split("/")[1]
                for page in pages.paginate(
                    Bucket=self.bucket, Prefix=f"{environment}/", Delimiter="/"
                )
                for found in page.get("CommonPrefixes", [])
            }
        except ClientError as error:
            raise self._refused(error) from None

    def last(self, environment: str, ledger: str) -> str | None:
        """The key of the newest checkpoint of a ledger."""
        keys = [key for key, _ in self._versions(_folder(environment, ledger))]
        return max(keys, default=None)

    def fetch(self, key: str, file: Path) -> None:
        """Writes an object, as it was first stored, to a file. Raises a click error for none."""
        versions = [version for found, version in self._versions(key) if found == key]
        if not versions:
            raise click.ClickException(f"there is no s3://{self.bucket}/{key}")
        # Newest first, where two are of one second.
        oldest = min(reversed(versions), key=lambda version: version["LastModified"])
        try:
            found = self.storage.get_object(
                Bucket=self.bucket, Key=key, VersionId=oldest["VersionId"]
            )
        except ClientError as error:
            raise self._refused(error) from None
        with file.open("wb") as content:
            for part in found["Body"].iter_chunks():
                content.write(part)

    def _versions(self, prefix: str) -> list[tuple[str, dict[str, Any]]]:
        pages = self.storage.get_paginator("list_object_versions")
        try:
            return [
                (version["Key"], version)
                for page in pages.paginate(Bucket=self.bucket, Prefix=prefix)
                for version in page.get("Versions", [])
            ]
        except ClientError as error:
            raise self._refused(error) from None

    def _refused(self, error: ClientError) -> click.ClickException:
        found = error.response["Error"]
        return click.ClickException(
            f"the bucket {self.bucket}: {found['Code']}: {found['Message']}"
        )


def vault(bucket: str) -> Vault:
    """The bucket of this name, which may be in any region of the credentials' partition."""
    return Vault(bucket, aws.client("s3"))


def compact(at: str) -> str:
    """A time as it is written in names, in the same order: `20261125T120000.000000Z`."""
    return at.replace("-", "").replace(":", "")


def _folder(environment: str, ledger: str) -> str:
    return f"{environment}/{ledger}/"
