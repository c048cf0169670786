"""Heads: the streams of an audit, and those of earlier checkpoints, in a file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ops.auditing.database import Database
from ops.auditing.findings import ledger_of
from ops.auditing.streams import Head, StreamCheck

StreamLine = tuple[str, str, int, str, str, str, int, bytes]
"""A checked stream: name, ledger, events, time, asset, debits less credits, version, hash."""

ProvenLine = tuple[str, str, int, bytes]
"""The head of a stream at an earlier checkpoint: stream, origin, version, hash."""


class Proven(NamedTuple):
    """The head of a stream at an earlier checkpoint, which `origin` describes."""

    origin: str
    version: int
    hash: bytes


class Heads(Database):
    """The file's tables of streams."""

    schema = """
create table if not exists streams (name text primary key, ledger text, events int, at text,
    asset text, net text, version int, hash blob) without rowid;
create table if not exists proven (stream text, origin text, version int, hash blob, load int,
    seen int default 0, primary key (stream, origin, version, hash)) without rowid;
create table if not exists damaged (name text primary key) without rowid;
"""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        super().__init__(path, read_only=read_only)
        self.origins: list[str] = []

    def add_stream(self, check: StreamCheck) -> None:
        """Adds a checked stream."""
        self.add_streams([stream_line(check)])

    def add_streams(self, lines: Iterable[StreamLine]) -> None:
        """Adds checked streams."""
        self._many("insert or replace into streams values (?, ?, ?, ?, ?, ?, ?, ?)", lines)

    def streams(self) -> Iterator[tuple[str, str, int, str, str, int]]:
        """Name, ledger, events, time, asset, debits less credits of every stream."""
        statement = "select name, ledger, events, at, asset, net from streams"
        for *rest, net in self._each(statement, ()):
            yield (*rest, int(net))

    def add_damaged(self, names: Iterable[str]) -> None:
        """Adds streams whose rows cannot be known."""
        self._many("insert or ignore into damaged values (?)", [(name,) for name in names])

    def damaged(self, names: Sequence[str]) -> set[str]:
        """Those of these streams whose rows cannot be known."""
        statement = "select name from damaged where name in (select value from json_each(?))"
        return {name for (name,) in self._all(statement, json.dumps(names))} if names else set()

    def version_of(self, name: str) -> int:
        """The version of a checked stream; 0 if there is none."""
        found = self._all("select version from streams where name = ?", name)
        return int(found[0][0]) if found else 0

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

    def prove(self, origin: str, heads: Iterable[Head], root: str = "") -> None:
        """Adds the heads of an earlier checkpoint, which the present streams must continue."""
        self.origins.append(f"{origin} {root}")
        self._many(
            "insert or ignore into proven (stream, origin, version, hash, load) "
            "values (?, ?, ?, ?, ?)",
            ((head.stream, origin, head.version, head.hash, len(self.origins)) for head in heads),
        )

    def forget_last(self) -> None:
        """Removes the heads of the checkpoint that was added last."""
        self._many("delete from proven where load = ?", [(len(self.origins),)])
        self.origins.pop()

    def proven(self, stream: str) -> list[Proven]:
        """The heads of a stream at earlier checkpoints."""
        statement = "select origin, version, hash from proven where stream = ?"
        return [Proven(*row) for row in self._all(statement, stream)]

    def all_proven(self) -> Iterator[ProvenLine]:
        """Every head of the earlier checkpoints."""
        return self._each("select stream, origin, version, hash from proven", ())

    def add_proven(self, lines: Iterable[ProvenLine]) -> None:
        """Adds heads of earlier checkpoints that another file has."""
        self._many(
            "insert or ignore into proven (stream, origin, version, hash) values (?, ?, ?, ?)",
            lines,
        )

    def gone(self) -> Iterator[tuple[str, Proven]]:
        """The streams of earlier checkpoints that were not added."""
        statement = (
            "select stream, origin, version, hash from proven "
            "where not exists (select 1 from streams where name = stream) order by stream"
        )
        for stream, *proven in self._each(statement, ()):
            yield stream, Proven(*proven)


def stream_line(check: StreamCheck) -> StreamLine:
    """A checked stream as it is kept."""
    name, ledger, net = check.name, ledger_of(check.name), str(check.tally.net)
    return name, ledger, check.count, check.at, check.asset, net, check.version, check.hash


def _streams_of(ledger: str) -> tuple[str, str]:
    """The bounds of the names of a ledger's streams: 0 comes after /."""
    return f"{ledger}/", f"{ledger}0"
