"""What all DynamoDB tables share: their naming, and one client per process."""

import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import ContextVar, copy_context
from decimal import Decimal
from functools import cache
from threading import RLock
from typing import Any, Literal, TypeVar

from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.retries.standard import register_retry_handler
from pynamodb.attributes import Attribute
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import NUMBER
from pynamodb.exceptions import PutError, TableError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from chalicelib import __version__
from chalicelib.settings import holding, settings
from chalicelib.transport.calls import shorten

CONDITION_FAILED = "ConditionalCheckFailedException"
CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 3.0
"""Two requests that time out, and the check of their outcome, end within a Lambda's 10 s."""

_ATTEMPTS, _WORKERS = 4, 16
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_depth: ContextVar[int] = ContextVar("depth", default=0)
_repeats: ContextVar[Literal["all", "in time", "none"]] = ContextVar("repeats", default="all")
_binding = RLock()  # Binding one table may have to look its name up in another.
_renamed: ContextVar[Mapping[str, str]] = ContextVar("_renamed")


def connection() -> Connection:
    """The process's one connection to the DynamoDB of its settings."""
    return _connection(settings().region, settings().endpoint)


def disconnect() -> None:
    """Lets the next request make a new connection."""
    _connection.cache_clear()


@cache
def _connection(region: str, endpoint: str | None) -> Connection:
    made = Connection(
        region=region,
        host=endpoint,
        connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds=READ_TIMEOUT_SECONDS,
        max_pool_connections=2 * _WORKERS,
    )
    # Botocore would compute its user agent for every request: a tenth of its CPU time.
    made.session.set_default_client_config(Config(user_agent=f"twofold/{__version__}"))
    _configure_retries(made)  # Also makes the client, which each thread would do at its first use.
    shorten(made.client)
    return made


def _configure_retries(made: Connection) -> None:
    """Botocore retries in its standard mode, except inside `sent_once` and `in_time`."""
    client: Any = made.client
    events, handler = client.meta.events, {"unique_id": "retry-config-dynamodb"}
    events.unregister("needs-retry.dynamodb", **handler)
    retries = register_retry_handler(client, max_attempts=_ATTEMPTS)
    events.unregister("needs-retry.dynamodb", **handler)

    def needs_retry(**response: Any) -> float | None:
        late = isinstance(response.get("caught_exception"), ConnectTimeoutError | ReadTimeoutError)
        repeats = _repeats.get()
        if repeats == "none" or (repeats == "in time" and late):
            return None
        delay: float | None = retries.needs_retry(**response)
        return delay

    events.register("needs-retry.dynamodb", needs_retry, **handler)


def sent_once() -> AbstractContextManager[None]:
    """Inside the block requests are not retried, so that a reply is the outcome of its request.

    Otherwise a write whose reply is lost, and whose retry is throttled, looks like one not done.
    """
    return holding(_repeats, "none")


def in_time() -> AbstractContextManager[None]:
    """Inside the block a request that timed out is not retried, because of Lambda's own timeout."""
    return holding(_repeats, "in time")


class Named(type):
    """The metaclass of every `Meta`: derives the real name from `name` and the settings."""

    name: str
    billing_mode = "PAY_PER_REQUEST"

    @property
    def table_name(cls) -> str:
        """The real name of the table."""
        return _renamed.get({}).get(cls.name) or cls.current()

    def current(cls) -> str:
        """The real name as of the settings."""
        return settings().table_name(cls.name)


class ReadNamed(Named):
    """The metaclass of a read table's `Meta`: each replica of a projection group has its own."""

    def current(cls) -> str:
        """The real name as of the settings."""
        return settings().read_table_name(cls.name)


def renamed(name: str, real_name: str) -> AbstractContextManager[None]:
    """Inside the block the table with this short name has this real name."""
    return holding(_renamed, {**_renamed.get({}), name: real_name})


def is_renamed(name: str) -> bool:
    """Whether this runs inside `renamed` for the table with this short name."""
    return name in _renamed.get({})


class Table(Model):
    """The base of every table, whose `Meta` has the metaclass `Named`."""

    @classmethod
    def short_name(cls) -> str:
        """The name of the table without environment and replica."""
        meta: Any = cls.Meta
        return str(meta.name)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        # PynamoDB has no public way to share one; another client takes 77 ms of a cold start.
        shared, own, name = connection(), cls._connection, cls.Meta.table_name
        # The name changes with the stage, and with the active blue-green table.
        if own is None or own.connection is not shared or own.table_name != name:
            with _binding:
                cls._connection = None
                own = super()._get_connection()
                if own.table_name not in shared._tables:
                    shared.add_meta_table(own.get_meta_table())
                own.connection = shared
        return own


def saved(row: Table, condition: Condition) -> bool:
    """Writes a row; whether the condition was true."""
    return is_met(lambda: row.save(condition))


def is_met(write: Callable[[], object]) -> bool:
    """Does a conditional put or update; whether its condition was true."""
    try:
        write()
    except (PutError, UpdateError) as error:
        if response_code(error) != CONDITION_FAILED:
            raise
        return False
    return True


class Integer(Attribute[int]):
    """A whole number of any size. PynamoDB's own would read a large one as a float."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """The number for DynamoDB."""
        return str(value)

    def deserialize(self, value: str) -> int:
        """The number from DynamoDB."""
        return int(Decimal(value))  # An emulator may write a large one as 4E+30.


def bucket_of(key: str, buckets: int) -> int:
    """The bucket of a key, by a stable hash."""
    return zlib.crc32(key.encode()) % buckets


def create(models: Iterable[type[Table]]) -> None:
    """Creates the tables that do not exist, and waits for those that another process creates."""
    for model in (each for each in models if not each.exists()):
        try:
            model.create_table(wait=True)
        except TableError as error:
            if response_code(error) != "ResourceInUseException":
                raise
            connection().client.get_waiter("table_exists").wait(TableName=model.Meta.table_name)


@cache
def _pool(depth: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix=f"tables-{depth}")


os.register_at_fork(after_in_child=_pool.cache_clear)  # It has none of its parent's threads.


def in_parallel(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """The results of `work` on every item, run in parallel threads, in the items' order.

    All work has ended when this returns or raises the first error in order. Calls may be nested:
    each depth has its own threads, so that there is no deadlock.
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
        # The interpreter is shutting down; the current request still gets its response.
        return [work(item) for item in waiting]
    for future in futures:
        future.exception()  # All of it has ended before an error is raised.
    return [future.result() for future in futures]


def response_code(error: Any) -> str:
    """The DynamoDB error code behind a PynamoDB error; empty for a network fault."""
    # PynamoDB's own `cause_response_code` fails if there is no response.
    response = getattr(error.cause, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def response_status(error: Any) -> int:
    """The HTTP status behind a PynamoDB error; 0 for a network fault."""
    # PynamoDB keeps only a part of the response; botocore's error is its cause.
    full = getattr(error.cause, "__cause__", None)
    metadata = (getattr(full, "response", None) or {}).get("ResponseMetadata", {})
    return int(metadata.get("HTTPStatusCode", 0))
