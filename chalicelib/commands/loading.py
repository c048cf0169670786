"""Loading: the newest event of every stream that commands need, from memory or from the store."""

from collections.abc import Iterable

from chalicelib.commands.attempt import Places, Read, ReadLevel, Run
from chalicelib.commands.deciding import needs
from chalicelib.domain.stripes import is_stripe, whole_of
from chalicelib.events.recorded import Stream
from chalicelib.events.store import Busy, EventStore
from chalicelib.ledger.aggregates import account_stream


def load(run: Run, store: EventStore, places: Places) -> Read:
    """The newest events of all streams that the commands need, however they name each other.

    At the level CACHED, memory stands for the store where it can. Raises Busy.
    """
    read, seen, memory = Read(), set[Stream](), places.memory
    commands = [*run.releases, *run.commands]
    look = run.level is ReadLevel.REPLAY_CHECKED
    while True:
        read.needed = [needs(one, read.heads, places, look=look) for one in commands]
        wanted = dict.fromkeys(stream for each in read.needed for stream in each)
        fresh = [stream for stream in wanted if stream not in seen]
        if not fresh:
            _require_stripes(read, wanted)
            read.unloaded.intersection_update(wanted)
            return read
        known = memory.recall(fresh) if run.level is ReadLevel.CACHED else {}
        returned = {stream: run.returned[stream] for stream in fresh if stream in run.returned}
        known |= returned
        read.unloaded.update(known)
        unknown = [stream for stream in fresh if stream not in known]
        loaded = store.load(unknown) if unknown else {}
        memory.learn([*returned.values(), *loaded.values()])
        read.heads |= {**known, **loaded}
        seen.update(fresh)


def _require_stripes(read: Read, wanted: Iterable[Stream]) -> None:
    """Raises Busy for a striped account that is being opened: it is seen, and a stripe not yet."""
    for stream in wanted:
        if is_stripe(stream.id) and stream not in read.heads:
            account = account_stream(stream.ledger, whole_of(stream.id))
            if account in read.heads:
                raise Busy(f"{account} is being opened")
