"""What the tests of deploying share: the model of an account, and stages packaged by hand."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ops.deploying import waiting
from ops.deploying.bucket import Bucket
from ops.deploying.stage import Deployment
from ops.packaging import Package
from ops.stages import Stage
from tests.ops.deploying.cloudformation import Cloud, error

REGION, ACCOUNT = "eu-west-1", "123456789012"


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting costs no time, and comes to an end."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(waiting, "sleep", sleep)
    monkeypatch.setattr(waiting, "clock", lambda: now[0])


@pytest.fixture
def cloud() -> Cloud:
    """An empty account."""
    return Cloud()


class Storage:
    """S3 as far as a deployment needs it: what is uploaded can be read by CloudFormation."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.meta = SimpleNamespace(endpoint_url="https://s3.example")
        self.keys: list[str] = []

    def head_object(self, **_: Any) -> Any:
        """Nothing is there."""
        failure = error("404", "Not Found", "HeadObject")
        failure.response["ResponseMetadata"]["HTTPStatusCode"] = 404
        raise failure

    def put_object(self, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803  # S3's.
        """Keeps a template."""
        self.keys.append(Key)
        if Key.endswith(".json"):
            url = f"{self.meta.endpoint_url}/{Bucket}/{Key}"
            self._cloud.templates[url] = json.load(io.BytesIO(Body))


def table(
    name: str, more: Mapping[str, Any] | None = None, policy: str = "RetainExceptOnCreate"
) -> dict[str, Any]:
    """A table of a template, with more properties."""
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": policy,
        "Properties": {
            "TableName": name,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "DeletionProtectionEnabled": {"Fn::If": ["Protected", True, False]},
            **(more or {}),
        },
    }


STREAM = {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}


def template(**resources: Any) -> dict[str, Any]:
    """A template of a stage, with a Lambda and these resources."""
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Code": [{"Ref": "CodeBucket"}, {"Ref": "CodeKey"}]},
    }
    names = ("CodeBucket", "CodeKey", "DeletionProtection", "Restored")
    defaults = {"DeletionProtection": "on", "Restored": "never"}
    return {
        "Parameters": {
            name: {"Type": "String", "Default": defaults.get(name, "")} for name in names
        },
        "Conditions": {"Protected": {"Fn::Equals": [{"Ref": "DeletionProtection"}, "on"]}},
        "Resources": {"Handler": function, **resources},
    }


def writing() -> dict[str, Any]:
    """The template of the stage that writes."""
    return template(
        EventsTable=table("twofold-prod-events", STREAM),
        KeysTable=table("twofold-prod-keys"),
        Alarm={"Type": "AWS::CloudWatch::Alarm", "Properties": {}},
    )


def reading() -> dict[str, Any]:
    """The template of a stage that reads the event table's stream."""
    made = template(
        BalancesTable=table("twofold-prod-balances"),
        Feeding={"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"Stream": ""}},
    )
    made["Parameters"]["EventsStream"] = {"Type": "String"}
    made["Resources"]["Feeding"]["Properties"]["Stream"] = {"Ref": "EventsStream"}
    return made


WRITE = Stage("write", "prod", ("write",), {"TWOFOLD_SERVES": "write"})
ACCOUNTS = Stage("accounts", "prod", ("accounts",), {"TWOFOLD_SERVES": "accounts"})


@dataclass
class Maker:
    """Makes deployments of stages in the model, and keeps what they say."""

    cloud: Cloud
    folder: Path
    said: list[str]

    def __call__(
        self, stage: Stage, template: dict[str, Any], code: str = "code", **more: Any
    ) -> Deployment:
        """A deployment of a stage whose package has this template and this code."""
        folder = self.folder / f"{stage.name}-{self.cloud.serial()}"
        folder.mkdir()
        package = Package(stage, folder)
        package.template.write_text(json.dumps(template))
        package.code.write_text(code)
        made = Deployment(
            package,
            self.cloud.client("cloudformation", REGION),
            self.cloud.client("dynamodb", REGION),
            Bucket(Storage(self.cloud), ACCOUNT, REGION),
            self.cloud.client("dynamodb", REGION),
            self.cloud.client("kms", REGION),
            say=self.said.append,
            **more,
        )
        made.upload()
        return made


@pytest.fixture
def make(cloud: Cloud, tmp_path: Path) -> Maker:
    """Makes deployments."""
    return Maker(cloud, tmp_path, [])


@pytest.fixture
def rebuilt(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projection groups that were rebuilt, in place of rebuilding them."""
    done: list[str] = []
    rebuild: Callable[..., None] = lambda _, half: done.append(half)  # noqa: E731  # Typed.
    monkeypatch.setattr(Deployment, "_rebuild", rebuild)
    return done
