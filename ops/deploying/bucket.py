"""Bucket: where an account keeps the code and the templates of its stacks, one bucket per region.

Its name can be guessed, so somebody else may have made a bucket of that name first, and could
exchange the code between upload and deployment. Therefore each call names the account that must own
it (`ExpectedBucketOwner`); S3 refuses a call for another's bucket.

Objects older than 90 days are deleted at the end of a deploy, unless a stack uses them. A lifecycle
rule of S3 cannot do this: it counts from the upload and knows of no stack, so it would delete the
code of a stack that was last deployed a year ago, which CloudFormation needs when an update of that
stack fails and it goes back to the code before it. What a stack uses is its parameter `CodeKey`.
Nothing is deleted while any stack of ours in the region is being changed, is in a failed state
(either may need its former code), or does not say which code it uses. An object that a deploy finds
already uploaded but old is uploaded anew, so that no other deploy deletes it meanwhile.
"""

import base64
import hashlib
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from ops.deploying.paging import every

EXPIRY = timedelta(days=90)
"""The age from which an unused object is deleted."""

_RENEWAL = EXPIRY / 2
"""The age from which an object that is found already there is uploaded anew."""

_STACK_PREFIX = "twofold-"


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
        """Makes the bucket unless it is there; closed to the public, owned by one account.

        S3 encrypts by default, and versioning is off unless it is switched on. Raises a click error
        for a bucket that somebody else owns.
        """
        try:
            self.storage.head_bucket(**self._ours)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise self._refused(error) from None
            self._make()
        self._call(
            "put_public_access_block",
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        self._call(
            "put_bucket_ownership_controls",
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        )

    def upload(self, key: str, content: bytes) -> bool:
        """Uploads an object unless the same is there; whether it did. Raises a click error."""
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
        """An object's address for CloudFormation, by path: right in each partition."""
        return f"{self.storage.meta.endpoint_url}/{self.name}/{key}"

    def expire(self, used: Set[str], now: datetime) -> list[str]:
        """Deletes what is older than 90 days and not among the used keys; the deleted keys."""
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
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
                raise self._refused(error) from None

    def _has(self, key: str, checksum: str) -> bool:
        try:
            found = self.storage.head_object(Key=key, ChecksumMode="ENABLED", **self._ours)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise self._refused(error) from None
            return False
        fresh = found["LastModified"] > datetime.now(UTC) - _RENEWAL
        return bool(fresh and found.get("ChecksumSHA256") == checksum)

    def _objects(self) -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            page = self.storage.list_objects_v2(**self._ours, **more)
            yield from page.get("Contents", [])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _call(self, method: str, **arguments: Any) -> Any:
        try:
            return getattr(self.storage, method)(**self._ours, **arguments)
        except ClientError as error:
            raise self._refused(error) from None

    def _refused(self, error: ClientError) -> Exception:
        """A click error for a bucket that is not ours, or the error itself."""
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 403 or error.response["Error"]["Code"] == "BucketAlreadyExists":
            return click.ClickException(
                f"the bucket {self.name} belongs to another account, or these credentials may not "
                f"use it; nothing was uploaded ({error.response['Error']['Code']})"
            )
        return error


def code_key(environment: str, code: Path) -> str:
    """The key of a zip: the same for the same bytes."""
    return f"{environment}/{hashlib.sha256(code.read_bytes()).hexdigest()}.zip"


def template_key(environment: str, template: bytes) -> str:
    """The key of a template: the same for the same bytes."""
    return f"{environment}/templates/{hashlib.sha256(template).hexdigest()}.json"


def used_keys(formation: Any) -> set[str] | None:
    """The keys of the code that the region's stacks use; None where that cannot be said now."""
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
