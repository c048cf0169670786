"""Sums: the total of each shard and asset, held against the accounts that add to it.

An account's row and its sum move on in one transaction. So where a sum is the same before and after
the rows of its accounts were read, it must be theirs exactly. Rows are read in transactions, which
a projector's transaction cannot be half done in.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.backoff import Backoff
from chalicelib.events.codec import UnknownEvent
from chalicelib.events.recorded import Stream
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models.read_model import ReadModel, Sums
from chalicelib.tables import CONDITION_FAILED, in_parallel
from ops.verifying.events import readable
from ops.verifying.raw import (
    MOST,
    Item,
    all_keys,
    client,
    get_all,
    key,
    key_names,
    name_of,
    number_of,
    same,
    text_of,
)

Key = tuple[str, str]
"""The key of a sum."""

NOT_NOW = {CONDITION_FAILED, "TransactionCanceledException", "TransactionConflictException"}
"""The codes of a transaction that met another one."""

_ATTEMPTS = 6
_BACKOFF = Backoff(base=0.01)


@dataclass
class Sum:
    """What rows of accounts add up to."""

    counts: Counter[str] = field(default_factory=Counter)
    newest: str = ""

    def add(self, sums: Sums, row: Item) -> None:
        """One account more."""
        for name in sums.counts:
            self.counts[name] += number_of(row, name)
        self.newest = max(self.newest, text_of(row, sums.newest))

    def row(self, model: ReadModel, key: Key) -> Item | None:
        """The row that must be there; None where none must."""
        sums = sums_of(model)
        if not self.counts["version"]:
            return None
        counts = {name: self.counts[name] for name in sums.counts}
        row: Any = model.table
        item: Item = row(*key, **counts, **{sums.newest: self.newest}).serialize()
        return item


@dataclass(frozen=True)
class Measured:
    """A sum that stood still: the row that is there, and the one that its accounts make."""

    found: Item | None
    expected: Item | None

    @property
    def is_right(self) -> bool:
        """Whether they are the same."""
        return same(self.found, self.expected)


Count = Callable[[Sequence[Item]], Iterable[Item]]
"""Of the rows of accounts, those to be counted in their place."""

AssetsOf = Callable[[dict[Stream, Item]], Iterable[tuple[Stream, str]]]
"""The assets of accounts, given with the keys of their rows; whichever has none, adds to no sum."""


def sums_of(model: ReadModel) -> Sums:
    """How a read model's sums are made."""
    sums = model.projection.sums
    assert sums is not None, f"{model.name} has no sums"
    return sums


def with_sums(models: Iterable[ReadModel]) -> list[ReadModel]:
    """Those that have sums."""
    return [model for model in models if model.projection.sums]


def assets_by_opening(accounts: Iterable[Stream]) -> Iterator[tuple[Stream, str]]:
    """Each account with its asset, as its first event says. Raises UnknownEvent."""
    openings = [key(EventItem, str(account), 1) for account in accounts]
    for item in get_all(EventItem, openings).values():
        opened = readable(item)
        yield opened.stream, account_state(opened).asset


def check(
    model: ReadModel,
    keys: Collection[Key] | None = None,
    assets_of: AssetsOf = assets_by_opening,
    count: Count = list,
) -> tuple[dict[Key, Measured], set[Key]]:
    """The sums (of all, or of these) that are not those of their accounts; and those of which that
    could not be told, since they moved all the time, or an account was opened meanwhile.
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
        elif not found.is_right:
            wrong[each] = found
    return wrong, moved


def members(model: ReadModel, assets_of: AssetsOf) -> dict[Key, dict[str, Item]]:
    """Every sum that there is or should be, with the keys of its accounts' rows by account."""
    sums = sums_of(model)
    found: dict[Key, dict[str, Item]] = {}
    accounts: dict[Stream, Item] = {}
    for item in all_keys(model.table):
        if sums.is_sum(item):
            hash_key, range_key = (item[name]["S"] for name in key_names(model.table))
            found.setdefault((hash_key, range_key), {})
        else:
            with suppress(UnknownEvent, ValueError):  # It has a key that no account's row has.
                accounts[model.projection.origin(item)[0]] = item
    for account, asset in assets_of(accounts):
        found.setdefault(sums.of(account, asset), {})[account.id] = accounts[account]
    return found


def measure(
    model: ReadModel, which: Key, accounts: Mapping[str, Item], count: Count
) -> Measured | None:
    """A sum, and what the rows with these keys add up to; None if it never stood still."""
    row, rows = key(model.table, *which), [accounts[id] for id in sorted(accounts)]
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
    """The rows of these keys that are there, each with no transaction half done on it; None if one
    had to wait.
    """
    found: list[Item] = []
    for start in range(0, len(keys), MOST):
        gets = [
            {"Get": {"TableName": name_of(model.table), "Key": each}}
            for each in keys[start : start + MOST]
        ]
        try:
            answer = client().transact_get_items(TransactItems=gets)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_NOW:
                raise
            return None
        found += [each["Item"] for each in answer["Responses"] if each.get("Item")]
    return found
