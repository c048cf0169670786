"""Schema: what a table is, read off its PynamoDB model and nothing else.

`definition` gives the parameters of DynamoDB's CreateTable, and `resource` the same as
CloudFormation: one reading of the model, so that the two cannot come to differ.
"""

from collections.abc import Sequence
from typing import Any

from chalicelib.tables import Table


def definition(model: type[Table], tags: dict[str, str]) -> dict[str, Any]:
    """CreateTable's parameters: on demand, encrypted, protected from deletion, tagged."""
    schema = model._get_schema()  # What PynamoDB itself creates tables from; it has no public name.
    parameters: dict[str, Any] = {
        "TableName": model.Meta.table_name,
        "KeySchema": _keys(schema["key_schema"]),
        "AttributeDefinitions": sorted(
            schema["attribute_definitions"], key=lambda attribute: str(attribute["AttributeName"])
        ),
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"Enabled": True},
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
    model: type[Table], tags: dict[str, str], replicas: Sequence[str] = ()
) -> dict[str, Any]:
    """The table as a CloudFormation resource, which outlives its stack.

    With `replicas`, the other regions that hold a copy, it is a global table; a table cannot become
    one later, so they are named before the first deployment.
    """
    properties = definition(model, tags)
    # CloudFormation's words for two of the same things.
    properties["SSESpecification"] = {"SSEEnabled": True}
    if "StreamSpecification" in properties:
        del properties["StreamSpecification"]["StreamEnabled"]
    kept = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    if replicas:
        # What belongs to one copy is said of each; DynamoDB replicates by a stream of both images.
        for name in ("DeletionProtectionEnabled", "Tags"):
            kept[name] = properties.pop(name)
        properties["StreamSpecification"] = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        regions = [{"Ref": "AWS::Region"}, *replicas]
        properties["Replicas"] = [{"Region": region, **kept} for region in regions]
    else:
        properties |= kept
    return {
        "Type": "AWS::DynamoDB::GlobalTable" if replicas else "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def logical_id(model: type[Table]) -> str:
    """The name of the table's resource in a template: `EventsTable` for `twofold-prod-events`."""
    words = str(model.Meta.table_name).rsplit("-", 1)[1].split("_")
    return "".join(word.capitalize() for word in words) + "Table"


def _keys(schema: Sequence[Any]) -> list[Any]:
    """Hash key first, which DynamoDB asks for and PynamoDB does not keep."""
    return sorted(schema, key=lambda key: str(key["KeyType"]))
