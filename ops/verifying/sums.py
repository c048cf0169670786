"""Sums: the total of each shard and asset, held against the accounts that add to it.

An account's row and its sum move on in one transaction. So where a sum is the same before and after
the rows of its accounts were read, it must be theirs exactly. Rows are read in transactions, which
the halves of a projector's cannot slip through.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from chalicelib.backoff import Backoff
from chalicelib.events.recorded import Stream
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models.totals.table import ACCOUNT, TotalRow, shard_key, shard_of
from chalicelib.tables import (
    CONDITION_FAILED,
    in_parallel,
)
from ops.verifying.events import readable
from ops.verifying.raw import (
    MOST,
    Item,
    all_keys,
    client,
    get_all,
    key,
    name_of,
    number_of,
    same,
    text_of,
)

Key = tuple[str, str]
"""The keys of a sum: a shard of a ledger, and an asset."""

NUMBERS = ("version", "debits", "credits")
"""The attributes of a sum, and of an account's row, that add up."""

NOT_NOW = {CONDITION_FAILED, "TransactionCanceledException", "TransactionConflictException"}
"""The codes of a transaction that met another one."""

_ATTEMPTS = 6
_BACKOFF = Backoff(base=0.01)


@dataclass
class Sum:
    """What accounts add up to in one asset. `version` counts their events."""

    version: int = 0
    debits: int = 0
    credits: int = 0
    as_of: str = ""

    def add(self, version: int, debits: int, credits: int, as_of: str) -> None:
        """One account more."""
        self.version += version
        self.debits += debits
        self.credits += credits
        self.as_of = max(self.as_of, as_of)

    def row(self, key: Key) -> Item | None:
        """The row that must be there; None where none must."""
        if not self.version:
            return None
        return TotalRow(
            *key,
            version=self.version,
            debits=self.debits,
            credits=self.credits,
            as_of=self.as_of,
        ).serialize()


@dataclass(frozen=True)
class Measured:
    """A sum that stood still: the row that is there, and the one that its accounts make."""

    found: Item | None
    expected: Item | None

    @property
    def is_right(self) -> bool:
        """Whether they are the same."""
        return same(self.found, self.expected)


Counts = tuple[int, int, int, str]
"""What an account adds to a sum: its version, debits, credits, and when it was recorded."""

Count = Callable[[Sequence[Item]], Iterable[Counts]]
"""What the rows of accounts add."""

AssetsOf = Callable[[Sequence[Stream]], Iterable[tuple[Stream, str]]]
"""The assets of accounts; whichever has none, adds to no sum."""


def as_stored(rows: Sequence[Item]) -> Iterator[Counts]:
    """What the rows themselves say."""
    for row in rows:
        version, debits, credits = (number_of(row, name) for name in NUMBERS)
        yield version, debits, credits, text_of(row, "as_of")


def assets_by_opening(accounts: Sequence[Stream]) -> Iterator[tuple[Stream, str]]:
    """Each account with its asset, as its first event says. Raises UnknownEvent."""
    openings = [key(EventItem, str(account), 1) for account in accounts]
    for item in get_all(EventItem, openings).values():
        opened = readable(item)
        yield opened.stream, account_state(opened).asset


def check(
    keys: Collection[Key] | None = None,
    assets_of: AssetsOf = assets_by_opening,
    count: Count = as_stored,
) -> tuple[dict[Key, Measured], set[Key]]:
    """The sums (of all, or of these) that are not those of their accounts; and those of which that
    could not be told, since they moved all the time, or an account was opened meanwhile.
    """
    before = members(assets_of)
    wanted = sorted(before if keys is None else keys)
    measured = in_parallel(lambda each: measure(each, before.get(each, frozenset()), count), wanted)
    after = members(assets_of)
    wrong: dict[Key, Measured] = {}
    moved: set[Key] = set()
    for each, found in zip(wanted, measured, strict=True):
        if found is None or before.get(each) != after.get(each):
            moved.add(each)
        elif not found.is_right:
            wrong[each] = found
    return wrong, moved


def members(assets_of: AssetsOf) -> dict[Key, frozenset[str]]:
    """Every sum that there is or should be, with the keys of its accounts' rows."""
    found: dict[Key, set[str]] = {}
    accounts: list[Stream] = []
    for item in all_keys(TotalRow):
        hash_key, of = item["key"]["S"], item["of"]["S"]
        if of == ACCOUNT:
            ledger, _, id = hash_key.partition("/")
            accounts.append(Stream(ledger, "account", id))
        else:
            found.setdefault((hash_key, of), set())
    for account, asset in assets_of(accounts):
        of_sum = shard_key(account.ledger, shard_of(account.id)), asset
        found.setdefault(of_sum, set()).add(f"{account.ledger}/{account.id}")
    return {each: frozenset(keys) for each, keys in found.items()}


def measure(which: Key, accounts: Collection[str], count: Count) -> Measured | None:
    """A sum, and what the rows with these keys add up to; None if it never stood still."""
    row, rows = key(TotalRow, *which), [key(TotalRow, each, ACCOUNT) for each in sorted(accounts)]
    for attempt in range(_ATTEMPTS):
        before = _in_transactions([row])
        added = _in_transactions(rows) if before is not None else None
        if added is not None and _in_transactions([row]) == before:
            total = Sum()
            for counts in count(added):
                total.add(*counts)
            found = before[0] if before else None
            return Measured(found, total.row(which))
        time.sleep(_BACKOFF.delay(attempt))
    return None


def _in_transactions(keys: Sequence[Item]) -> list[Item] | None:
    """The rows of these keys that are there, each with no transaction half done on it; None if one
    had to wait.
    """
    found: list[Item] = []
    for start in range(0, len(keys), MOST):
        gets = [
            {"Get": {"TableName": name_of(TotalRow), "Key": each}}
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
