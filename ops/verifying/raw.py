"""Raw tables: items as DynamoDB stores them. All reads are strongly consistent."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import msgspec

from chalicelib.tables import Table, connection

Item = dict[str, dict[str, Any]]
"""Attributes as DynamoDB writes them: `{"version": {"N": "1"}}`."""

MOST = 100
"""DynamoDB's limit of items in a transaction, and in a batch of reads."""

_PAGE = 1000


def client() -> Any:
    """The process's client of DynamoDB."""
    return connection().client


def name_of(table: type[Table]) -> str:
    """The name of a table."""
    return str(table.Meta.table_name)


@cache
def key_names(table: type[Table]) -> tuple[str, ...]:
    """The names of a table's key attributes, the hash key first."""
    names = (table._hash_keyname, table._range_keyname)  # PynamoDB has no public attributes.
    return tuple(name for name in names if name is not None)


def key_of(table: type[Table], item: Item) -> Item:
    """The key attributes of an item."""
    return {name: item[name] for name in key_names(table)}


def key(table: type[Table], *values: str | int) -> Item:
    """The key attributes with these values, the hash key's first."""
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in zip(key_names(table), values, strict=False)
    }


def key_text(table: type[Table], item: Item) -> str:
    """The values of an item's key as one text."""
    return str([item[name] for name in key_names(table)])


def get(table: type[Table], key: Item) -> Item | None:
    """The item with this key, if any."""
    found = client().get_item(TableName=name_of(table), Key=key, ConsistentRead=True)
    item: Item | None = found.get("Item")
    return item


def get_all(table: type[Table], items: Sequence[Item]) -> dict[str, Item]:
    """The stored items with the keys of these, by the key's text."""
    keys = list({key_text(table, item): key_of(table, item) for item in items}.values())
    found: dict[str, Item] = {}
    for start in range(0, len(keys), MOST):
        wanted = {name_of(table): {"Keys": keys[start : start + MOST], "ConsistentRead": True}}
        while wanted:
            answer = client().batch_get_item(RequestItems=wanted)
            for item in answer["Responses"].get(name_of(table), []):
                found[key_text(table, item)] = item
            wanted = answer.get("UnprocessedKeys") or {}
    return found


def query(
    table: type[Table],
    partition: str,
    *,
    newest_first: bool = False,
    page: int = _PAGE,
    first: int | None = None,
) -> Iterator[Item]:
    """The items of a partition in ascending or descending order of their range keys.

    With `first`, those whose range key is at least that number.
    """
    hash_key, *range_key = key_names(table)
    asked: dict[str, Any] = {
        "TableName": name_of(table),
        "KeyConditionExpression": "#k = :k",
        "ExpressionAttributeNames": {"#k": hash_key},
        "ExpressionAttributeValues": {":k": {"S": partition}},
        "ConsistentRead": True,
        "ScanIndexForward": not newest_first,
        "Limit": page,
    }
    if first is not None:
        asked["KeyConditionExpression"] += " and #r >= :r"
        asked["ExpressionAttributeNames"]["#r"] = range_key[0]
        asked["ExpressionAttributeValues"][":r"] = {"N": str(first)}
    return _items_of(client().query, asked)


def last(table: type[Table], partition: str) -> Item | None:
    """The last item of a partition, such as a stream's newest event."""
    return next(query(table, partition, newest_first=True, page=1), None)


def all_items(table: type[Table]) -> Iterator[Item]:
    """Every item of a table, by one scan."""
    return _items_of(client().scan, {"TableName": name_of(table), "ConsistentRead": True})


def all_keys(table: type[Table]) -> Iterator[Item]:
    """The key attributes of every item of a table, by one scan."""
    names = {f"#{number}": name for number, name in enumerate(key_names(table))}
    asked = {
        "TableName": name_of(table),
        "ProjectionExpression": ", ".join(names),
        "ExpressionAttributeNames": names,
        "ConsistentRead": True,
    }
    return _items_of(client().scan, asked)


def _items_of(operation: Callable[..., Any], asked: dict[str, Any]) -> Iterator[Item]:
    while True:
        found = operation(**asked)
        yield from found["Items"]
        if "LastEvaluatedKey" not in found:
            return
        asked["ExclusiveStartKey"] = found["LastEvaluatedKey"]


def text_of(item: Item, name: str) -> str:
    """An attribute as text; "" if it is missing."""
    return str(next(iter(item.get(name, {"S": ""}).values())))


def number_of(item: Item, name: str) -> int:
    """An attribute as a whole number; 0 if it is missing. An engine may write 4E+30."""
    try:
        return int(Decimal(text_of(item, name)))
    except (InvalidOperation, ValueError, OverflowError):
        return 0


def same(one: Item | None, other: Item | None) -> bool:
    """Whether two items have equal attributes, or are both missing."""
    return (one and _plain(one)) == (other and _plain(other))


def digest(item: Item) -> int:
    """128 bits of SHA-256 over all attributes, independent of how numbers are written."""
    return mark(_plain(item))


def mark(value: Any) -> int:
    """128 bits of SHA-256 over a value as JSON."""
    return int.from_bytes(hashlib.sha256(msgspec.json.encode(value)).digest()[:16])


def _plain(item: Item) -> list[tuple[str, str, Any]]:
    """An item's sorted names, types and values, with numbers in their canonical form."""
    plain = []
    for name, typed in sorted(item.items()):
        ((kind, value),) = typed.items()
        if kind == "N":
            value = _number(value)
        elif not isinstance(value, str | bool):
            value = repr(value)
        plain.append((name, kind, value))
    return plain


def _number(text: str) -> str:
    try:
        return str(int(text))
    except ValueError:
        number = Decimal(text)
        return str(int(number)) if number == int(number) else text
