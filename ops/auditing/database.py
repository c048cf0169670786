"""A SQLite database in a file, which only one audit uses."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any

# Nothing is synced: after a crash of the machine an audit begins again.
_PRAGMAS = """
pragma journal_mode = truncate;
pragma synchronous = off;
"""


class Database:
    """A file of SQLite with the tables of `schema`. Thread-safe.

    A process that is killed loses what was written since the last `commit`.
    """

    schema = ""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.folder = path.parent
        self._lock = Lock()
        address = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._file = sqlite3.connect(address, uri=True, check_same_thread=False, timeout=60)
        if not read_only:
            self._file.executescript(_PRAGMAS + self.schema)

    def close(self) -> None:
        """Closes the file. What was not committed is lost."""
        self._file.close()

    def commit(self) -> None:
        """Keeps what was written."""
        with self._lock:
            self._file.commit()

    def _many(self, statement: str, values: Iterable[Any]) -> None:
        with self._lock:
            self._file.executemany(statement, values)

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._file.execute(statement, values).fetchall()

    def _each(self, statement: str, values: Sequence[Any]) -> Iterator[Any]:
        """The rows of a query, one by one. The table must not be written meanwhile."""
        with closing(self._file.execute(statement, values)) as found:
            yield from found
