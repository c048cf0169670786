"""Raw: rows as DynamoDB's own API has them, which shows also what no model of ours would write."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from chalicelib.tables import Table, connection

Item = dict[str, Any]
"""A row: each value under the letter of its type."""

MOST = 100
"""Items of one transaction, and of one batch of reads, at DynamoDB."""


def client() -> Any:
    """The process's one client of DynamoDB."""
    return connection().client


def name_of(model: type[Table]) -> str:
    """The name of a table."""
    return str(model.Meta.table_name)


def key_of(model: type[Table], item: Item) -> Item:
    """The key attributes of an item."""
    schema = model._get_schema()  # As in ops/schema.py.
    return {key["AttributeName"]: item[key["AttributeName"]] for key in schema["key_schema"]}


def read(model: type[Table], item: Item) -> Item | None:
    """The row in this item's place, as it is now."""
    found: Item | None = (
        client()
        .get_item(TableName=name_of(model), Key=key_of(model, item), ConsistentRead=True)
        .get("Item")
    )
    return found


def place_of(model: type[Table], item: Item) -> str:
    """The values of an item's key, as one text."""
    return str(sorted(key_of(model, item).items()))


def read_all(model: type[Table], items: Sequence[Item]) -> dict[str, Item]:
    """The rows in the places of these items, as they are now, by place."""
    keys = list({place_of(model, item): key_of(model, item) for item in items}.values())
    found: dict[str, Item] = {}
    for start in range(0, len(keys), MOST):
        wanted = {name_of(model): {"Keys": keys[start : start + MOST], "ConsistentRead": True}}
        while wanted:
            answer = client().batch_get_item(RequestItems=wanted)
            for item in answer["Responses"].get(name_of(model), []):
                found[place_of(model, item)] = item
            wanted = answer.get("UnprocessedKeys") or {}
    return found


def number_of(item: Item, name: str) -> int:
    """A number in an item; 0 where there is none. An engine may write a large one as 4E+30."""
    return int(Decimal(item.get(name, {}).get("N", "0")))
