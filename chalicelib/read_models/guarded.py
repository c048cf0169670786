"""Guarded writes: many rows, each on the condition that the stored row, if any, is older.

`BatchExecuteStatement` takes 25 of them in one request, and each succeeds or fails by itself. A
statement does nothing if its condition is false, so a request without a reply may be sent again,
and one that arrives late does not overwrite a newer row.

PartiQL has no upsert: the first write of a row is an INSERT, each later one an UPDATE. If it fails
and the stored row is not as new, the write is repeated by `single`, an UpdateItem or PutItem. Then
the row did not exist yet, or lacked an attribute, or there is an error, which `single` raises.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.backoff import Backoff
from chalicelib.tables import Table, connection, in_parallel

logger = logging.getLogger(__name__)

_STATEMENTS = 25
"""DynamoDB's limit of one BatchExecuteStatement."""

_BYTES = 250_000
"""The most bytes of the statements of one request, as JSON, below DynamoDB's limit of 300 KB."""

_ATTEMPTS = 4
"""Attempts in batches, within 0.14 s. The requests of `single` are then retried by botocore."""

_BACKOFF = Backoff(base=0.02)
_TRANSIENT = {
    "InternalServerError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingError",
    "TransactionConflict",
}
_EXPECTED = {"ConditionalCheckFailed", "DuplicateItem"}
"""Errors of statements whose condition is false."""


Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class GuardedWrite:
    """The write of one row.

    `names` are the attributes that it sets, or removes if they are None in the row. `guards` are
    numbers whose stored values must all be smaller. `is_first` says that the row probably does not
    exist yet. `single` does the same write with a request of its own.
    """

    row: Table
    names: Sequence[str]
    guards: Sequence[str]
    is_first: bool
    single: Callable[[], object]

    def statement(self) -> dict[str, Any]:
        """The statement and its parameters, in the format of BatchExecuteStatement."""
        attributes = self.row.get_attributes()
        keys = [name for name, each in attributes.items() if each.is_hash_key or each.is_range_key]
        item = self._encoded([*keys, *self.names])
        if self.is_first:
            fields = ", ".join(f"'{name}': ?" for name in item)
            text = f'INSERT INTO "{self.row.Meta.table_name}" VALUE {{{fields}}}'
            return {"Statement": text, "Parameters": list(item.values())}
        given = [name for name in self.names if name in item]
        changes = [
            *(f'SET "{name}"=?' for name in given),
            *(f'REMOVE "{name}"' for name in self.names if name not in item),
        ]
        conditions = [*(f'"{key}"=?' for key in keys), *(f'"{name}"<?' for name in self.guards)]
        return {
            "Statement": f'UPDATE "{self.row.Meta.table_name}" {" ".join(changes)} '
            f"WHERE {' AND '.join(conditions)}",
            "Parameters": [item[name] for name in (*given, *keys, *self.guards)],
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def is_superseded_by(self, item: Item) -> bool:
        """Whether a stored row is at least as new as this write by all guards."""
        return all(
            Decimal(item.get(name, {}).get("N", "-1")) >= getattr(self.row, name)
            for name in self.guards
        )

    def _encoded(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        attributes = self.row.get_attributes()
        values = {name: getattr(self.row, name) for name in names}
        return {
            name: {attributes[name].attr_type: attributes[name].serialize(value)}
            for name, value in values.items()
            if value is not None
        }


def singly(writes: Sequence[GuardedWrite]) -> None:
    """Does each write by a request of its own, in parallel."""
    in_parallel(lambda write: write.single(), writes)


def write(writes: Sequence[GuardedWrite]) -> None:
    """Does writes of different rows, in batches that are sent in parallel.

    Raises PynamoDB's or botocore's error if one fails.
    """
    if len(writes) < 2:
        singly(writes)
        return
    batches = list(_batches([(write, write.statement()) for write in writes]))
    singly([write for left in in_parallel(_execute, batches) for write in left])


Prepared = tuple[GuardedWrite, dict[str, Any]]
"""A write and its statement."""


def _batches(writes: Sequence[Prepared]) -> Iterator[list[Prepared]]:
    batch: list[Prepared] = []
    size = 0
    for prepared in writes:
        more = len(json.dumps(prepared[1]))
        if batch and (len(batch) == _STATEMENTS or size + more > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(prepared)
        size += more
    yield batch


def _execute(batch: Sequence[Prepared]) -> list[GuardedWrite]:
    """Executes the statements; the writes that remain to be done singly."""
    left: list[GuardedWrite] = []
    for attempt in range(_ATTEMPTS):
        if len(batch) < 2:
            break
        if attempt:
            time.sleep(_BACKOFF.delay(attempt - 1))
        again = []
        for prepared, code, item in _replies(batch):
            if code in _TRANSIENT:
                again.append(prepared)
            elif code and not (item and prepared[0].is_superseded_by(item)):
                left.append(prepared[0])
        batch = again
    return [*left, *(write for write, _ in batch)]


def _replies(batch: Sequence[Prepared]) -> Iterator[tuple[Prepared, str, Item | None]]:
    """Each write with the code of its error, or "", and its stored row if the condition failed."""
    client: Any = connection().client
    try:
        reply = client.batch_execute_statement(
            Statements=[statement for _, statement in batch], ReturnConsumedCapacity="TOTAL"
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code != "ValidationException":
            raise
        logger.warning("a batch of %d statements is not valid: %s", len(batch), error)
        yield from ((prepared, code, None) for prepared in batch)
        return
    for prepared, one in zip(batch, reply["Responses"], strict=True):
        failed = one.get("Error", {})
        code = failed.get("Code", "")
        if code and code not in _EXPECTED | _TRANSIENT:
            logger.warning("a statement failed: %s: %s", code, failed.get("Message", ""))
        yield prepared, code, failed.get("Item")
