"""Scratch: the state of an audit on disk, so that its memory stays small."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from ops.auditing.assertions import Assertion
from ops.auditing.findings import ledger_of
from ops.auditing.streams import Head, StreamCheck

_TABLES = """
create table streams (name text primary key, ledger text, events int, at text, asset text, net text,
    version int, hash blob) without rowid;
create table assertions (stream text, version int, number int, of text, side int, digest text,
    named blob, primary key (stream, version, number)) without rowid;
create table rows (model text, key text, version int, digest text, asset text, seen int default 0,
    primary key (model, key)) without rowid;
create table proven (stream text, origin text, version int, hash blob, load int,
    seen int default 0, primary key (stream, origin, version, hash)) without rowid;
create table sums (model text, key text, primary key (model, key)) without rowid;
create table suspects (model text, key text, primary key (model, key)) without rowid;
pragma journal_mode = off;
pragma synchronous = off;
"""


class Row(NamedTuple):
    """An expected row, or all expected rows of a partition.

    `digest` is "" if the expected content is not known. `asset` is an account's, for its sums.
    """

    model: str
    key: str
    version: int
    digest: str
    asset: str = ""


class Proven(NamedTuple):
    """The head of a stream at an earlier checkpoint, which `origin` describes."""

    origin: str
    version: int
    hash: bytes


class Scratch:
    """The file. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._loads = 0
        self._file = sqlite3.connect(folder / "audit.sqlite", check_same_thread=False)
        self._file.executescript(_TABLES)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def add_assertions(self, stream: str, assertions: Iterable[tuple[int, int, Assertion]]) -> None:
        """Adds the assertions of a stream, each with its event's version and its number there."""
        self._many(
            "insert or replace into assertions values (?, ?, ?, ?, ?, ?, ?)",
            [
                (stream, version, number, each.of, each.side, each.digest, each.named)
                for version, number, each in assertions
            ],
        )

    def add_stream(self, check: StreamCheck) -> None:
        """Adds a checked stream: its head and the time of that, its debits less credits."""
        name, ledger, net = check.name, ledger_of(check.name), str(check.tally.net)
        row = (name, ledger, check.count, check.at, check.asset, net, check.version, check.hash)
        self._many("insert or replace into streams values (?, ?, ?, ?, ?, ?, ?, ?)", [row])

    def has_stream(self, name: str) -> bool:
        """Whether this stream was added."""
        return bool(self._all("select 1 from streams where name = ?", name))

    def streams(self) -> Iterator[tuple[str, str, int, str, str, int]]:
        """Name, ledger, events, time, asset, debits less credits of every stream."""
        statement = "select name, ledger, events, at, asset, net from streams"
        for *rest, net in self._each(statement, ()):
            yield (*rest, int(net))

    def see(self, streams: Iterable[str]) -> None:
        """Marks streams of an earlier checkpoint as existing."""
        self._many("update proven set seen = 1 where stream = ?", [(name,) for name in streams])

    def unseen(self, ledger: str) -> list[str]:
        """The accounts and stripes of a ledger's earlier checkpoint that were not marked."""
        between = _streams_of(f"{ledger}/account")
        statement = "select stream from proven where not seen and stream > ? and stream < ?"
        return [name for (name,) in self._all(statement, *between)]

    def heads_since(self, ledger: str) -> Iterator[Head]:
        """The heads of an earlier checkpoint, updated by the streams that were added."""
        statement = (
            "select name, version, hash from streams where name > ? and name < ? union all "
            "select stream, max(version), hash from proven where stream > ? and stream < ? "
            "and not exists (select 1 from streams where name = stream) group by 1 order by 1"
        )
        return map(Head._make, self._each(statement, _streams_of(ledger) * 2))

    def heads(self, ledger: str) -> Iterator[Head]:
        """The head of every stream of a ledger, in the order of their names as bytes of UTF-8."""
        statement = (
            "select name, version, hash from streams where name > ? and name < ? order by name"
        )
        return map(Head._make, self._each(statement, _streams_of(ledger)))

    def prove(self, origin: str, heads: Iterable[Head]) -> None:
        """Adds the heads of an earlier checkpoint, which the present streams must continue."""
        self._loads += 1
        self._many(
            "insert or ignore into proven (stream, origin, version, hash, load) "
            "values (?, ?, ?, ?, ?)",
            ((head.stream, origin, head.version, head.hash, self._loads) for head in heads),
        )

    def forget_last(self) -> None:
        """Removes the heads of the checkpoint that was added last."""
        self._many("delete from proven where load = ?", [(self._loads,)])

    def proven(self, stream: str) -> list[Proven]:
        """The heads of a stream at earlier checkpoints."""
        if not self._loads:
            return []
        statement = "select origin, version, hash from proven where stream = ?"
        return [Proven(*row) for row in self._all(statement, stream)]

    def gone(self) -> Iterator[tuple[str, Proven]]:
        """The streams of earlier checkpoints that were not added."""
        statement = (
            "select stream, origin, version, hash from proven "
            "where not exists (select 1 from streams where name = stream) order by stream"
        )
        for stream, *proven in self._each(statement, ()):
            yield stream, Proven(*proven)

    def expect(self, rows: Iterable[Row]) -> None:
        """Adds expected rows."""
        self._many(
            "insert or replace into rows (model, key, version, digest, asset) "
            "values (?, ?, ?, ?, ?)",
            rows,
        )

    def expected(self, model: str, keys: Sequence[str]) -> dict[str, Row]:
        """The expected rows with these keys. Marks them as found."""
        known = self._all(
            "select model, key, version, digest, asset from rows "
            "where model = ? and key in (select value from json_each(?))",
            model,
            json.dumps(keys),
        )
        self._many(
            "update rows set seen = 1 where model = ? and key = ?",
            [(model, row[1]) for row in known],
        )
        return {row[1]: Row(*row) for row in known}

    def assets(self, model: str, keys: Sequence[str]) -> dict[str, str]:
        """The known assets of accounts, by the keys of their rows in a read model."""
        statement = (
            "select key, asset from rows where model = ? and asset != '' "
            "and key in (select value from json_each(?))"
        )
        return dict(self._all(statement, model, json.dumps(keys)))

    def add_sums(self, keys: Iterable[tuple[str, str]]) -> None:
        """Adds stored sums, by read model and key as text."""
        self._many("insert or ignore into sums values (?, ?)", keys)

    def suspect(self, rows: Iterable[tuple[str, str]]) -> None:
        """Adds rows, by model and key, that are to be read again."""
        self._many("insert or ignore into suspects values (?, ?)", rows)

    def suspect_missing(self) -> None:
        """Adds the expected rows that were not found."""
        self._many(
            "insert or ignore into suspects select model, key from rows "
            "where not seen and digest != ?",
            [("",)],
        )

    def clear(self, model: str, key: str) -> None:
        """Removes a row that is correct."""
        self._many("delete from suspects where model = ? and key = ?", [(model, key)])

    def suspects(self) -> Iterator[tuple[str, str, int]]:
        """The rows to read again, each with the version that it must have reached."""
        last = ("", "")
        while page := self._all(
            "select s.model, s.key, ifnull(r.version, 0) from suspects s "
            "left join rows r on r.model = s.model and r.key = s.key "
            "where (s.model, s.key) > (?, ?) order by s.model, s.key limit 1000",
            *last,
        ):
            yield from page
            last = page[-1][:2]

    def sums(self, model: str) -> list[str]:
        """The keys of a read model's stored sums, as text."""
        return [key for (key,) in self._all("select key from sums where model = ?", model)]

    def one_sided(self) -> Iterator[str]:
        """The transactions whose sides differ."""
        statement = (
            "select distinct of from (select of from assertions group by of, digest "
            "having sum(side) != 0 or count(distinct named) > 1)"
        )
        return (of for (of,) in self._each(statement, ()))

    def asserting(self, of: str) -> list[tuple[str, int]]:
        """The coordinates of other streams' events with assertions about a transaction."""
        self._many("create index if not exists by_of on assertions (of)", [()])
        statement = "select distinct stream, version from assertions where of = ? and side > 0"
        return self._all(statement, of)

    def _many(self, statement: str, values: Iterable[Any]) -> None:
        with self._lock:
            self._file.executemany(statement, values)

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._file.execute(statement, values).fetchall()

    def _each(self, statement: str, values: Sequence[Any]) -> Iterator[Any]:
        """The rows while they are read: the table must not be written meanwhile."""
        with closing(self._file.execute(statement, values)) as found:
            yield from found


def _streams_of(ledger: str) -> tuple[str, str]:
    """The bounds of the names of a ledger's streams: 0 comes after /."""
    return f"{ledger}/", f"{ledger}0"
