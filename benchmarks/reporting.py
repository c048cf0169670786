"""Reporting: whether an engine reports the units that DynamoDB's documentation says are charged."""

from typing import Any

from benchmarks.units import of_call
from chalicelib.tables import connection

_TABLE = "twofold-bench-reporting"


def check() -> list[dict[str, Any]]:
    """For some plain calls to the engine that the tables are connected to: what it reported, and
    what is charged by arithmetic. Null where it reported nothing.
    """
    client: Any = connection().client
    client.create_table(
        TableName=_TABLE,
        AttributeDefinitions=[
            {"AttributeName": "key", "AttributeType": "S"},
            {"AttributeName": "place", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "key", "KeyType": "HASH"},
            {"AttributeName": "place", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    found = []
    for name, operation, request in _calls():
        reply = getattr(client, operation[0])(**request, ReturnConsumedCapacity="TOTAL")
        charged = of_call(operation[1], request, reply)
        consumed = reply.get("ConsumedCapacity")
        several = consumed if isinstance(consumed, list) else [consumed]
        found.append(
            {
                "call": name,
                "charged": sum(charged or (0, 0)),
                "reported": sum(one["CapacityUnits"] for one in several) if consumed else None,
            }
        )
    client.delete_table(TableName=_TABLE)
    return found


def _calls() -> list[tuple[str, tuple[str, str], dict[str, Any]]]:
    put, get = ("put_item", "PutItem"), ("get_item", "GetItem")
    query, together = ("query", "Query"), ("transact_write_items", "TransactWriteItems")
    batch = ("batch_write_item", "BatchWriteItem")
    table = {"TableName": _TABLE}
    three = [{"Put": {**table, "Item": _item("t", place, 800)}} for place in range(3)]
    apart = [{"Put": {**table, "Item": _item(f"t{key}", 0, 800)}} for key in range(3)]
    puts = [{"PutRequest": {"Item": _item("b", place, 800)}} for place in range(4)]
    of_a = {**table, **_of("a")}
    return [
        ("PutItem of 0.8 KB", put, {**table, "Item": _item("a", 1, 800)}),
        ("PutItem of 2.5 KB", put, {**table, "Item": _item("a", 2, 2500)}),
        ("GetItem", get, {**table, "Key": _key("a", 1)}),
        ("GetItem, consistent", get, {**table, "Key": _key("a", 1), "ConsistentRead": True}),
        ("Query of one, consistent", query, {**of_a, "Limit": 1, "ConsistentRead": True}),
        ("Query that finds nothing", query, {**table, **_of("nobody")}),
        ("TransactWriteItems of 3, one partition", together, {"TransactItems": three}),
        ("TransactWriteItems of 3, three partitions", together, {"TransactItems": apart}),
        ("BatchWriteItem of 4", batch, {"RequestItems": {_TABLE: puts}}),
    ]


def _key(key: str, place: int) -> dict[str, Any]:
    return {"key": {"S": key}, "place": {"N": str(place)}}


def _item(key: str, place: int, size: int) -> dict[str, Any]:
    return {**_key(key, place), "data": {"S": "x" * size}}


def _of(key: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "#key = :key",
        "ExpressionAttributeNames": {"#key": "key"},
        "ExpressionAttributeValues": {":key": {"S": key}},
    }
