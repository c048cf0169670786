"""ledger-cli's journals, read by `ledger xml`."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring

from journals.model import (
    CREDIT_ROOTS,
    Balances,
    Extra,
    Journal,
    JournalError,
    JournalTransaction,
    Notices,
    Posting,
)
from journals.tools import note_unexported, output_of

_GENERATED = (
    "posting made by an automated transaction (`=`): loaded as any other, since ledger counts it"
)


def read(path: Path) -> Journal:
    """A journal with the files it includes. Raises JournalError for what ledger refuses."""
    # The person's own settings are left out: they could filter what is printed.
    exported = output_of("ledger", "--args-only", "-f", str(path), "xml")
    try:
        root = fromstring(exported)  # noqa: S314 (the program that the person installed wrote it)
    except ParseError as error:
        raise JournalError(f"ledger's export is not XML: {error}") from None
    notices = Notices()
    transactions = tuple(_transaction(one, notices) for one in root.iter("transaction"))
    note_unexported(_files(path, set()), "P~", notices)
    return Journal(
        tool="ledger",
        transactions=transactions,
        balances=_balances(root),
        extra=Extra("Equity:Conversion", "Equity:Unbalanced", "Equity:Split"),
        credit_roots=CREDIT_ROOTS,
        notices=notices,
    )


def _files(path: Path, seen: set[Path]) -> set[Path]:
    """The file and those that it includes."""
    if path in seen:
        return seen
    seen.add(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    for pattern in re.findall(r"(?m)^[!@]?include\s+\"?([^\"\n]+?)\"?\s*$", text):
        within = Path(pattern).expanduser()
        base = Path(within.anchor) if within.is_absolute() else path.parent
        for found in base.glob(str(within.relative_to(within.anchor))):
            _files(found, seen)
    return seen


def _balances(root: Element) -> Balances:
    """The sum that ledger itself has for each account, without those below it."""
    balances: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for account in root.iter("account"):
        name, own = account.findtext("fullname"), account.find("account-amount")
        if name and own is not None:
            for commodity, number in _amounts(own):
                balances[name, commodity] += Fraction(number)
    return balances


def _amounts(element: Element) -> Iterator[tuple[str, Decimal]]:
    for amount in element.iter("amount"):
        yield _commodity(amount), Decimal(amount.findtext("quantity", "0"))


def _commodity(amount: Element) -> str:
    return amount.findtext("commodity/symbol", "").strip('"')


def _transaction(element: Element, notices: Notices) -> JournalTransaction:
    written = element.findtext("date", "")
    code, description = element.findtext("code", ""), element.findtext("payee", "")
    for posting in element.iter("posting"):
        if posting.get("generated"):
            account = posting.findtext("account/name", "")
            notices.add(_GENERATED, f"{_date(written)} {description}: {account}")
    metadata = {
        "description": description,
        "code": code,
        "flag": _status(element),
        "date2": element.findtext("aux-date", "").replace("/", "-"),
        **_tags(element),
        "comment": element.findtext("note", "").strip(),
    }
    return JournalTransaction(
        date=_date(written),
        description=description,
        reference=code or description,
        metadata=metadata,
        postings=tuple(_posting(one, _status(element)) for one in element.iter("posting")),
    )


def _posting(element: Element, status: str) -> Posting:
    """A posting of a transaction with this status, which ledger repeats on each of them."""
    account, amount = element.findtext("account/name", ""), element.find("post-amount/amount")
    if amount is None:
        raise JournalError(f"ledger's export has no amount for a posting to {account}")
    cost, comment = element.find("cost"), " ".join(element.findtext("note", "").split())
    notes = [
        *([] if cost is None else [f"cost {cost.findtext('quantity')} {_commodity(cost)}"]),
        *([f"flag {_status(element)}"] if _status(element) not in ("", status) else []),
        *([comment] if comment else []),
        *(["made by an automated transaction"] if element.get("generated") else []),
    ]
    return Posting(
        account=account,
        commodity=_commodity(amount),
        number=Decimal(amount.findtext("quantity", "0")),
        is_virtual=element.get("virtual") == "true",
        note="; ".join(notes),
    )


def _tags(element: Element) -> dict[str, str]:
    tags = {f"tag.{tag.text}": "" for tag in element.findall("metadata/tag")}
    for value in element.findall("metadata/value"):
        tags[f"tag.{value.get('key')}"] = "".join(value.itertext()).strip()
    return tags


def _status(element: Element) -> str:
    return {"cleared": "*", "pending": "!"}.get(element.get("state", ""), "")


def _date(text: str) -> date:
    return date.fromisoformat(text.replace("/", "-"))
