"""One row per ledger: what the last audit found. Written by the audit, and by no projector."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.settings import settings
from chalicelib.tables import Integer, Table


class IntegrityRow(Table):
    """The verdict on a ledger.

    `as_of` is when the newest event that was audited was recorded. `most_events` is the largest
    number of events that an audit has ever counted: a ledger only grows.
    """

    class Meta:
        table_name = settings().read_table_name("integrity")
        billing_mode = "PAY_PER_REQUEST"

    ledger = UnicodeAttribute(hash_key=True)
    audited_at = UnicodeAttribute()
    as_of = UnicodeAttribute()
    events = Integer()
    streams = Integer()
    findings = Integer()
    whole = BooleanAttribute()
    most_events = Integer()


def find(ledger: str) -> IntegrityRow | None:
    """The verdict on a ledger, if it was ever audited."""
    try:
        return IntegrityRow.get(ledger)
    except DoesNotExist:
        return None
