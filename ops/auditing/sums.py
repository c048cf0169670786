"""Sums: each shard's sum of an asset as the streams add up, and the ones that differ looked at."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Stream
from chalicelib.ledger.aggregates import account_state, account_stream
from chalicelib.read_models.totals.table import TotalRow, account_key
from ops.auditing.expectations import key_text, mark_of
from ops.auditing.findings import Finding, ledger_of
from ops.auditing.scratch import Scratch
from ops.auditing.settling import read
from ops.verifying import sums
from ops.verifying.raw import Item, get, key, number_of, same
from ops.verifying.sums import Counts, Key, Sum

_AT_ONCE = 500


def differing(folded: dict[Key, Sum], found: Iterable[Key]) -> set[Key]:
    """Of the sums that the events have and those found, the ones that are not the same."""
    keys = folded.keys() | set(found)
    return {
        each
        for each in keys
        if not same(get(TotalRow, key(TotalRow, *each)), folded.get(each, Sum()).row(each))
    }


def settle(keys: Collection[Key], scratch: Scratch) -> tuple[list[Finding], set[Key]]:
    """What is wrong with these sums, and which of them moved while they were looked at.

    An account's row counts as it is, and where it was altered, as its event says.
    """
    if not keys:
        return [], set()

    def assets_of(accounts: Sequence[Stream]) -> Iterator[tuple[Stream, str]]:
        for start in range(0, len(accounts), _AT_ONCE):
            yield from _assets(scratch, accounts[start : start + _AT_ONCE])

    def count(rows: Sequence[Item]) -> Iterator[Counts]:
        for start in range(0, len(rows), _AT_ONCE):
            yield from _counted(scratch, rows[start : start + _AT_ONCE])

    wrong, moved = sums.check(keys, assets_of, count)
    findings = [
        Finding(ledger_of(each[0]), f"totals {' '.join(each)}", 0, _words(measured.found))
        for each, measured in sorted(wrong.items(), key=lambda one: one[0])
    ]
    return findings, moved


def _words(found: Item | None) -> str:
    return "this sum is not that of its accounts" if found else "this sum is missing"


def _assets(scratch: Scratch, accounts: Sequence[Stream]) -> Iterator[tuple[Stream, str]]:
    """The assets of accounts, as the audit has seen them, or as their first events say."""
    rows = {" ".join(account_key(one.ledger, one.id)): one for one in accounts}
    known = scratch.assets(list(rows))
    for row, account in rows.items():
        asset = known.get(row)
        if asset is None and (opened := read((str(account), 1))) is not None:
            asset = account_state(opened).asset
        if asset:
            yield account, asset


def _counted(scratch: Scratch, rows: Sequence[Item]) -> Iterator[Counts]:
    known = scratch.expected("totals", [key_text("totals", row) for row in rows])
    for row in rows:
        expected = known.get(key_text("totals", row))
        if expected is not None and expected.digest == mark_of(row):
            yield from sums.as_stored([row])
            continue
        ledger, _, id = row["key"]["S"].partition("/")
        version = number_of(row, "version")
        one = read((str(account_stream(ledger, id)), version)) if version > 0 else None
        if one is not None:
            yield (
                version,
                account_state(one).debits,
                account_state(one).credits,
                rfc3339(one.recorded_at),
            )
