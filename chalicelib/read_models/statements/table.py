"""One row per event of an account, in the order of time, which is the order of versions.

Events that move no money have a row too: versions are gapless, so a reader sees whether a row that
should be there has not arrived yet.
"""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.tables import Integer, Table


class StatementRow(Table):
    """What one event did to an account or a stripe; the entry's own fields only where it was one.

    `stripes` is there on the account's own rows if it has any.
    """

    class Meta(metaclass=BlueGreen):
        name = "statements"

    account = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)
    version = Integer()
    asset = UnicodeAttribute()
    balance = Integer()
    recorded_at = UnicodeAttribute()
    transaction = UnicodeAttribute(null=True)
    direction = UnicodeAttribute(null=True)
    amount = Integer(null=True)
    effective_at = UnicodeAttribute(null=True)
    reference = UnicodeAttribute(null=True)
    stripes = Integer(null=True)

    @property
    def is_entry(self) -> bool:
        """Whether money moved."""
        return self.transaction is not None


def partition(ledger: str, account: str) -> str:
    """The hash key of an account's rows."""
    return f"{ledger}/{account}"


def place(recorded_at: str, version: int) -> str:
    """The range key of a row: by time, and by version where times are equal."""
    return f"{recorded_at}#{version:016d}"
