"""Schema: what a table is, read off its PynamoDB model and nothing else.

`definition` gives the parameters of DynamoDB's CreateTable, and `resource` the same as
CloudFormation: one reading of the model, so that the two cannot come to differ.
"""

from collections.abc import Sequence
from typing import Any

from pynamodb.attributes import TTLAttribute

from chalicelib.tables import Table
from ops.copies import is_multi_region, key_in

PROTECTED = "Protected"
"""The template's condition that tables are protected from deletion (see `ops/template.py`)."""


def definition(
    model: type[Table], tags: dict[str, str], kms_key: str | None = None
) -> dict[str, Any]:
    """CreateTable's parameters: on demand, encrypted, protected from deletion, tagged.

    `kms_key` is the ARN of a key of the account's own; without it AWS's key for DynamoDB encrypts.
    """
    schema = model._get_schema()  # What PynamoDB itself creates tables from; it has no public name.
    parameters: dict[str, Any] = {
        "TableName": model.Meta.table_name,
        "KeySchema": _keys(schema["key_schema"]),
        "AttributeDefinitions": sorted(
            schema["attribute_definitions"], key=lambda attribute: str(attribute["AttributeName"])
        ),
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"Enabled": True, **_key(kms_key)},
        "DeletionProtectionEnabled": True,
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
    }
    if schema["global_secondary_indexes"]:
        parameters["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index["index_name"],
                "KeySchema": _keys(index["key_schema"]),
                "Projection": index["projection"],
            }
            for index in schema["global_secondary_indexes"]
        ]
    view = getattr(model.Meta, "stream_view_type", None)
    if view:
        parameters["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    return parameters


def resource(
    model: type[Table],
    tags: dict[str, str],
    replicas: Sequence[str] = (),
    kms_key: str | None = None,
) -> dict[str, Any]:
    """The table as a CloudFormation resource, which outlives its stack.

    With `replicas`, the other regions that hold a copy, it is a global table; a table cannot become
    one later, so they are named before the first deployment. Each region then needs a replica of
    the KMS key. Raises ValueError for a key that has none.
    """
    properties = definition(model, tags)
    # CloudFormation's words for three of the same things.
    properties["SSESpecification"] = {"SSEEnabled": True, **_key(None if replicas else kms_key)}
    properties["DeletionProtectionEnabled"] = {"Fn::If": [PROTECTED, True, False]}
    if expiry := expiry_of(model):
        properties["TimeToLiveSpecification"] = {"AttributeName": expiry, "Enabled": True}
    if "StreamSpecification" in properties:
        del properties["StreamSpecification"]["StreamEnabled"]
    kept = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    if replicas:
        # What belongs to one copy is said of each; DynamoDB replicates by a stream of both images.
        for name in ("DeletionProtectionEnabled", "Tags"):
            kept[name] = properties.pop(name)
        properties["StreamSpecification"] = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        properties["Replicas"] = [
            {"Region": region, **kept, **_replica_key(kms_key, region)}
            for region in [{"Ref": "AWS::Region"}, *replicas]
        ]
        if kms_key:
            properties["SSESpecification"]["SSEType"] = "KMS"
    else:
        properties |= kept
    return {
        "Type": "AWS::DynamoDB::GlobalTable" if replicas else "AWS::DynamoDB::Table",
        # Deleting the stack keeps the table; rolling back its creation does not.
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def expiry_of(model: type[Table]) -> str | None:
    """The attribute whose time DynamoDB deletes an item at; None for a table that keeps all."""
    for attribute in model.get_attributes().values():
        if isinstance(attribute, TTLAttribute):
            return str(attribute.attr_name)
    return None


def _key(kms_key: str | None) -> dict[str, Any]:
    return {"SSEType": "KMS", "KMSMasterKeyId": kms_key} if kms_key else {}


def _replica_key(kms_key: str | None, region: Any) -> dict[str, Any]:
    """The key of one region's copy: a multi-Region key has the same id everywhere."""
    if kms_key is None:
        return {}
    if not is_multi_region(kms_key):
        raise ValueError("copies in other regions need a multi-Region KMS key (its id: mrk-…)")
    key = key_in(kms_key, region) if isinstance(region, str) else kms_key
    return {"SSESpecification": {"KMSMasterKeyId": key}}


def logical_id(model: type[Table]) -> str:
    """The name of the table's resource in a template: `EventsTable` for `twofold-prod-events`."""
    words = str(model.Meta.table_name).rsplit("-", 1)[1].split("_")
    return "".join(word.capitalize() for word in words) + "Table"


def has_indexes(model: type[Table]) -> bool:
    """Whether a table has indexes."""
    return bool(model._get_schema()["global_secondary_indexes"])  # As above.


def _keys(schema: Sequence[Any]) -> list[Any]:
    """Hash key first, which DynamoDB asks for and PynamoDB does not keep."""
    return sorted(schema, key=lambda key: str(key["KeyType"]))
