"""Scratch: what an audit must remember until its end, on disk, so that its memory stays small."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from ops.auditing.facts import Fact

_TABLES = """
create table streams (name text primary key, ledger text, events int, at text, asset text, net text)
    without rowid;
create table facts (stream text, version int, place int, of text, side int, digest text,
    primary key (stream, version, place)) without rowid;
create table rows (room text, key text, version int, digest text, asset text, seen int default 0,
    primary key (room, key)) without rowid;
create table suspects (room text, key text, primary key (room, key)) without rowid;
pragma journal_mode = off;
pragma synchronous = off;
"""


class Row(NamedTuple):
    """A row, or all rows of an account's statement, that a read table must have.

    A `digest` of "" says that it cannot be told what it must be. `asset` is an account's, for the
    sums that it adds to.
    """

    room: str
    key: str
    version: int
    digest: str
    asset: str = ""


class Scratch:
    """The file. Safe for threads."""

    def __init__(self, folder: Path) -> None:
        self._lock = Lock()
        self._file = sqlite3.connect(folder / "audit.sqlite", check_same_thread=False)
        self._file.executescript(_TABLES)

    def close(self) -> None:
        """Ends it."""
        self._file.close()

    def add_facts(self, stream: str, facts: Iterable[tuple[int, int, Fact]]) -> None:
        """What a stream says of others: each with its version and its place in that event."""
        self._many(
            "insert or replace into facts values (?, ?, ?, ?, ?, ?)",
            [
                (stream, version, place, fact.of, fact.side, fact.digest)
                for version, place, fact in facts
            ],
        )

    def add_stream(
        self, name: str, ledger: str, events: int, at: str, asset: str, net: int
    ) -> None:
        """What a stream comes to: its newest event's time, its debits less its credits."""
        values = [(name, ledger, events, at, asset, str(net))]
        self._many("insert or replace into streams values (?, ?, ?, ?, ?, ?)", values)

    def has_stream(self, name: str) -> bool:
        """Whether it was there before."""
        return bool(self._all("select 1 from streams where name = ?", name))

    def streams(self) -> Iterator[tuple[str, str, int, str, str, int]]:
        """Name, ledger, events, time, asset, debits less credits of every stream."""
        for *rest, net in self._each("select * from streams", ()):
            yield (*rest, int(net))

    def expect(self, rows: Iterable[Row]) -> None:
        """Rows that must be there."""
        self._many(
            "insert or replace into rows (room, key, version, digest, asset) "
            "values (?, ?, ?, ?, ?)",
            rows,
        )

    def expected(self, room: str, keys: Sequence[str]) -> dict[str, Row]:
        """Of these rows, those that must be there; they are not missing."""
        known = self._all(
            "select room, key, version, digest, asset from rows "
            "where room = ? and key in (select value from json_each(?))",
            room,
            json.dumps(keys),
        )
        self._many(
            "update rows set seen = 1 where room = ? and key = ?", [(room, row[1]) for row in known]
        )
        return {row[1]: Row(*row) for row in known}

    def suspect(self, rows: Iterable[tuple[str, str]]) -> None:
        """Rows, by room and key, that are to be looked at again."""
        self._many("insert or ignore into suspects values (?, ?)", rows)

    def suspect_missing(self) -> None:
        """Whatever must be there and was not seen is to be looked at again."""
        self._many(
            "insert or ignore into suspects select room, key from rows "
            "where not seen and digest != ?",
            [("",)],
        )

    def clear(self, room: str, key: str) -> None:
        """A row that is as it must be."""
        self._many("delete from suspects where room = ? and key = ?", [(room, key)])

    def suspects(self) -> Iterator[tuple[str, str, int]]:
        """The rows to be looked at, each with the version that it must have reached."""
        last = ("", "")
        while page := self._all(
            "select s.room, s.key, ifnull(r.version, 0) from suspects s "
            "left join rows r on r.room = s.room and r.key = s.key "
            "where s.room != 'sums' and (s.room, s.key) > (?, ?) order by s.room, s.key limit 1000",
            *last,
        ):
            yield from page
            last = page[-1][:2]

    def sums(self) -> list[tuple[str, str]]:
        """The keys of the sums that were found."""
        rows = self._all("select key from suspects where room = 'sums'")
        return [(key.partition(" ")[0], key.partition(" ")[2]) for (key,) in rows]

    def one_sided(self) -> Iterator[str]:
        """The transactions of which not both sides say the same."""
        for (of,) in self._each(
            "select distinct of from "
            "(select of from facts group by of, digest having sum(side) != 0)",
            (),
        ):
            yield of

    def sayers(self, of: str) -> list[tuple[str, int]]:
        """The events, by stream and version, that said something of a transaction."""
        self._many("create index if not exists by_of on facts (of)", [()])
        rows = self._all("select distinct stream, version from facts where of = ? and side > 0", of)
        return [(stream, version) for stream, version in rows]

    def _many(self, statement: str, values: Iterable[Any]) -> None:
        with self._lock:
            self._file.executemany(statement, values)

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._file.execute(statement, values).fetchall()

    def _each(self, statement: str, values: Sequence[Any]) -> Iterator[Any]:
        """The rows as they are read: nothing may be written to the same table in between."""
        with closing(self._file.execute(statement, values)) as found:
            yield from found
