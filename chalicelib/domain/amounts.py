"""Amounts: whole numbers of an asset's smallest unit."""

import re

from chalicelib.domain.refusals import InvalidAmount

MAX_AMOUNT = 10**30
"""The largest amount of one entry, and the largest size of a limit."""

_DIGITS = re.compile(r"-?(0|[1-9][0-9]{0,30})", re.ASCII)


def parse_amount(value: object, *, where: str = "amount") -> int:
    """An entry's amount, 1 to `MAX_AMOUNT`, from an integer or a string of digits.

    Floats, booleans, exponents, signs, leading zeros, spaces and non-ASCII digits are refused:
    each is a way in which two systems come to disagree about money.

    Raises InvalidAmount.
    """
    amount = _integer(value, where)
    if not 0 < amount <= MAX_AMOUNT:
        raise InvalidAmount(where, "an amount is at least 1 and at most 10^30")
    return amount


def parse_limit(value: object, *, where: str) -> int | None:
    """A balance limit, -10^30 to 10^30, or None for no limit. Raises InvalidAmount."""
    if value is None:
        return None
    limit = _integer(value, where)
    if abs(limit) > MAX_AMOUNT:
        raise InvalidAmount(where, "a limit lies between -10^30 and 10^30")
    return limit


def _integer(value: object, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value) and value != "-0":
        return int(value)
    raise InvalidAmount(where, "an amount is an integer or a string of digits")
