"""Names: a journal's accounts and commodities as ids and asset codes, and back.

A space is written `_`; any other character that an id may not hold, and `_` and `.` themselves, as
`.` its code point in hexadecimal `.`; letters, digits, `-` and, in accounts, `:` stay. A first
character that may not be first is written so too, after `x.`; the empty name is `x.`. No two names
are written the same. What is too long is cut and ends with a hash; the account's metadata have both
names as they were.
"""

import hashlib
import re

MAX_ID, MAX_CODE = 128, 32
_HASH = 16


def asset_code(commodity: str) -> str:
    """The code of a commodity's asset, of at most 32 characters: `USD`, and `x..24.` for `$`."""
    return _fitted(_written(commodity, first="[A-Za-z]", rest="[A-Za-z0-9-]"), MAX_CODE)


def account_id(account: str, commodity: str) -> str:
    """The id of an account's balance in one commodity: `Assets:Bank:USD`."""
    name = _written(account, first="[A-Za-z0-9]", rest="[A-Za-z0-9:-]")
    return _fitted(f"{name}:{asset_code(commodity)}", MAX_ID)


def ledger_id(stem: str) -> str:
    """The name of a ledger for a file of this name."""
    return _fitted(_written(stem, first="[A-Za-z0-9]", rest="[A-Za-z0-9-]"), MAX_ID)


def _written(name: str, *, first: str, rest: str) -> str:
    if not re.match(first, name):
        return f"x.{_escaped(name[:1])}{_written_rest(name[1:], rest)}"
    return _written_rest(name, rest)


def _written_rest(name: str, rest: str) -> str:
    return "".join(
        one if re.match(rest, one) else "_" if one == " " else _escaped(one) for one in name
    )


def _escaped(text: str) -> str:
    return "".join(f".{ord(one):x}." for one in text)


def _fitted(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    return f"{text[: most - _HASH - 2]}.-{mark}"
