"""Sums: compares the stored sums with those over the folded streams."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models.read_model import ReadModel
from ops.auditing.expectations import key_parts, key_text, mark_of
from ops.auditing.findings import Finding, ledger_of
from ops.auditing.scratch import KnownRows
from ops.verifying import sums
from ops.verifying.events import Coordinates
from ops.verifying.raw import Item, get, key, number_of, same
from ops.verifying.read_models import READ_MODELS, after, of_event
from ops.verifying.reader import Reader
from ops.verifying.sums import Sum, sums_of

SumKey = tuple[str, str, str]
"""The name of a read model, and the key of one of its sums."""

FoldedSum = tuple[str, str, str, dict[str, int], str]
"""A sum over folded streams: its SumKey, its counts and its newest time."""

MODELS = sums.with_sums(READ_MODELS.values())

_AT_ONCE = 500
"""Accounts that are read together."""


@dataclass
class Folded:
    """The sums of each read model over the folded streams."""

    sums: dict[SumKey, Sum] = field(default_factory=lambda: defaultdict(Sum))

    def take(self, newest: Recorded) -> None:
        """Adds the newest event of an account."""
        for model in MODELS:
            which = sums_of(model).of(newest.stream, account_state(newest).asset)
            for row in of_event(model, newest):
                self.sums[model.name, *which].add(sums_of(model), row)

    def lines(self) -> list[FoldedSum]:
        """All sums."""
        return [(*key, dict(each.counts), each.newest) for key, each in self.sums.items()]

    def absorb(self, lines: Iterable[FoldedSum]) -> None:
        """Adds the sums over other streams."""
        for model, shard, asset, counts, newest in lines:
            mine = self.sums[model, shard, asset]
            mine.counts.update(counts)
            mine.newest = max(mine.newest, newest)

    def differing(self, scratch: KnownRows) -> set[SumKey]:
        """The sums that differ from the stored ones."""
        found = {(each.name, *key_parts(key)) for each in MODELS for key in scratch.sums(each.name)}
        return {each for each in self.sums.keys() | found if not self._is_stored(*each)}

    def _is_stored(self, name: str, shard: str, asset: str) -> bool:
        model, expected = READ_MODELS[name], self.sums.get((name, shard, asset), Sum())
        stored = get(model.table, key(model.table, shard, asset))
        return same(stored, expected.row(model, (shard, asset)))


def settle(keys: Collection[SumKey], scratch: KnownRows) -> tuple[list[Finding], set[SumKey]]:
    """The findings for these sums, and those that changed while they were measured.

    An account's row is added as it is stored or, if it was altered, as expected.
    """
    findings: list[Finding] = []
    moved: set[SumKey] = set()
    for model in MODELS:
        wanted = {(first, second) for name, first, second in keys if name == model.name}
        if not wanted:
            continue
        assets_of, count = partial(_assets, model, scratch), partial(_counted, model, scratch)
        wrong, moving = sums.check(model, wanted, assets_of, count)
        moved |= {(model.name, *which) for which in moving}
        findings += [
            Finding(
                ledger_of(which[0]),
                " ".join([model.name, *which]),
                0,
                "this sum is not that of its accounts" if found else "this sum is missing",
            )
            for which, found in sorted((which, each.found) for which, each in wrong.items())
        ]
    return findings, moved


def _assets(
    model: ReadModel, scratch: KnownRows, rows: dict[Stream, Item]
) -> Iterator[tuple[Stream, str]]:
    """The assets of accounts, from the scratch file or from their first events."""
    accounts = list(rows)
    for start in range(0, len(accounts), _AT_ONCE):
        keys = {each: key_text(model, rows[each]) for each in accounts[start : start + _AT_ONCE]}
        known = scratch.assets(model.name, list(keys.values()))
        reader = Reader()
        reader.fetch((str(each), 1) for each, text in keys.items() if text not in known)
        for account, text in keys.items():
            asset = known.get(text)
            if asset is None and (opened := reader.read((str(account), 1))) is not None:
                asset = account_state(opened).asset
            if asset:
                yield account, asset


def _counted(model: ReadModel, scratch: KnownRows, rows: Sequence[Item]) -> Iterator[Item]:
    for start in range(0, len(rows), _AT_ONCE):
        chunk = rows[start : start + _AT_ONCE]
        known = scratch.expected(model.name, [key_text(model, row) for row in chunk])
        reader, other = Reader(), list[Item]()
        for row in chunk:
            expected = known.get(key_text(model, row))
            if expected is not None and expected.digest == mark_of(row):
                yield row
            else:
                other.append(row)
        events = [_event_of(model, row) for row in other]
        reader.fetch(each for each in events if each[1])
        for each in events:
            one = reader.read(each) if each[1] else None
            if one is not None:
                yield from after(model, one)


def _event_of(model: ReadModel, row: Item) -> Coordinates:
    """The event of a row's version; version 0 if there can be none."""
    return str(model.projection.origin(row)[0]), max(0, number_of(row, "version"))
