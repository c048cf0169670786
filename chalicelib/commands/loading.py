"""Loading: the newest event of every stream that commands need, from memory or from the store."""

from chalicelib.commands.attempt import Places, Read, ReadLevel, Run
from chalicelib.commands.deciding import needs
from chalicelib.events.recorded import Stream
from chalicelib.events.store import EventStore


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
