"""Sealing: the key that authenticates an environment's cursors, one row of its table of keys.

The row is made by `ops deploy` and `ops provision`, and on a laptop at the start. A query Lambda
may read only this row of the table, and reads it once per process, at first use. Where the row was
deleted, the next deployment makes another key, and older cursors are refused.
"""

import logging
import secrets
from functools import cache

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError

from chalicelib.http.problems import Problem
from chalicelib.settings import settings
from chalicelib.tables import CONDITION_FAILED, Table, response_code

logger = logging.getLogger(__name__)

ROW = "cursors"
"""The hash key of the row. It is not a SHA-256, as the hash keys of clients' keys are."""

_BYTES = 32


class SealingItem(Table):
    """The key, as hexadecimal digits."""

    class Meta:
        table_name = settings().table_name("keys")
        billing_mode = "PAY_PER_REQUEST"

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
