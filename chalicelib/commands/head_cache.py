"""Memory: the newest events that this process wrote itself, so that it need not load them again.

What is remembered may be stale, since other processes write too. That harms nobody: an append is
conditional on the versions it was decided on, so what is accepted on a remembered state was true,
and nothing is refused, or called done, before it was looked up. But losing on it costs far more
than it spares. So a stream that others write too is not remembered for a while; and where what is
remembered turns out to be stale too often, none of it is used.

An append does not look at its predecessor, only at its own place. So where the event table was
restored to an earlier state, a head from before would be followed by an event beyond a gap. That is
why a head is used for `FRESH_SECONDS` only after it was last written or loaded.

Of a striped account it also remembers how many stripes there are, which changes in a restore only.
"""

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import NamedTuple

from chalicelib.domain.stripes import is_stripe, stripes_of, whole_of
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import account_state, account_stream

SIZE = 4000
"""Streams, of about a kilobyte each."""

FRESH_SECONDS = 60.0
"""For so long after it was last written or loaded is a head used. DynamoDB cannot restore a table
under a name that is in use, and to delete one and restore another takes longer than this: a head
that was read before is too old by then. An account that is written more often never notices; any
other pays one load, of half a read unit, at its next write."""

SHY_SECONDS = 5.0
"""For so long a stream that another process wrote is loaded every time."""

LEAST_LUCK = 0.9
"""What is remembered is used while it was true in so many cases of late: the 6 write units of a
lost transfer cost 15 times as much as the 2 read units that a remembered one spares."""

_WEIGHT = 0.05
"""Of the latest finding, in how lucky a memory has been of late."""


class _Head(NamedTuple):
    """The newest event of a stream, and when it was last written or loaded."""

    event: Recorded
    at: float


class _Stripes(NamedTuple):
    """How many stripes an account has, and when that was last seen."""

    number: int
    at: float


class Memory:
    """The newest events of the streams that were written last. Safe under threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._heads: OrderedDict[Stream, _Head] = OrderedDict()
        self._shy_until: OrderedDict[Stream, float] = OrderedDict()
        self._stripes: OrderedDict[Stream, _Stripes] = OrderedDict()
        self._luck = 1.0
        self._monotonic = monotonic
        self._lock = Lock()

    def recall(self, streams: Iterable[Stream]) -> dict[Stream, Recorded]:
        """Those of these streams that were written or loaded lately, as long as that is of use."""
        with self._lock:
            if not self._is_of_use:
                return {}
            found = {stream: self._fresh(stream) for stream in streams}
            return {stream: head for stream, head in found.items() if head is not None}

    def remember(self, heads: Iterable[Recorded]) -> None:
        """What was just written."""
        with self._lock:
            for head in heads:
                self._note_stripes(head)
                shy = self._shy_until.get(head.stream, 0.0) > self._monotonic()
                if shy or head.stream in self._stripes:
                    continue
                known = self._fresh(head.stream)
                if known is not None and self._is_of_use:
                    self._found(true=True)
                if known is None or known.version < head.version:
                    self._keep(head)
                    self._heads.move_to_end(head.stream)
            while len(self._heads) > SIZE:
                self._heads.popitem(last=False)

    def learn(self, heads: Iterable[Recorded]) -> None:
        """What is loaded: it shows how true the memory is, and which accounts are striped."""
        with self._lock:
            for head in heads:
                self._note_stripes(head)
                known = self._fresh(head.stream)
                if known is not None:
                    self._found(true=known.version == head.version)
                if head.stream in self._heads and (known is None or known.version <= head.version):
                    self._keep(head)

    def stripe(self, account: Stream) -> Stream | None:
        """A stripe to write to, of an account that is known to be striped.

        The one that this process wrote last and lost to nobody, if any: so processes come to
        write a stripe each. Otherwise any.
        """
        with self._lock:
            known = self._stripes.get(account)
            if known is None or not self._is_recent(known.at):
                return None
            ids = stripes_of(account.id, known.number)
            stripes = [account_stream(account.ledger, id) for id in ids]
            mine = [self._heads[stripe].event for stripe in stripes if stripe in self._heads]
        if not mine:
            return random.choice(stripes)
        return max(mine, key=lambda head: head.recorded_at).stream

    def forget(self, streams: Iterable[Stream]) -> None:
        """What may be otherwise now: a write to it has no answer."""
        with self._lock:
            for stream in streams:
                self._heads.pop(stream, None)

    def lose(self, lost: Mapping[Stream, Recorded | None]) -> None:
        """What another process has written meanwhile, as far as it came back.

        Where a command that was done before would have made its stream again, what is remembered
        of that stream is true.
        """
        with self._lock:
            for stream, there in lost.items():
                known = self._heads.get(stream)
                if known and there and there.version <= known.event.version:
                    continue
                if self._heads.pop(stream, None) is not None:
                    self._found(true=False)
                self._shy_until[stream] = self._monotonic() + SHY_SECONDS
                self._shy_until.move_to_end(stream)
            while len(self._shy_until) > SIZE:
                self._shy_until.popitem(last=False)

    @property
    def _is_of_use(self) -> bool:
        return self._luck >= LEAST_LUCK

    def _keep(self, head: Recorded) -> None:
        self._heads[head.stream] = _Head(head, self._monotonic())

    def _fresh(self, stream: Stream) -> Recorded | None:
        """The head that is remembered, unless it is too old to be used."""
        known = self._heads.get(stream)
        return known.event if known is not None and self._is_recent(known.at) else None

    def _is_recent(self, at: float) -> bool:
        return self._monotonic() - at < FRESH_SECONDS

    def _note_stripes(self, head: Recorded) -> None:
        """How many stripes an account has: its own head says it, and a write to one confirms it."""
        if head.stream.kind != "account":
            return
        account = account_stream(head.stream.ledger, whole_of(head.stream.id))
        if account_state(head).stripes > 1:
            self._stripes[account] = _Stripes(account_state(head).stripes, self._monotonic())
        elif account in self._stripes and is_stripe(head.stream.id):
            self._stripes[account] = self._stripes[account]._replace(at=self._monotonic())
        else:
            return
        self._stripes.move_to_end(account)
        if len(self._stripes) > SIZE:
            self._stripes.popitem(last=False)

    def _found(self, *, true: bool) -> None:
        self._luck += _WEIGHT * (true - self._luck)
