"""The ledger's decider: how commands about accounts and transactions are executed."""

from collections.abc import Collection

from chalicelib.commands import routing
from chalicelib.commands.decider import Decider, Heads
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.releasing import release_expired
from chalicelib.domain.stripes import is_stripe, whole_of
from chalicelib.events.recorded import Stream
from chalicelib.events.store import Busy
from chalicelib.ledger.aggregates import account_stream


def require_stripes(heads: Heads, absent: Collection[Stream]) -> None:
    """Raises Busy for a striped account that is being opened: it is seen, and a stripe not yet."""
    for stream in absent:
        if is_stripe(stream.id):
            account = account_stream(stream.ledger, whole_of(stream.id))
            if account in heads:
                raise Busy(f"{account} is being opened")


LEDGER = Decider(
    target_stream=routing.target_stream,
    attempt=routing.Routing,
    new_cache=HeadCache,
    creates_its_stream=routing.creates_its_stream,
    completed_at=routing.completed_at,
    answered_by=routing.answered_by,
    stays_done=routing.stays_done,
    is_final=routing.is_final,
    name_further_streams=routing.name_further_streams,
    require_complete=require_stripes,
    can_be_led=lambda stream: stream.kind == "account" and not is_stripe(stream.id),
    parts=routing.stripes_of_answer,
    release=release_expired,
)
