"""Spill: records in a file, in partitions by a hash, so that equal keys of all files meet.

A transaction and its accounts are in different segments of the event table. Each segment's records
go to a file of their own; the partitions are then merged one at a time, over all files.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.tables import bucket_of

_MOST = 5_000
"""The most records in memory: they are written as one block for each partition."""

_FOOTER = 8
"""Bytes at the end of a file: where the index begins."""

Record = tuple[Any, ...]
"""The kind of the record, and its values."""


class Spill:
    """Writes a file of records in partitions, with an index at its end."""

    def __init__(self, path: Path, partitions: int) -> None:
        self._file = path.open("wb")
        self._partitions = partitions
        self._waiting: defaultdict[int, list[Record]] = defaultdict(list)
        self._index: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._count = 0

    def add(self, key: str, kind: str, record: Iterable[Any]) -> None:
        """Adds a record to the partition of a key."""
        self._add(bucket_of(key, self._partitions), (kind, *record))

    def add_apart(self, kind: str, record: Iterable[Any]) -> None:
        """Adds a record to one more partition, whose number is that of the others."""
        self._add(self._partitions, (kind, *record))

    def _add(self, partition: int, record: Record) -> None:
        self._waiting[partition].append(record)
        self._count += 1
        if self._count == _MOST:
            self._flush()

    def close(self) -> None:
        """Ends the file with its index."""
        self._flush()
        begin = self._file.tell()
        self._file.write(msgspec.msgpack.encode(dict(self._index)))
        self._file.write(begin.to_bytes(_FOOTER))
        self._file.close()

    def _flush(self) -> None:
        for partition, records in self._waiting.items():
            block = msgspec.msgpack.encode(records)
            self._index[partition].append((self._file.tell(), len(block)))
            self._file.write(block)
        self._waiting.clear()
        self._count = 0


def blocks(path: Path, partition: int) -> Iterator[list[Record]]:
    """The records of a partition in a file, in blocks of at most a few thousand."""
    with closing(path.open("rb")) as file:
        file.seek(-_FOOTER, 2)
        end = file.tell()
        begin = int.from_bytes(file.read(_FOOTER))
        file.seek(begin)
        index = _index.decode(file.read(end - begin))
        for at, length in index.get(partition, ()):
            file.seek(at)
            yield _records.decode(file.read(length))


_index = msgspec.msgpack.Decoder(dict[int, list[tuple[int, int]]])
_records = msgspec.msgpack.Decoder(list[tuple[Any, ...]])
