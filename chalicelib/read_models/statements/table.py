"""One row per event of an account, ordered by time and version.

Events that are not entries have a row too, so that versions are gapless and a reader detects rows
that are not projected yet.
"""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.tables import Integer, Table


class StatementRow(Table):
    """The balance after one event of an account or a stripe, and the fields of an entry.

    The rows of a striped account's own stream have `stripes`.
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
        """Whether the event is an entry."""
        return self.transaction is not None


def partition(ledger: str, account: str) -> str:
    """The hash key of an account's rows."""
    return f"{ledger}/{account}"


def place(recorded_at: str, version: int) -> str:
    """The range key of a row, which sorts by time, then by version."""
    return f"{recorded_at}#{version:016d}"
