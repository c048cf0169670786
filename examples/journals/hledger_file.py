"""hledger's journals, read by `hledger print` and `hledger balance` as JSON."""

import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from journals.model import (
    ASSERTIONS,
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

_OWN_DATE = (
    "posting with a date of its own: a Twofold transaction has one effective_at, which is the "
    "transaction's; the posting's is in the metadata"
)
_AUTO = "auto posting rule (`=`): not applied, as hledger itself does not without --auto"


EXPORTED_PLACES = 10

REAL = ("RegularPosting", "RealPosting")
"""What hledger calls a posting without brackets, in `ptype`, or newer ones in `preal`."""


def read(path: Path) -> Journal:
    """A journal with the files it includes. Raises JournalError for what hledger refuses."""
    file = ("-f", str(path))
    printed = json.loads(
        output_of("hledger", *file, "print", "--explicit", "-O", "json"), parse_float=Decimal
    )
    notices = Notices()
    for transaction in printed:
        _note(transaction, notices)
    files = [Path(name) for name in output_of("hledger", *file, "files").splitlines()]
    note_unexported(files, "P~=", notices)
    return Journal(
        tool="hledger",
        transactions=tuple(_transaction(one) for one in printed),
        balances=_balances(file),
        extra=Extra("equity:conversion", "equity:unbalanced", "equity:split"),
        credit_roots=CREDIT_ROOTS,
        notices=notices,
    )


def _balances(file: tuple[str, str]) -> Balances:
    report = output_of("hledger", *file, "balance", "--flat", "--empty", "-O", "json")
    rows, _ = json.loads(report, parse_float=Decimal)
    balances: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for account, _, _, amounts in rows:
        for amount in amounts:
            balances[account, amount["acommodity"]] += Fraction(_exact(amount))
    return balances


def _note(transaction: Any, notices: Notices) -> None:
    where = f"{transaction['tdate']} {transaction['tdescription']}"
    for posting in transaction["tpostings"]:
        if posting["pdate"]:
            notices.add(_OWN_DATE, f"{where}: {posting['paccount']} on {posting['pdate']}")
        if posting["pbalanceassertion"]:
            notices.add(ASSERTIONS, f"{where}: {posting['paccount']}")


def _transaction(printed: Any) -> JournalTransaction:
    description = printed["tdescription"]
    metadata = {
        "description": description,
        "code": printed["tcode"],
        "flag": _status(printed["tstatus"]),
        "date2": printed["tdate2"] or "",
        **{f"tag.{name}": value for name, value in printed["ttags"]},
        "comment": (printed["tprecedingcomment"] + printed["tcomment"]).strip(),
    }
    return JournalTransaction(
        date=date.fromisoformat(printed["tdate"]),
        description=description,
        reference=printed["tcode"] or description,
        metadata=metadata,
        postings=tuple(
            _posting(posting, amount)
            for posting in printed["tpostings"]
            for amount in posting["pamount"]
        ),
    )


def _posting(posting: Any, amount: Any) -> Posting:
    status, comment = _status(posting["pstatus"]), " ".join(posting["pcomment"].split())
    notes = [
        *_price(amount.get("aprice") or amount.get("acost")),
        *([f"date {posting['pdate']}"] if posting["pdate"] else []),
        *([f"date2 {posting['pdate2']}"] if posting["pdate2"] else []),
        *([f"flag {status}"] if status else []),
        *([comment] if comment else []),
    ]
    return Posting(
        account=posting["paccount"],
        commodity=amount["acommodity"],
        number=_exact(amount),
        is_virtual=(posting.get("ptype") or posting["preal"]) not in REAL,
        note="; ".join(notes),
    )


def _price(price: Any) -> list[str]:
    """The price, per unit or in total."""
    if price is None:
        return []
    paid = price["contents"]
    each = "" if price["tag"] in ("TotalPrice", "TotalCost") else " each"
    return [f"price {_number(paid)} {paid['acommodity']}{each}"]


def _exact(amount: Any) -> Decimal:
    """The number of an amount. Raises JournalError where it may have been rounded."""
    number = _number(amount)
    if amount["aquantity"]["decimalPlaces"] >= EXPORTED_PLACES:
        raise JournalError(
            f"{number} {amount['acommodity']} may be rounded, since hledger exports at most "
            f"{EXPORTED_PLACES} digits behind the point; count it in a smaller unit in the journal"
        )
    return number


def _number(amount: Any) -> Decimal:
    """A number as hledger's JSON has it, as two integers."""
    quantity = amount["aquantity"]
    return Decimal(f"{quantity['decimalMantissa']}E-{quantity['decimalPlaces']}")


def _status(status: str) -> str:
    return {"Cleared": "*", "Pending": "!"}.get(status, "")
