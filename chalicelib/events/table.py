"""The event table: one item per event, keyed by stream and version, never updated."""

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.constants import STREAM_NEW_IMAGE

from chalicelib.tables import Integer, Named, Table


class EventItem(Table):
    """One event: its data, the stream's state after it, and its hash in the chain."""

    class Meta(metaclass=Named):
        name = "events"
        stream_view_type = STREAM_NEW_IMAGE

    stream = UnicodeAttribute(hash_key=True)
    version = Integer(range_key=True)
    type = UnicodeAttribute()
    data = UnicodeAttribute()
    state = UnicodeAttribute()
    recorded_at = UnicodeAttribute()
    command_id = UnicodeAttribute()
    actor = UnicodeAttribute()
    hash = BinaryAttribute(legacy_encoding=False)
