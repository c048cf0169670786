"""Some of moto's functions that take most of its time, replaced by ones with the same results."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from functools import cache
from itertools import count
from typing import Any
from unittest.mock import patch

from botocore.parsers import BaseJSONParser
from moto.backend_index import backend_url_patterns
from moto.core.serialize import BaseJSONSerializer, ResponseSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_to_dict

_ATTRIBUTE = "AttributeValue"
_AS_IT_IS = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})
"""The types of attributes whose values are the same in Python and in JSON."""

_moto_serialize_structure = ResponseSerializer._serialize_type_structure
_moto_serialize_map = BaseJSONSerializer._serialize_type_map
_botocore_handle_structure: Callable[..., Any] = vars(BaseJSONParser)["_handle_structure"]
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
    """A structure of a response: an attribute's value at once, where moto looks for each of the ten
    types under each of the names it may have.
    """
    if shape.name != _ATTRIBUTE or type(value) is not dict or not key:
        _moto_serialize_structure(serializer, serialized, value, shape, key)
        return
    serializer._default_serialize(serialized, _as_json(serializer, value), shape, key)


def _serialize_map(
    serializer: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str
) -> None:
    """A map of a response, such as an item: its attributes at once."""
    if shape.value.name != _ATTRIBUTE:
        _moto_serialize_map(serializer, serialized, value, shape, key)
        return
    attributes = {name: _as_json(serializer, each) for name, each in value.items()}
    serializer._default_serialize(serialized, attributes, shape, key)


def _as_json(serializer: ResponseSerializer, value: dict[str, Any]) -> dict[str, Any]:
    """An attribute's value as it is sent."""
    sent: dict[str, Any] = {}
    for kind, told in value.items():
        match kind:
            case "B":
                sent[kind] = serializer._base64(told)
            case "BS":
                sent[kind] = [serializer._base64(each) for each in told]
            case "M":
                sent[kind] = {name: _as_json(serializer, each) for name, each in told.items()}
            case "L":
                sent[kind] = [_as_json(serializer, each) for each in told]
            case _ if told is not None:
                sent[kind] = told
    return sent


def _handle_structure(parser: Any, shape: Any, value: Any) -> Any:
    """A structure of a reply: of an attribute's value only the type that it has is looked at, where
    botocore looks for each of the ten.
    """
    if shape.name != _ATTRIBUTE or type(value) is not dict or len(value) != 1:
        return _botocore_handle_structure(parser, shape, value)
    ((kind, told),) = value.items()
    if kind in _AS_IT_IS:
        return value
    return {kind: parser._parse_shape(shape.members[kind], told)}


def _to_dict(value: Any) -> Any:
    """What moto answers, without its own classes: the usual ones at once."""
    kind = type(value)
    if kind is DynamoType and value.type in _AS_IT_IS:
        return {value.type: value.value}
    if kind in (dict, LimitedSizeDict):
        return {name: _to_dict(each) for name, each in value.items()}
    if kind is list:
        return [_to_dict(each) for each in value]
    return dynamo_to_dict(value)


def _copy_item(item: Item, _: dict[int, Any]) -> Any:
    """A copy of an item, without a memory of what was copied: an item has no cycles."""
    made: Any = Item.__new__(Item)
    made.hash_key, made.range_key = _copy(item.hash_key), _copy(item.range_key)
    made.attrs = LimitedSizeDict()
    for name, value in item.attrs.items():
        dict.__setitem__(made.attrs, name, _copy(value))
    return made


def _copy(value: Any) -> Any:
    """A copy of an attribute's value, or None."""
    if type(value) is not DynamoType or value.type in ("L", "M", "SS", "NS", "BS"):
        return deepcopy(value)
    made = DynamoType.__new__(DynamoType)
    made.type, made.value = value.type, value.value
    return made


_requests = count(1)


def _request_id(headers: dict[str, Any] | None = None) -> str:
    """An id of 52 characters, as moto draws at random."""
    id = f"{next(_requests):052}"
    if headers is not None:
        headers["x-amzn-requestid"] = id
    return id


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


def _size_of_item(item: Item) -> int:
    """The bytes of an item with the names of its attributes."""
    return sum(len(name.encode()) + _size(value) for name, value in item.attrs.items())


def _begin_item(
    item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]
) -> None:
    """An item that is weighed once, where moto weighs it after each attribute."""
    item.hash_key, item.range_key, item.attrs = hash_key, range_key, LimitedSizeDict()
    for name, given in attrs.items():
        dict.__setitem__(item.attrs, name, DynamoType(given))
    if item.size() > _LIMIT:
        raise ItemSizeTooLarge


def _dynamodb_first() -> list[Any]:
    """The addresses that moto compares with that of a request, in its order but for DynamoDB's."""
    return sorted(backend_url_patterns, key=lambda each: each[0] != "dynamodb")


@contextmanager
def faster_moto() -> Iterator[None]:
    """moto with these functions."""
    with (
        patch.object(DynamoDBBackend, "transact_write_items", _transact_write_items),
        patch.object(Table, "query", _query),
        patch.object(Item, "__init__", _begin_item),
        patch.object(Item, "__deepcopy__", _copy_item),
        patch.object(Item, "size", _size_of_item),
        patch.object(DynamoType, "size", _size),
        patch.object(DynamoType, "cast_value", property(_cast_value)),
        patch.object(ResponseSerializer, "_serialize_type_structure", _serialize_structure),
        patch.object(BaseJSONSerializer, "_serialize_type_map", _serialize_map),
        patch.object(BaseJSONParser, "_handle_structure", _handle_structure),
        patch("moto.core.responses.method_names_from_class", cache(method_names_from_class)),
        patch("moto.core.responses.gen_amzn_requestid_long", _request_id),
        patch("moto.dynamodb.responses.dynamo_to_dict", _to_dict),
        patch("moto.backend_index.backend_url_patterns", _dynamodb_first()),
    ):
        yield
