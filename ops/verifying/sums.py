"""Sums: compares the sum of each shard and asset with the rows of its accounts.

An account's row and its sum are written in one transaction. So if a sum did not change while the
rows of its accounts were read, it must be equal to their sum. Rows are read in transactions, which
are isolated from a projector's.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.backoff import Backoff
from chalicelib.events.recorded import Stream, UnknownEvent
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models.read_model import ReadModel, Sums
from chalicelib.tables import CONDITION_FAILED, in_parallel
from ops.verifying import raw
from ops.verifying.events import readable
from ops.verifying.raw import Item

Key = tuple[str, str]
"""The key of a sum."""

NOT_NOW = {CONDITION_FAILED, "TransactionCanceledException", "TransactionConflictException"}
"""The codes of a conflict with another transaction."""

_ATTEMPTS = 6
_BACKOFF = Backoff(base=0.01)


@dataclass
class Sum:
    """The sum over rows of accounts."""

    counts: Counter[str] = field(default_factory=Counter)
    newest: str = ""

    def add(self, sums: Sums, row: Item) -> None:
        """Adds the row of an account."""
        for name in sums.counts:
            self.counts[name] += raw.number_of(row, name)
        self.newest = max(self.newest, raw.text_of(row, sums.newest))

    def row(self, model: ReadModel, key: Key) -> Item | None:
        """The expected row; None for a sum without accounts."""
        sums = sums_of(model)
        if not self.counts["version"]:
            return None
        counts = {name: self.counts[name] for name in sums.counts}
        row: Any = model.table
        item: Item = row(*key, **counts, **{sums.newest: self.newest}).serialize()
        return item


@dataclass(frozen=True)
class Measured:
    """A sum that did not change while it was measured: the stored and the expected row."""

    found: Item | None
    expected: Item | None


Count = Callable[[Sequence[Item]], Iterable[Item]]
"""Converts the stored rows of accounts to those to be added."""

AssetsOf = Callable[[dict[Stream, Item]], Iterable[tuple[Stream, str]]]
"""Returns accounts with their assets, for the keys of their rows."""


def sums_of(model: ReadModel) -> Sums:
    """The declaration of a read model's sums."""
    sums = model.projection.sums
    assert sums is not None, f"{model.name} has no sums"
    return sums


def with_sums(models: Iterable[ReadModel]) -> list[ReadModel]:
    """The read models that have sums."""
    return [model for model in models if model.projection.sums]


def assets_by_opening(accounts: Iterable[Stream]) -> Iterator[tuple[Stream, str]]:
    """Each account with the asset of its first event. Raises UnknownEvent."""
    openings = [raw.key(EventItem, str(account), 1) for account in accounts]
    for item in raw.get_all(EventItem, openings).values():
        opened = readable(item)
        yield opened.stream, account_state(opened).asset


def check(
    model: ReadModel,
    keys: Collection[Key] | None = None,
    assets_of: AssetsOf = assets_by_opening,
    count: Count = list,
) -> tuple[dict[Key, Measured], set[Key]]:
    """The wrong sums (of all, or of these keys), and those that could not be measured, since they
    changed, or an account was opened meanwhile.
    """
    before = members(model, assets_of)
    wanted = sorted(before if keys is None else keys)
    measured = in_parallel(lambda key: measure(model, key, before.get(key, {}), count), wanted)
    after = members(model, assets_of)
    wrong: dict[Key, Measured] = {}
    moved: set[Key] = set()
    for each, found in zip(wanted, measured, strict=True):
        if found is None or before.get(each) != after.get(each):
            moved.add(each)
        elif not raw.same(found.found, found.expected):
            wrong[each] = found
    return wrong, moved


def members(model: ReadModel, assets_of: AssetsOf) -> dict[Key, dict[str, Item]]:
    """Every stored or expected sum, with the keys of its accounts' rows by account."""
    sums = sums_of(model)
    found: dict[Key, dict[str, Item]] = {}
    accounts: dict[Stream, Item] = {}
    for item in raw.all_keys(model.table):
        if sums.is_sum(item):
            hash_key, range_key = (item[name]["S"] for name in raw.key_names(model.table))
            found.setdefault((hash_key, range_key), {})
        else:
            with suppress(UnknownEvent, ValueError):  # An orphan row.
                accounts[model.projection.origin(item)[0]] = item
    for account, asset in assets_of(accounts):
        found.setdefault(sums.of(account, asset), {})[account.id] = accounts[account]
    return found


def measure(
    model: ReadModel, which: Key, accounts: Mapping[str, Item], count: Count
) -> Measured | None:
    """A sum, and the sum over the rows with these keys; None if it changed at each attempt."""
    row, rows = raw.key(model.table, *which), [accounts[id] for id in sorted(accounts)]
    for attempt in range(_ATTEMPTS):
        before = _in_transactions(model, [row])
        added = _in_transactions(model, rows) if before is not None else None
        if added is not None and _in_transactions(model, [row]) == before:
            total = Sum()
            for counted in count(added):
                total.add(sums_of(model), counted)
            found = before[0] if before else None
            return Measured(found, total.row(model, which))
        time.sleep(_BACKOFF.delay(attempt))
    return None


def _in_transactions(model: ReadModel, keys: Sequence[Item]) -> list[Item] | None:
    """The stored rows of these keys; None after a conflict with another transaction."""
    found: list[Item] = []
    for start in range(0, len(keys), raw.MOST):
        gets = [
            {"Get": {"TableName": raw.name_of(model.table), "Key": each}}
            for each in keys[start : start + raw.MOST]
        ]
        try:
            answer = raw.client().transact_get_items(TransactItems=gets)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_NOW:
                raise
            return None
        found += [each["Item"] for each in answer["Responses"] if each.get("Item")]
    return found
