"""Sealing: the key that an environment seals its cursors with, one row of its table of keys.

The row is made by `ops deploy` and `ops provision`, and on a laptop at the start; a Lambda may read
this row of the table and no other, and does so once per process, when it first needs it. Deleting
the row lets the next deployment make another key: cursors of before are refused from then on.
"""

import logging
import secrets
from functools import cache

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError

from chalicelib.http.problems import Problem
from chalicelib.tables import CONDITION_FAILED, Named, Table, response_code

logger = logging.getLogger(__name__)

ROW = "cursors"
"""The hash key of the row: no SHA-256, by which clients' keys are known."""

_BYTES = 32


class SealingItem(Table):
    """The key, as hexadecimal digits."""

    class Meta(metaclass=Named):
        name = "keys"

    hash = UnicodeAttribute(hash_key=True)
    secret = UnicodeAttribute()


@cache
def sealing_key() -> bytes:
    """The key. Raises Problem unavailable where there is none."""
    try:
        return bytes.fromhex(SealingItem.get(ROW, consistent_read=True).secret)
    except DoesNotExist:
        logger.error("the table of keys has no row %r: run `ops deploy` or `ops provision`", ROW)
        raise Problem(
            "unavailable", "this stage cannot page through listings yet", retry_after=1
        ) from None


def ensure_sealing_key() -> bool:
    """Makes the key unless there is one; whether it did."""
    try:
        SealingItem(ROW, secret=new_secret()).save(SealingItem.hash.does_not_exist())
    except PutError as error:
        if response_code(error) != CONDITION_FAILED:
            raise
        return False
    return True


def new_secret() -> str:
    """A new key, as the row has it."""
    return secrets.token_hex(_BYTES)
