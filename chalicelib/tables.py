"""Tables: what every DynamoDB table shares: a name from the stage, and one client per process.

PynamoDB opens a client for each model; a client is most of a cold start (77 ms each), so all
models go through one connection here.
"""

import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from decimal import Decimal
from functools import cache
from threading import RLock
from typing import Any, TypeVar

from botocore.config import Config
from pynamodb.attributes import Attribute
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import NUMBER
from pynamodb.models import Model

from chalicelib import __version__
from chalicelib.settings import settings

CONDITION_FAILED = "ConditionalCheckFailedException"

_WORKERS = 16
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_depth: ContextVar[int] = ContextVar("depth", default=0)
_binding = RLock()  # Binding one table may have to look its name up in another.


@cache
def connection() -> Connection:
    """The process's one connection to DynamoDB."""
    made = Connection(
        region=settings().region,
        host=settings().endpoint,
        connect_timeout_seconds=2,
        read_timeout_seconds=5,
        max_retry_attempts=3,
        max_pool_connections=2 * _WORKERS,
    )
    # Otherwise every request says anew on what system and with what settings it was made: a tenth
    # of what a request costs this process.
    made.session.set_default_client_config(Config(user_agent=f"twofold/{__version__}"))
    _ = made.client  # Made now: it is made lazily otherwise, once by each thread that is first.
    return made


class Table(Model):
    """The base of every table.

    A model's `Meta` says `table_name = settings().table_name(...)`, and nothing else about where
    it lives.
    """

    @classmethod
    def _get_connection(cls) -> TableConnection:
        # Private to PynamoDB, and the only place where a model can be given a shared connection.
        shared, own, name = connection(), cls._connection, cls.Meta.table_name
        # A table of another generation has another name.
        if own is None or own.connection is not shared or own.table_name != name:
            with _binding:
                cls._connection = None
                own = super()._get_connection()
                if own.table_name not in shared._tables:
                    shared.add_meta_table(own.get_meta_table())
                own.connection = shared
        return own


class Integer(Attribute[int]):
    """A whole number of any size. PynamoDB's own would read a large one as a float."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """As DynamoDB takes it."""
        return str(value)

    def deserialize(self, value: str) -> int:
        """As DynamoDB gives it."""
        return int(Decimal(value))  # An emulator may write a large one as 4E+30.


def bucket_of(key: str, buckets: int) -> int:
    """The bucket of a key: a hash that is the same in every process."""
    return zlib.crc32(key.encode()) % buckets


def create(models: Iterable[type[Table]]) -> None:
    """Makes those of the tables that do not exist yet, as their models say."""
    for model in models:
        if not model.exists():
            model.create_table(wait=True)


@cache
def _pool(depth: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix=f"tables-{depth}")


def together(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """`work` done on every item, the round trips at the same time; results in the items' order.

    Every item's work has ended when this returns or raises; the first error in order is raised.
    Work may do so itself: each depth has threads of its own, and none waits for one that waits.
    """
    waiting = list(items)
    if len(waiting) < 2:
        return [work(item) for item in waiting]
    connection()
    depth = _depth.get()

    def deeper(item: _Item) -> _Result:
        _depth.set(depth + 1)  # In the copy of the context that this runs in.
        return work(item)

    try:
        futures = [_pool(depth).submit(copy_context().run, deeper, item) for item in waiting]
    except RuntimeError:
        # The process is ending: what it has begun to answer, it still answers.
        return [work(item) for item in waiting]
    errors = [future.exception() for future in futures]
    for error in errors:
        if error is not None:
            raise error
    return [future.result() for future in futures]


def response_code(error: Any) -> str:
    """The DynamoDB error code behind a PynamoDB error; empty for a network fault."""
    # Not PynamoDB's own `cause_response_code`, which stumbles over a reply that never came.
    response = getattr(error.cause, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
