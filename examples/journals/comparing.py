"""Comparing: every balance of the ledger with the one that the journal's own tool reports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from twofold import Account, Ledger, Problem

from journals.loading import Progress
from journals.plan import Plan


@dataclass(frozen=True)
class Difference:
    """An account whose balances differ; positive is debit."""

    account: str
    tools: Fraction
    ledgers: Fraction


def differences(
    ledger: Ledger, plan: Plan, versions: Mapping[str, int], progress: Progress
) -> list[Difference]:
    """Where they differ, also for accounts that only one of them has, once the Read API shows at
    least these versions of the accounts. Raises Problem, also where it stands still; NoReply.
    """
    held = {id: Fraction(0) for id in plan.expected}
    for account in _arrived(ledger, versions, progress):
        held[account.id] = _held(account)
    return [
        Difference(id, plan.expected.get(id, Fraction(0)), held[id])
        for id in sorted(held)
        if plan.expected.get(id, Fraction(0)) != held[id]
    ]


def table(found: list[Difference], tool: str) -> list[str]:
    """The differences as text."""
    rows = [("account", tool, "Twofold", "difference")]
    rows += [
        (one.account, _text(one.tools), _text(one.ledgers), _text(one.ledgers - one.tools))
        for one in found
    ]
    width = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        f"  {row[0]:<{width[0]}}"
        + "".join(f"  {row[column]:>{width[column]}}" for column in (1, 2, 3))
        for row in rows
    ]


def _arrived(ledger: Ledger, versions: Mapping[str, int], progress: Progress) -> Iterable[Account]:
    """All accounts of the ledger, each at its version or later."""
    seen = -1
    while True:
        listed = {account.id: account for account in _listed(ledger)}
        behind = [
            id
            for id, version in versions.items()
            if id not in listed or listed[id].version < version
        ]
        progress("balances that can be read", len(versions) - len(behind), len(versions))
        if not behind:
            return listed.values()
        before, seen = seen, sum(account.version for account in listed.values())
        try:
            # Waits until the Read API shows it, and most of the others have then come too.
            ledger.accounts.get(behind[-1], min_version=versions[behind[-1]])
        except Problem as problem:
            if problem.code != "projection_behind" or seen == before:
                raise


def _listed(ledger: Ledger) -> list[Account]:
    """The accounts of the Read API; none before the first projection."""
    try:
        return list(ledger.accounts.list())
    except Problem as problem:
        if problem.code != "ledger_not_found":
            raise
        return []


def _held(account: Account) -> Fraction:
    units = account.posted if account.normal_balance == "debit" else -account.posted
    return Fraction(units, 10 ** int(account.asset.rpartition("/")[2]))


def _text(number: Fraction) -> str:
    """A decimal number, exact for all numbers that are compared here."""
    places = 0
    while (number * 10**places).denominator != 1 and places < 100:
        places += 1
    whole = abs(int(number * 10**places))
    sign = "-" if number < 0 else ""
    text = f"{whole:0{places + 1}}"
    return f"{sign}{text[: len(text) - places]}{'.' if places else ''}{text[len(text) - places :]}"
