"""Parts: the scratch files of all partitions, read as one."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from chalicelib.tables import bucket_of
from ops.auditing.folding import row_key
from ops.auditing.scratch import Row, Scratch
from ops.auditing.streams import Head


class Parts:
    """The partitions, once they are merged, and the keys of the stored sums of read models."""

    def __init__(self) -> None:
        self._parts: list[Scratch] = []
        self._sums: defaultdict[str, set[str]] = defaultdict(set)

    def open(self, paths: Iterable[Path]) -> None:
        """Opens the files, which are in the order of the partitions."""
        self._parts = [Scratch(path, read_only=True) for path in paths]

    def close(self) -> None:
        """Closes the files."""
        for part in self._parts:
            part.close()

    def add_sums(self, keys: Iterable[tuple[str, str]]) -> None:
        """Adds stored sums, by read model and key as text."""
        for model, key in keys:
            self._sums[model].add(key)

    def heads(self, ledger: str) -> Iterator[Head]:
        """The head of every stream of a ledger, in the order of their names as bytes of UTF-8."""
        return heapq.merge(*(part.heads(ledger) for part in self._parts))

    def expected(self, model: str, keys: Sequence[str]) -> dict[str, Row]:
        """The expected rows with these keys."""
        found: dict[str, Row] = {}
        for part, theirs in self._by_part(model, keys):
            found |= part.expected(model, theirs)
        return found

    def assets(self, model: str, keys: Sequence[str]) -> dict[str, str]:
        """The known assets of accounts, by the keys of their rows in a read model."""
        found: dict[str, str] = {}
        for part, theirs in self._by_part(model, keys):
            found |= part.assets(model, theirs)
        return found

    def sums(self, model: str) -> list[str]:
        """The keys of a read model's stored sums, as text."""
        return sorted(self._sums[model])

    def _by_part(self, model: str, keys: Sequence[str]) -> Iterator[tuple[Scratch, list[str]]]:
        by_part: defaultdict[int, list[str]] = defaultdict(list)
        for key in keys:
            by_part[bucket_of(row_key(model, key), len(self._parts))].append(key)
        for number, theirs in by_part.items():
            yield self._parts[number], theirs
