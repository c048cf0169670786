"""Bucket: where an account keeps the code and the templates of its stacks, one bucket per region.

The name can be guessed, so a stranger may own a bucket of that name and exchange the code between
upload and deployment. Therefore each call names the account that must own it
(`ExpectedBucketOwner`), and S3 refuses any other.

At the end of a deploy, objects older than 90 days are deleted unless a stack uses them (parameter
`CodeKey`). A lifecycle rule of S3 would also delete the code of a stack that was last deployed a
year ago, which CloudFormation needs to roll an update back. Nothing is deleted while a stack of
ours in the region is being changed, has failed, or does not name its code. An old object that a
deploy needs is uploaded again, so that no other deploy deletes it meanwhile.
"""

import base64
import hashlib
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from ops.aws import code_of, every

EXPIRY = timedelta(days=90)
"""The age from which an unused object is deleted."""

_RENEWAL = EXPIRY / 2
"""The age from which an object that a deploy needs is uploaded again."""

_STACK_PREFIX = "twofold-"

_CLOSED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@dataclass(frozen=True)
class Bucket:
    """The bucket of an account in a region; `storage` is a client of S3 there."""

    storage: Any
    account: str
    region: str

    @property
    def name(self) -> str:
        """Its name."""
        return f"twofold-deployments-{self.account}-{self.region}"

    def prepare(self) -> None:
        """Makes the bucket unless it exists, closed to the public and owned by this account.

        Raises a click error for a bucket of another account.
        """
        if self._found("head_bucket") is None:
            self._make()
        self._call(
            "put_public_access_block",
            PublicAccessBlockConfiguration=dict.fromkeys(_CLOSED, True),
        )
        self._call(
            "put_bucket_ownership_controls",
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        )

    def upload(self, key: str, content: bytes) -> bool:
        """Uploads an object unless it exists; whether it did. Raises a click error."""
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        if self._has(key, checksum):
            return False
        self._call(
            "put_object",
            Key=key,
            Body=content,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
        )
        return True

    def url(self, key: str) -> str:
        """An object's address for CloudFormation, path-style: valid in each partition."""
        return f"{self.storage.meta.endpoint_url}/{self.name}/{key}"

    def expire(self, used: Set[str], now: datetime) -> list[str]:
        """Deletes objects older than 90 days, except the used keys; the deleted keys."""
        old = [
            part["Key"]
            for part in self._objects()
            if part["LastModified"] < now - EXPIRY and part["Key"] not in used
        ]
        for start in range(0, len(old), 1000):
            keys = [{"Key": key} for key in old[start : start + 1000]]
            self._call("delete_objects", Delete={"Objects": keys, "Quiet": True})
        return old

    @property
    def _ours(self) -> dict[str, str]:
        return {"Bucket": self.name, "ExpectedBucketOwner": self.account}

    def _make(self) -> None:
        # us-east-1 is S3's default, and the one region that may not be named.
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        try:
            self.storage.create_bucket(
                Bucket=self.name,
                ObjectOwnership="BucketOwnerEnforced",
                **({} if self.region == "us-east-1" else elsewhere),
            )
        except ClientError as error:
            if code_of(error) != "BucketAlreadyOwnedByYou":
                raise self._refused(error) from None

    def _has(self, key: str, checksum: str) -> bool:
        found = self._found("head_object", Key=key, ChecksumMode="ENABLED")
        if found is None or found.get("ChecksumSHA256") != checksum:
            return False
        return bool(found["LastModified"] > datetime.now(UTC) - _RENEWAL)

    def _objects(self) -> Iterator[dict[str, Any]]:
        yield from every(
            partial(self._call, "list_objects_v2"), "Contents", start="ContinuationToken"
        )

    def _found(self, method: str, **arguments: Any) -> Any:
        """The result of a call, or None if there is no such bucket or object."""
        try:
            return self._call(method, **arguments)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            return None

    def _call(self, method: str, **arguments: Any) -> Any:
        try:
            return getattr(self.storage, method)(**self._ours, **arguments)
        except ClientError as error:
            raise self._refused(error) from None

    def _refused(self, error: ClientError) -> Exception:
        """A click error for a bucket that is not ours, or the error itself."""
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 403 or code_of(error) == "BucketAlreadyExists":
            return click.ClickException(
                f"the bucket {self.name} belongs to another account, or these credentials may not "
                f"use it; nothing was uploaded ({code_of(error)})"
            )
        return error


def code_key(environment: str, code: Path) -> str:
    """The key of a zip: the same for the same bytes."""
    return f"{environment}/{hashlib.sha256(code.read_bytes()).hexdigest()}.zip"


def template_key(environment: str, template: bytes) -> str:
    """The key of a template: the same for the same bytes."""
    return f"{environment}/templates/{hashlib.sha256(template).hexdigest()}.json"


def used_keys(formation: Any) -> set[str] | None:
    """The keys of the code that the region's stacks use; None while that is not known."""
    used = set()
    for stack in every(formation.describe_stacks, "Stacks"):
        if not stack["StackName"].startswith(_STACK_PREFIX):
            continue
        parameters = {
            each["ParameterKey"]: each.get("ParameterValue") for each in stack.get("Parameters", [])
        }
        settled = stack["StackStatus"].endswith("_COMPLETE")
        if not settled or not parameters.get("CodeKey"):
            return None
        used.add(parameters["CodeKey"])
    return used
