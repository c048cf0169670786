"""Tables as CreateTable's parameters and as CloudFormation: one reading of the models."""

from typing import Any

import pytest
from moto import mock_aws

from chalicelib.local.environment import TABLES
from chalicelib.tables import Table
from ops.aws import client
from ops.provision import make
from ops.schema import PROTECTED, definition, expiry_of, logical_id, resource

TAGS = {"app": "twofold", "environment": "test"}


def _as_parameters(properties: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation's properties in the words of CreateTable, once protection is on."""
    said = dict(properties)
    assert said.pop("DeletionProtectionEnabled") == {"Fn::If": [PROTECTED, True, False]}
    said["DeletionProtectionEnabled"] = True
    assert said.pop("PointInTimeRecoverySpecification") == {"PointInTimeRecoveryEnabled": True}
    assert said.pop("SSESpecification") == {"SSEEnabled": True}
    said["SSESpecification"] = {"Enabled": True}
    said.pop("TimeToLiveSpecification", None)  # Which CreateTable does not take.
    if "StreamSpecification" in said:
        said["StreamSpecification"] = {"StreamEnabled": True, **said["StreamSpecification"]}
    return said


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_the_template_and_the_provisioning_say_the_same_of_a_table(model: type[Table]) -> None:
    made = resource(model, TAGS)
    assert made["Type"] == "AWS::DynamoDB::Table"
    assert (made["DeletionPolicy"], made["UpdateReplacePolicy"]) == (
        "RetainExceptOnCreate",
        "Retain",
    )
    assert _as_parameters(made["Properties"]) == definition(model, TAGS)


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_a_provisioned_table_is_what_its_model_is(model: type[Table]) -> None:
    with mock_aws():
        dynamodb = client("dynamodb")
        for _ in range(2):  # Again changes nothing.
            make(dynamodb, definition(model, TAGS), expiry_of(model))
        name = model.Meta.table_name
        table = dynamodb.describe_table(TableName=name)["Table"]
        backups = dynamodb.describe_continuous_backups(TableName=name)
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert expiry.get("AttributeName") == expiry_of(model)
    schema = model._get_schema()
    assert {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]} == {
        key["AttributeName"]: key["KeyType"] for key in schema["key_schema"]
    }
    indexes = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", ())}
    assert indexes == {index["index_name"] for index in schema["global_secondary_indexes"]}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert (
        backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"][
            "PointInTimeRecoveryStatus"
        ]
        == "ENABLED"
    )


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_a_table_with_replicas_is_the_same_table_in_each_region(model: type[Table]) -> None:
    made = resource(model, TAGS, ["eu-west-1"])
    alone = resource(model, TAGS)["Properties"]
    assert made["Type"] == "AWS::DynamoDB::GlobalTable"
    here, there = made["Properties"].pop("Replicas")
    assert (here.pop("Region"), there.pop("Region")) == ({"Ref": "AWS::Region"}, "eu-west-1")
    assert here == there
    assert made["Properties"].pop("StreamSpecification")["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    alone.pop("StreamSpecification", None)
    assert {**made["Properties"], **here} == alone


def test_only_the_event_table_streams() -> None:
    streaming = {
        logical_id(model) for model in TABLES if "StreamSpecification" in definition(model, TAGS)
    }
    assert streaming == {"EventsTable"}
    events = next(model for model in TABLES if logical_id(model) == "EventsTable")
    assert definition(events, TAGS)["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"


KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234"
ACROSS = "arn:aws:kms:eu-central-1:123456789012:key/mrk-1234"


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_a_key_of_ones_own_encrypts_a_table_and_its_copies(model: type[Table]) -> None:
    said = definition(model, TAGS, KEY)["SSESpecification"]
    assert said == {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}
    alone = resource(model, TAGS, kms_key=KEY)["Properties"]["SSESpecification"]
    assert alone == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}
    copies = resource(model, TAGS, ["eu-west-1"], ACROSS)["Properties"]
    assert copies["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert [each["SSESpecification"]["KMSMasterKeyId"] for each in copies["Replicas"]] == [
        ACROSS,
        ACROSS.replace("eu-central-1", "eu-west-1"),
    ]
    with pytest.raises(ValueError, match="multi-Region"):
        resource(model, TAGS, ["eu-west-1"], KEY)
