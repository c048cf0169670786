"""Scratch: the state of an audit on disk, so that its memory stays small."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from ops.auditing.assertions import Assertion
from ops.auditing.heads import Heads

AssertionLine = tuple[str, int, int, str, int, str, bytes | None]
"""An assertion of an event: stream, version, number there, of, side, digest, named."""


class Row(NamedTuple):
    """An expected row, or all expected rows of a partition.

    `digest` is "" if the expected content is not known. `asset` is an account's, for its sums.
    """

    model: str
    key: str
    version: int
    digest: str
    asset: str = ""


class KnownRows(Protocol):
    """The rows that an audit knows, in one file or in several."""

    def expected(self, model: str, keys: Sequence[str]) -> dict[str, Row]:
        """The expected rows with these keys."""

    def assets(self, model: str, keys: Sequence[str]) -> dict[str, str]:
        """The known assets of accounts, by the keys of their rows in a read model."""

    def sums(self, model: str) -> list[str]:
        """The keys of a read model's stored sums, as text."""


class Scratch(Heads):
    """The scratch file of an audit: streams, assertions, expected rows and suspected rows."""

    schema = (
        Heads.schema
        + """
create table if not exists assertions (stream text, version int, number int, of text, side int,
    digest text, named blob, primary key (stream, version, number)) without rowid;
create table if not exists rows (model text, key text, version int, digest text, asset text,
    seen int default 0, primary key (model, key)) without rowid;
create table if not exists suspects (model text, key text, primary key (model, key)) without rowid;
"""
    )

    def add_assertions(self, lines: Iterable[AssertionLine]) -> None:
        """Adds assertions."""
        self._many("insert or replace into assertions values (?, ?, ?, ?, ?, ?, ?)", lines)

    def expect(self, rows: Iterable[Row]) -> None:
        """Adds expected rows."""
        self._many(
            "insert or replace into rows (model, key, version, digest, asset) "
            "values (?, ?, ?, ?, ?)",
            rows,
        )

    def expected(self, model: str, keys: Sequence[str]) -> dict[str, Row]:
        """The expected rows with these keys."""
        known = self._all(
            "select model, key, version, digest, asset from rows "
            "where model = ? and key in (select value from json_each(?))",
            model,
            json.dumps(keys),
        )
        return {row[1]: Row(*row) for row in known}

    def see_rows(self, model: str, keys: Iterable[str]) -> None:
        """Marks expected rows as existing."""
        statement = "update rows set seen = 1 where model = ? and key = ?"
        self._many(statement, [(model, key) for key in keys])

    def assets(self, model: str, keys: Sequence[str]) -> dict[str, str]:
        """The known assets of accounts, by the keys of their rows in a read model."""
        statement = (
            "select key, asset from rows where model = ? and asset != '' "
            "and key in (select value from json_each(?))"
        )
        return dict(self._all(statement, model, json.dumps(keys)))

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

    def clear(self, rows: Iterable[tuple[str, str]]) -> None:
        """Removes rows that are correct."""
        self._many("delete from suspects where model = ? and key = ?", rows)

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

    def one_sided(self) -> Iterator[str]:
        """The transactions whose sides differ."""
        statement = (
            "select distinct of from (select of from assertions group by of, digest "
            "having sum(side) != 0 or count(distinct named) > 1)"
        )
        return (of for (of,) in self._each(statement, ()))

    def asserting(self, of: str) -> list[tuple[str, int]]:
        """The coordinates of other streams' events with assertions about a transaction."""
        statement = "select distinct stream, version from assertions where of = ? and side > 0"
        return self._all(statement, of)

    def index_assertions(self) -> None:
        """Indexes the assertions by transaction, once all are added."""
        self._many("create index if not exists by_of on assertions (of)", [()])


def assertion_lines(
    stream: str, assertions: Iterable[tuple[int, int, Assertion]]
) -> list[AssertionLine]:
    """The assertions of a stream as they are kept, each with its event's version and its number."""
    return [
        (stream, version, number, each.of, each.side, each.digest, each.named)
        for version, number, each in assertions
    ]
