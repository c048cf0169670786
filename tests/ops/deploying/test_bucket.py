"""The bucket: whose it is, what is uploaded once, and what expires; on moto."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import click
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ops.deploying.bucket import EXPIRY, Bucket, code_key, used_keys
from tests.ops.deploying.cloudformation import Cloud
from tests.ops.deploying.conftest import WRITE, Maker, writing

OWNER, STRANGER = "123456789012", "999999999999"
REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"]


@pytest.fixture(autouse=True)
def s3() -> Iterator[None]:
    """S3, empty."""
    with mock_aws():
        yield


def bucket(region: str = "eu-west-1", owner: str = OWNER) -> Bucket:
    """The bucket of an account in a region."""
    storage = botocore.session.get_session().create_client("s3", region_name=region)
    return Bucket(storage, owner, region)


@pytest.mark.parametrize("region", REGIONS)
def test_a_new_bucket_is_closed_to_the_public_and_in_its_region(region: str) -> None:
    made = bucket(region)
    made.prepare()
    made.prepare()

    storage, name = made.storage, made.name
    assert name == f"twofold-deployments-{OWNER}-{region}"
    closed = storage.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True}
    rules = storage.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    where = storage.get_bucket_location(Bucket=name)["LocationConstraint"]
    assert where == (None if region == "us-east-1" else region)
    assert "Status" not in storage.get_bucket_versioning(Bucket=name)


def test_a_bucket_of_a_former_version_is_closed_too() -> None:
    made = bucket()
    made.storage.create_bucket(
        Bucket=made.name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    made.prepare()
    closed = made.storage.get_public_access_block(Bucket=made.name)
    assert set(closed["PublicAccessBlockConfiguration"].values()) == {True}


class Calls:
    """A client of S3 that notes its calls, and refuses as S3 does where the bucket is another's."""

    def __init__(self, storage: Any, owner: str = OWNER) -> None:
        self._storage, self._owner = storage, owner
        self.made: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, method: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.made.append((method, arguments))
            expected = arguments.get("ExpectedBucketOwner", self._owner)
            if method == "create_bucket" and self._owner != OWNER:
                raise refusal(409, "BucketAlreadyExists")
            if expected != self._owner:
                # S3 User Guide, "Verifying bucket ownership with bucket owner condition": "If the
                # owner [...] does not match [...] the request fails with an HTTP 403".
                raise refusal(403, "AccessDenied")
            return getattr(self._storage, method)(**arguments)

        return call


def refusal(status: int, code: str) -> Exception:
    """What S3 refuses."""
    return ClientError(
        {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # The rest is read by nobody.
        "S3",
    )


def test_each_call_names_the_owner() -> None:
    made = bucket()
    calls = Calls(made.storage)
    watched = Bucket(calls, OWNER, "eu-west-1")
    watched.prepare()
    watched.upload("prod/a.zip", b"code")
    watched.expire(set(), datetime.now(UTC) + EXPIRY * 2)

    named = {method for method, arguments in calls.made if arguments.get("ExpectedBucketOwner")}
    assert named == {
        *("head_bucket", "put_public_access_block", "put_bucket_ownership_controls"),
        *("head_object", "put_object", "list_objects_v2", "delete_objects"),
    }
    assert {method for method, _ in calls.made} - named == {"create_bucket"}


@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_uploaded_to_a_strangers_bucket(exists: bool) -> None:
    made = bucket()
    if exists:
        made.storage.create_bucket(
            Bucket=made.name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    calls = Calls(made.storage, owner=STRANGER)

    with pytest.raises(click.ClickException, match="belongs to another account"):
        Bucket(calls, OWNER, "eu-west-1").prepare()

    assert [method for method, _ in calls.made] == ["head_bucket"]


def test_a_strangers_bucket_that_comes_between_is_found_when_it_is_to_be_made() -> None:
    class Late(Calls):
        def __getattr__(self, method: str) -> Any:
            if method == "head_bucket":
                return lambda **_: (_ for _ in ()).throw(refusal(404, "404"))
            return super().__getattr__(method)

    with pytest.raises(click.ClickException, match="belongs to another account"):
        Bucket(Late(bucket().storage, owner=STRANGER), OWNER, "eu-west-1").prepare()


def test_the_same_code_is_uploaded_once(tmp_path: Path) -> None:
    made = bucket()
    made.prepare()
    code = tmp_path / "code.zip"
    code.write_bytes(b"code")
    key = code_key("prod", code)
    assert key.startswith("prod/")
    assert key.endswith(".zip")

    assert made.upload(key, b"code")
    assert not made.upload(key, b"code")

    stored = made.storage.get_object(Bucket=made.name, Key=key, ChecksumMode="ENABLED")
    assert stored["Body"].read() == b"code"
    assert stored["ChecksumSHA256"]


def test_what_was_put_there_under_the_name_of_the_code_is_overwritten() -> None:
    made = bucket()
    made.prepare()
    made.storage.put_object(Bucket=made.name, Key="prod/a.zip", Body=b"something else")
    assert made.upload("prod/a.zip", b"code")
    assert made.storage.get_object(Bucket=made.name, Key="prod/a.zip")["Body"].read() == b"code"


def keys(made: Bucket) -> set[str]:
    """What is in a bucket."""
    found = made.storage.list_objects_v2(Bucket=made.name)
    return {each["Key"] for each in found.get("Contents", [])}


def test_what_is_old_and_unused_expires() -> None:
    made = bucket()
    made.prepare()
    for key in ("prod/old.zip", "prod/used.zip", "prod/templates/old.json"):
        made.upload(key, key.encode())
    now = datetime.now(UTC)

    assert made.expire({"prod/used.zip"}, now + timedelta(days=89)) == []
    made.expire({"prod/used.zip"}, now + timedelta(days=91))

    assert keys(made) == {"prod/used.zip"}


def test_code_that_is_found_old_is_uploaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bucket()
    made.prepare()
    made.upload("prod/a.zip", b"code")
    monkeypatch.setattr("ops.deploying.bucket._RENEWAL", timedelta(seconds=-60))
    assert made.upload("prod/a.zip", b"code")


def test_what_the_stacks_of_the_account_use_is_their_code(cloud: Cloud, make: Maker) -> None:
    assert used_keys(cloud.client("cloudformation")) == set()
    deployment = make(WRITE, writing())
    deployment.bring_up()
    assert used_keys(deployment.formation) == {deployment.code_key}


@pytest.mark.parametrize(
    "status", ["UPDATE_ROLLBACK_FAILED", "UPDATE_IN_PROGRESS", "ROLLBACK_FAILED"]
)
def test_nothing_is_said_to_be_unused_while_a_stack_may_need_its_former_code(
    cloud: Cloud, make: Maker, status: str
) -> None:
    deployment = make(WRITE, writing())
    deployment.bring_up()
    stack = cloud.stack("twofold-write")
    stack.status, stack.coming = status, []
    assert used_keys(deployment.formation) is None


def test_nothing_is_said_to_be_unused_while_a_stack_does_not_say_what_it_uses(
    cloud: Cloud, make: Maker
) -> None:
    deployment = make(WRITE, writing())
    deployment.bring_up()
    del cloud.stack("twofold-write").parameters["CodeKey"]
    assert used_keys(deployment.formation) is None
