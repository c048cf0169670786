"""Amounts: whole numbers of an asset's smallest unit."""

import re

from chalicelib.domain.errors import InvalidAmount

MAX_AMOUNT = 10**30
"""The largest amount of one entry, and the largest size of a limit."""

NOT_WHOLE = (
    "an amount is a whole number of the asset's smallest unit (10.50 in USD/2 is 1050), "
    "as an integer or a string of digits"
)
"""What is said of anything else."""

_DIGITS = re.compile(r"-?(0|[1-9][0-9]{0,30})", re.ASCII)


def parse_amount(value: object, where: str = "amount") -> int:
    """An entry's amount, 1 to `MAX_AMOUNT`, from an integer or a string of digits.

    Floats, booleans, exponents, a plus sign, leading zeros, spaces and non-ASCII digits are
    refused: each is a way in which two systems come to disagree about money. Raises InvalidAmount.
    """
    amount = _whole(value, where)
    check_amount(amount, where)
    return amount


def parse_limit(value: object, where: str) -> int | None:
    """A limit, -10^30 to 10^30, likewise; or None, which is no limit. Raises InvalidAmount."""
    limit = None if value is None else _whole(value, where)
    check_limit(limit, where)
    return limit


def check_amount(amount: int, where: str) -> None:
    """Raises InvalidAmount unless this is a whole number from 1 to `MAX_AMOUNT`."""
    if type(amount) is not int:
        raise _no_number(where)
    if not 0 < amount <= MAX_AMOUNT:
        raise InvalidAmount(where, "an amount is at least 1 and at most 10^30")


def check_limit(limit: int | None, where: str) -> None:
    """Raises InvalidAmount unless this is None or a whole number between -10^30 and 10^30."""
    if limit is None:
        return
    if type(limit) is not int:
        raise _no_number(where)
    if abs(limit) > MAX_AMOUNT:
        raise InvalidAmount(where, "a limit lies between -10^30 and 10^30")


def _whole(value: object, where: str) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value) and value != "-0":
        return int(value)
    raise _no_number(where)


def _no_number(where: str) -> InvalidAmount:
    return InvalidAmount(where, NOT_WHOLE)
