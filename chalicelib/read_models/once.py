"""Rows that many events need, written only once by each process."""

from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from pynamodb.connection import Connection

from chalicelib.tables import connection, in_parallel


class WrittenOnce:
    """The rows that this process has written, by engine and table."""

    def __init__(self) -> None:
        self._written: WeakKeyDictionary[Connection, set[tuple[str, str]]] = WeakKeyDictionary()

    def write(self, table: str, keys: Iterable[str], put: Callable[[str], object]) -> None:
        """Calls `put`, in parallel, for the keys that were not yet written to this table."""
        written = self._written.setdefault(connection(), set())
        new = {(table, key) for key in keys} - written
        in_parallel(lambda each: put(each[1]), new)
        written.update(new)

    def forget(self) -> None:
        """Lets the next batch write its rows again."""
        self._written.clear()
