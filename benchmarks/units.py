"""Units: what DynamoDB charges for a call, by its documented arithmetic on item sizes.

An engine reports the units that it thinks were used; where none does, or as a check on one that
does, this computes them from what was sent and received. (Amazon DynamoDB Developer Guide,
"DynamoDB item sizes and formats" and "DynamoDB read and write operations".)
"""

from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import Any

READ_BYTES, WRITE_BYTES = 4096, 1024
"""What one unit reads or writes at most."""

Attributes = Mapping[str, Mapping[str, Any]]
"""An item in DynamoDB's JSON: `{"version": {"N": "1"}}`."""


def item_size(item: Attributes) -> int:
    """The size of an item in bytes: the names of its attributes, and their values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(size: int, *, transactional: bool = False) -> int:
    """The units of writing an item that is this many bytes, before or after."""
    return max(1, ceil(size / WRITE_BYTES)) * (2 if transactional else 1)


def read_units(size: int, *, consistent: bool) -> float:
    """The units of reading this many bytes in one Query, or as one item."""
    return max(1, ceil(size / READ_BYTES)) * (1.0 if consistent else 0.5)


def of_call(operation: str, request: Any, reply: Any) -> tuple[float, float] | None:
    """The read and write units of a call on tables without indexes; None where sizes do not tell:
    an update's item is not among what is sent and received.
    """
    consistent = bool(request.get("ConsistentRead"))
    match operation:
        case "GetItem":
            return read_units(item_size(reply.get("Item", {})), consistent=consistent), 0
        case "Query" | "Scan":
            size = sum(item_size(item) for item in reply["Items"])
            return read_units(size, consistent=consistent), 0
        case "BatchGetItem":
            return _batch_read(request, reply), 0
        case "TransactGetItems":
            sizes = [item_size(part.get("Item", {})) for part in reply["Responses"]]
            return sum(2 * read_units(size, consistent=True) for size in sizes), 0
        case "PutItem":
            return 0, write_units(item_size(request["Item"]))
        case "TransactWriteItems":
            puts = [part.get("Put") for part in request["TransactItems"]]
            if not all(puts):
                return None
            sizes = [item_size(put["Item"]) for put in puts]
            return 0, sum(write_units(size, transactional=True) for size in sizes)
        case "BatchWriteItem":
            puts = [put["PutRequest"]["Item"] for table in _tables(request) for put in table]
            return 0, sum(write_units(item_size(item)) for item in puts)
        case _:
            return None


def _batch_read(request: Any, reply: Any) -> float:
    units = 0.0
    for table, asked in request["RequestItems"].items():
        found = reply["Responses"].get(table, [])
        consistent = bool(asked.get("ConsistentRead"))
        units += sum(read_units(item_size(item), consistent=consistent) for item in found)
        units += (len(asked["Keys"]) - len(found)) * read_units(0, consistent=consistent)
    return units


def _tables(request: Any) -> list[Any]:
    return list(request["RequestItems"].values())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return _number_size(held)
        case "B":
            return len(held) * 3 // 4 - held[-2:].count("=") if isinstance(held, str) else len(held)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(one) for one in held)
        case "M":
            return 3 + len(held) + item_size(held)
        case _:
            raise ValueError(f"Twofold stores no attributes of type {kind}")


def _number_size(text: str) -> int:
    """About a byte per two significant digits, one more, and one for a sign."""
    number = Decimal(text).normalize()
    return ceil(len(number.as_tuple().digits) / 2) + 1 + (number < 0)
