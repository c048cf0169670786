"""Sums: each shard's sum of an asset held against the accounts that add to it.

A busy sum never stands still, but an account's row moves on in the same transaction as the sum. So
where a sum is the same before and after all account rows were read, it must be theirs exactly.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import account_stream
from chalicelib.read_models.totals.table import TotalRow
from ops.auditing.findings import Finding, ledger_of
from ops.auditing.items import Item, Pace, get, number_of, scan
from ops.auditing.reading import is_sum
from ops.auditing.rows import key_text, mark_of, sum_key, sum_row
from ops.auditing.scratch import Scratch
from ops.auditing.settling import read

Key = tuple[str, str]


@dataclass
class Sum:
    """What the accounts of a shard add up to in one asset."""

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

    def mark(self, key: Key) -> str:
        """The digest of the row that must be there; empty where none must."""
        if not self.version:
            return ""
        return mark_of(sum_row(key, self.version, self.debits, self.credits, self.as_of))


def differing(sums: dict[Key, Sum], found: Iterable[Key]) -> set[Key]:
    """Of the sums that the events have and those found, the ones that are not the same."""
    keys = sums.keys() | set(found)
    return {key for key in keys if _mark(key) != sums.get(key, Sum()).mark(key)}


def settle(
    keys: Iterable[Key], segments: int, pace: Pace, scratch: Scratch
) -> tuple[list[Finding], set[Key]]:
    """What is wrong with these sums, and which of them moved while they were looked at."""
    before = {key: _mark(key) for key in keys}
    if not before:
        return [], set()
    sums = {key: Sum() for key in before}
    for segment in range(segments):
        for page in scan(TotalRow, segment, segments, pace, consistent=True):
            for key, one in _accounts(page, scratch, set(sums)):
                sums[key].add(*one)
    after = {key: _mark(key) for key in before}
    moved = {key for key in before if before[key] != after[key]}
    findings = [
        Finding(ledger_of(key[0]), f"totals {' '.join(key)}", 0, _wrong(after[key]))
        for key in sorted(before)
        if key not in moved and after[key] != sums[key].mark(key)
    ]
    return findings, moved


def _wrong(found: str) -> str:
    return "this sum is not that of its accounts" if found else "this sum is missing"


def _accounts(
    page: list[Item], scratch: Scratch, wanted: set[Key]
) -> Iterator[tuple[Key, tuple[int, int, int, str]]]:
    """What each account's row adds to the wanted sums; where a row was altered, its event."""
    rows = {key_text("totals", item): item for item in page if not is_sum("totals", item)}
    known = scratch.expected("totals", list(rows)) if rows else {}
    for key, item in rows.items():
        account, row, version = item["key"]["S"], known.get(key), number_of(item, "version")
        if row is not None and row.asset and sum_key(account, row.asset) not in wanted:
            continue
        if row is not None and row.asset and row.digest == mark_of(item):
            counts = (number_of(item, "debits"), number_of(item, "credits"), item["as_of"]["S"])
            yield sum_key(account, row.asset), (version, *counts)
            continue
        ledger, _, id = account.partition("/")
        one = read((str(account_stream(ledger, id)), version)) if version > 0 else None
        if one is not None and (of := sum_key(account, one.account.asset)) in wanted:
            at = rfc3339(one.recorded_at)
            yield of, (version, one.account.debits, one.account.credits, at)


def _mark(key: Key) -> str:
    item = get(TotalRow, *key)
    return mark_of(item) if item else ""
