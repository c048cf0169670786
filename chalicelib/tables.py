"""Tables: what every DynamoDB table shares: a name from the stage, and one client per process.

PynamoDB opens a client for each model; a client is most of a cold start (77 ms each), so all
models go through one connection here.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from chalicelib import __version__
from chalicelib.settings import settings

CONDITION_FAILED = "ConditionalCheckFailedException"

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 3.0
"""Two requests that hang, and the look whether a command is done, end within a Lambda's 10 s."""

_ATTEMPTS = 4
_WORKERS = 16
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
    # Otherwise every request says anew on what system and with what settings it was made: a tenth
    # of what a request costs this process.
    made.session.set_default_client_config(Config(user_agent=f"twofold/{__version__}"))
    _repeat_as_asked(made)  # Makes the client: it is made lazily otherwise, by each first thread.
    return made


def _repeat_as_asked(made: Connection) -> None:
    """Botocore sends a request again as it always does, but within `sent_once` and `in_time`."""
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


@contextmanager
def sent_once() -> Iterator[None]:
    """Within it, each request of this thread is sent once, so that its outcome is its reply's.

    Otherwise a write whose reply was lost, and which was throttled when it was sent again, would
    look like one that never arrived.
    """
    before = _repeats.set("none")
    try:
        yield
    finally:
        _repeats.reset(before)


@contextmanager
def in_time() -> Iterator[None]:
    """Within it, a request that was not answered in time is not sent again.

    Otherwise an engine that does not answer would be waited for longer than a Lambda has.
    """
    before = _repeats.set("in time")
    try:
        yield
    finally:
        _repeats.reset(before)


class Named(type):
    """The metaclass of every table's `Meta`, which says the table's short `name`.

    The real name follows from the settings when it is used, so that one process can work on the
    tables of several stages.
    """

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


@contextmanager
def renamed(name: str, real_name: str) -> Iterator[None]:
    """Inside the block the table with this short name is the one with this real name."""
    token = _renamed.set({**_renamed.get({}), name: real_name})
    try:
        yield
    finally:
        _renamed.reset(token)


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
        # Private to PynamoDB, and the only place where a model can be given a shared connection.
        shared, own, name = connection(), cls._connection, cls.Meta.table_name
        # Another stage's table, or the other one of two blue-green tables, has another name.
        if own is None or own.connection is not shared or own.table_name != name:
            with _binding:
                cls._connection = None
                own = super()._get_connection()
                if own.table_name not in shared._tables:
                    shared.add_meta_table(own.get_meta_table())
                own.connection = shared
        return own


def saved(row: Table, condition: Condition) -> bool:
    """Whether a row was written: its condition held."""
    try:
        row.save(condition)
    except PutError as error:
        if response_code(error) != CONDITION_FAILED:
            raise
        return False
    return True


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


def in_parallel(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
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
    return str(_response(error).get("Error", {}).get("Code", ""))


def response_status(error: Any) -> int:
    """The HTTP status behind a PynamoDB error; 0 for a network fault."""
    # PynamoDB keeps a part of the response only, and botocore's error behind its own.
    full = getattr(error.cause, "__cause__", None)
    metadata = (getattr(full, "response", None) or {}).get("ResponseMetadata", {})
    return int(metadata.get("HTTPStatusCode", 0))


def _response(error: Any) -> dict[str, Any]:
    return getattr(error.cause, "response", None) or {}
