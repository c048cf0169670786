"""The key that authenticates an environment's cursors, a row of its table of keys.

`ops deploy`, `ops provision` and the local environment create the row. A query Lambda may read only
this row of the table, and reads it once per process. If the row is deleted, the next deployment
creates another key, and older cursors are refused.
"""

import logging
import secrets
from functools import cache

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.http.problems import Problem
from chalicelib.tables import Named, Table, saved

logger = logging.getLogger(__name__)

ROW = "cursors"
"""The hash key of the row; those of API keys are SHA-256 hashes."""


class SealingItem(Table):
    """The key, as hexadecimal digits."""

    class Meta(metaclass=Named):
        name = "keys"

    hash = UnicodeAttribute(hash_key=True)
    secret = UnicodeAttribute()


@cache
def sealing_key() -> bytes:
    """The key. Raises Problem unavailable if there is none."""
    try:
        return bytes.fromhex(SealingItem.get(ROW, consistent_read=True).secret)
    except DoesNotExist:
        logger.error("the table of keys has no row %r: run `ops deploy` or `ops provision`", ROW)
        raise Problem(
            "unavailable", "this stage cannot page through listings yet", retry_after=1
        ) from None


def ensure_sealing_key() -> bool:
    """Creates the key if it does not exist; whether it did."""
    return saved(SealingItem(ROW, secret=new_secret()), SealingItem.hash.does_not_exist())


def new_secret() -> str:
    """A new key in hexadecimal digits."""
    return secrets.token_hex(32)
