"""Some of moto's functions that take most of its time, replaced by ones with the same results."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from functools import cache
from typing import Any
from unittest.mock import patch

from moto.core.serialize import ResponseSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

_moto_serialize_structure = ResponseSerializer._serialize_type_structure
_moto_transact_write_items = DynamoDBBackend.transact_write_items


def _transact_write_items(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
    """TransactWriteItems as moto does it, but undone by the keys that it names: moto copies a whole
    table for every item of a transaction, to put the copy in the table's place if it fails.
    """
    before: list[tuple[dict[Any, Any], DynamoType, Item | None]] = []
    streamed = []
    for operation in (next(iter(item.values())) for item in items):
        table = backend.get_table(operation["TableName"])
        hashed, ranged = backend.get_keys_value(table, operation.get("Key") or operation["Item"])
        place = (table.items, hashed) if ranged is None else (table.items[hashed], ranged)
        before.append((*place, deepcopy(table.get_item(hashed, ranged))))
        if table.stream_shard is not None:
            streamed.append((table.stream_shard, len(table.stream_shard.items)))
    try:
        with patch.object(Table, "__deepcopy__", lambda table, _: table, create=True):
            _moto_transact_write_items(backend, items)
    except Exception:
        for rows, key, item in before:
            rows.pop(key, None)
            if item is not None:
                rows[key] = item
        for shard, length in streamed:
            del shard.items[length:]
        raise


_moto_query = Table.query


def _query(table: Table, hash_key: Any, *arguments: Any, **options: Any) -> Any:
    """A query reads its partition, where moto sorts the whole table and leaves out the others."""
    index_name = arguments[6]
    if index_name is None:
        rows = table.items.get(hash_key)
        table = copy(table)
        table.items = defaultdict(dict, {hash_key: rows} if rows else {})
    return _moto_query(table, hash_key, *arguments, **options)


def _serialize_structure(
    serializer: ResponseSerializer, serialized: Any, value: Any, shape: Any, key: str
) -> None:
    """A structure of a response: of an attribute's value only the type that it has is looked at,
    where moto looks for each of the ten types under each of the names it may have.
    """
    if shape.name != "AttributeValue" or type(value) is not dict or not key:
        _moto_serialize_structure(serializer, serialized, value, shape, key)
        return
    wrapper: dict[str, Any] = serializer.MAP_TYPE()
    for kind, told in value.items():
        if told is not None:
            serializer._serialize(wrapper, told, shape.members[kind], kind)
    serializer._default_serialize(serialized, wrapper, shape, key)


_moto_cast_value: Callable[[DynamoType], Any] = vars(DynamoType)["cast_value"].fget
_LIMIT = 405_000  # Bytes; moto's.


def _cast_value(value: DynamoType) -> Any:
    """A value to compare, sort and hash by: a string or bytes at once, where moto first asks for
    each of the other types.
    """
    if value.type in ("S", "B"):
        return value.value
    return _moto_cast_value(value)


_moto_size = DynamoType.size


def _size(value: DynamoType) -> int:
    """The bytes of a value, a string's at once."""
    if value.type == "S":
        return len(value.value.encode())
    return _moto_size(value)


def _begin_item(
    item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]
) -> None:
    """An item that is weighed once, where moto weighs it after each attribute."""
    item.hash_key, item.range_key, item.attrs = hash_key, range_key, LimitedSizeDict()
    for name, given in attrs.items():
        dict.__setitem__(item.attrs, name, DynamoType(given))
    if item.size() > _LIMIT:
        raise ItemSizeTooLarge


@contextmanager
def faster_moto() -> Iterator[None]:
    """moto with these functions."""
    with (
        patch.object(DynamoDBBackend, "transact_write_items", _transact_write_items),
        patch.object(Table, "query", _query),
        patch.object(Item, "__init__", _begin_item),
        patch.object(DynamoType, "size", _size),
        patch.object(DynamoType, "cast_value", property(_cast_value)),
        patch.object(ResponseSerializer, "_serialize_type_structure", _serialize_structure),
        patch("moto.core.responses.method_names_from_class", cache(method_names_from_class)),
    ):
        yield
