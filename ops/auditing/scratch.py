"""Scratch: what an audit must remember until its end, on disk, so that its memory stays small."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from ops.auditing.assertions import Assertion
from ops.auditing.streams import Head

_TABLES = """
create table streams (name text primary key, ledger text, events int, at text, asset text, net text,
    version int, hash blob) without rowid;
create table assertions (stream text, version int, place int, of text, side int, digest text,
    named blob, primary key (stream, version, place)) without rowid;
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
    """A row, or all rows of a partition, that a read table must have.

    A `digest` of "" says that it cannot be told what it must be. `asset` is an account's, for the
    sums that it adds to.
    """

    model: str
    key: str
    version: int
    digest: str
    asset: str = ""


class Proven(NamedTuple):
    """What a stream was at an earlier checkpoint, which `origin` names in words."""

    origin: str
    version: int
    hash: bytes


class Scratch:
    """The file. Safe for threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._loads = 0
        self._file = sqlite3.connect(folder / "audit.sqlite", check_same_thread=False)
        self._file.executescript(_TABLES)

    def close(self) -> None:
        """Ends it."""
        self._file.close()

    def add_assertions(self, stream: str, assertions: Iterable[tuple[int, int, Assertion]]) -> None:
        """What a stream says of others: each with its version and its place in that event."""
        self._many(
            "insert or replace into assertions values (?, ?, ?, ?, ?, ?, ?)",
            [
                (stream, version, place, each.of, each.side, each.digest, each.named)
                for version, place, each in assertions
            ],
        )

    def add_stream(
        self, head: Head, ledger: str, events: int, at: str, asset: str, net: int
    ) -> None:
        """What a stream comes to: its head and when that was recorded, its debits less credits."""
        values = [(head.stream, ledger, events, at, asset, str(net), head.version, head.hash)]
        self._many("insert or replace into streams values (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def has_stream(self, name: str) -> bool:
        """Whether it was there before."""
        return bool(self._all("select 1 from streams where name = ?", name))

    def streams(self) -> Iterator[tuple[str, str, int, str, str, int]]:
        """Name, ledger, events, time, asset, debits less credits of every stream."""
        asked = "select name, ledger, events, at, asset, net from streams"
        for *rest, net in self._each(asked, ()):
            yield (*rest, int(net))

    def see(self, streams: Iterable[str]) -> None:
        """Streams of an earlier checkpoint that are known to be there."""
        self._many("update proven set seen = 1 where stream = ?", [(name,) for name in streams])

    def unseen(self, ledger: str) -> list[str]:
        """The accounts and stripes of a ledger's earlier checkpoint that are not known so."""
        between = _streams_of(f"{ledger}/account")
        asked = "select stream from proven where not seen and stream > ? and stream < ?"
        return [name for (name,) in self._all(asked, *between)]

    def heads_since(self, ledger: str) -> Iterator[Head]:
        """The heads of an earlier checkpoint, and instead of some of them those that were seen."""
        asked = (
            "select name, version, hash from streams where name > ? and name < ? union all "
            "select stream, max(version), hash from proven where stream > ? and stream < ? "
            "and not exists (select 1 from streams where name = stream) group by 1 order by 1"
        )
        for row in self._each(asked, _streams_of(ledger) * 2):
            yield Head(*row)

    def heads(self, ledger: str) -> Iterator[Head]:
        """The head of every stream of a ledger, in the order of their names as bytes of UTF-8."""
        asked = "select name, version, hash from streams where name > ? and name < ? order by name"
        for row in self._each(asked, _streams_of(ledger)):
            yield Head(*row)

    def prove(self, origin: str, heads: Iterable[Head]) -> None:
        """Heads of an earlier checkpoint, of which today's streams must be the continuation.

        Two checkpoints that call themselves the same and have other heads are both proved.
        """
        self._loads += 1
        self._many(
            "insert or ignore into proven (stream, origin, version, hash, load) "
            "values (?, ?, ?, ?, ?)",
            ((head.stream, origin, head.version, head.hash, self._loads) for head in heads),
        )

    def forget_last(self) -> None:
        """Nothing is to be proved of the checkpoint that came last."""
        self._many("delete from proven where load = ?", [(self._loads,)])

    def proven(self, stream: str) -> list[Proven]:
        """What a stream was at earlier checkpoints."""
        if not self._loads:
            return []
        asked = "select origin, version, hash from proven where stream = ?"
        return [Proven(*row) for row in self._all(asked, stream)]

    def gone(self) -> Iterator[tuple[str, Proven]]:
        """The streams of earlier checkpoints that were not seen."""
        asked = (
            "select stream, origin, version, hash from proven "
            "where not exists (select 1 from streams where name = stream) order by stream"
        )
        for stream, *proven in self._each(asked, ()):
            yield stream, Proven(*proven)

    def expect(self, rows: Iterable[Row]) -> None:
        """Rows that must be there."""
        self._many(
            "insert or replace into rows (model, key, version, digest, asset) "
            "values (?, ?, ?, ?, ?)",
            rows,
        )

    def expected(self, model: str, keys: Sequence[str]) -> dict[str, Row]:
        """Of these rows, those that must be there; they are not missing."""
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
        """Of these rows of accounts, those whose asset is known."""
        rows = self._all(
            "select key, asset from rows where model = ? and asset != '' "
            "and key in (select value from json_each(?))",
            model,
            json.dumps(keys),
        )
        return dict(rows)

    def add_sums(self, keys: Iterable[tuple[str, str]]) -> None:
        """Sums that were found, by the name of their read model and their key as text."""
        self._many("insert or ignore into sums values (?, ?)", keys)

    def suspect(self, rows: Iterable[tuple[str, str]]) -> None:
        """Rows, by model and key, that are to be looked at again."""
        self._many("insert or ignore into suspects values (?, ?)", rows)

    def suspect_missing(self) -> None:
        """Whatever must be there and was not seen is to be looked at again."""
        self._many(
            "insert or ignore into suspects select model, key from rows "
            "where not seen and digest != ?",
            [("",)],
        )

    def clear(self, model: str, key: str) -> None:
        """A row that is as it must be."""
        self._many("delete from suspects where model = ? and key = ?", [(model, key)])

    def suspects(self) -> Iterator[tuple[str, str, int]]:
        """The rows to be looked at, each with the version that it must have reached."""
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
        """The keys of a read model's sums that were found, as text."""
        return [key for (key,) in self._all("select key from sums where model = ?", model)]

    def one_sided(self) -> Iterator[str]:
        """The transactions of which not both sides say the same, or that name another event."""
        for (of,) in self._each(
            "select distinct of from (select of from assertions group by of, digest "
            "having sum(side) != 0 or count(distinct named) > 1)",
            (),
        ):
            yield of

    def sayers(self, of: str) -> list[tuple[str, int]]:
        """The events, by stream and version, that said something of a transaction."""
        self._many("create index if not exists by_of on assertions (of)", [()])
        rows = self._all(
            "select distinct stream, version from assertions where of = ? and side > 0", of
        )
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


def _streams_of(ledger: str) -> tuple[str, str]:
    """What the names of a ledger's streams lie between: 0 comes after /."""
    return f"{ledger}/", f"{ledger}0"
