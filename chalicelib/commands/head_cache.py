"""Head cache: the newest events that this process wrote itself, so that it need not load them.

A cached head may be stale, since other processes write too. That does no harm: an append is
conditional on the versions that it was decided on, so what is accepted on a cached head was true,
and nothing is refused, or called done, before it was looked up. But a lost race costs far more than
the cache spares. So a stream that others write too is not cached for a while (its cool-down); and
while too many cached heads turn out to be stale (the hit rate), none is used.

An append checks its own version, not the one before it. So if the event table was restored to an
earlier state, a head from before would be followed by an event beyond a gap. That is why a head is
used for `FRESH_SECONDS` only after it was last written or loaded.

Of a striped account the cache also knows how many stripes there are, which changes in a restore
only.
"""

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from chalicelib.commands import decider
from chalicelib.domain.stripes import MARK, stripes_of, whole_of
from chalicelib.events.recorded import Recorded, Stream

SIZE = 4000
"""Streams, of about a kilobyte each."""

FRESH_SECONDS = 60.0
"""How long a head is used after it was last written or loaded. DynamoDB cannot restore a table
under a name that is in use, and to delete one and restore another takes longer than this: a head
that was read before is too old by then. An account that is written more often is not affected; any
other pays one load, of half a read unit, at its next write."""

COOL_DOWN_SECONDS = 5.0
"""How long a stream that another process wrote is loaded every time."""

LEAST_HIT_RATE = 0.9
"""The cache is used while so many of its latest heads were current: the 6 write units of a lost
transfer cost 15 times as much as the 2 read units that a cached one spares."""

_WEIGHT = 0.05
"""Of the latest observation, in the hit rate."""


class _Head(NamedTuple):
    """The newest event of a stream, and when it was last written or loaded."""

    event: Recorded
    at: float


class _Stripes(NamedTuple):
    """How many stripes an account has, and when that was last seen."""

    number: int
    at: float


_Kept = TypeVar("_Kept", _Head, _Stripes)


class HeadCache(decider.Cache):
    """The newest events of the streams that were written last. Safe under threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._heads: OrderedDict[Stream, _Head] = OrderedDict()
        self._cools_until: OrderedDict[Stream, float] = OrderedDict()
        self._stripes: OrderedDict[Stream, _Stripes] = OrderedDict()
        self._hit_rate = 1.0
        self._monotonic = monotonic
        self._lock = Lock()

    def get(self, streams: Iterable[Stream]) -> dict[Stream, Recorded]:
        """The cached heads of these streams; none while the hit rate is too low."""
        with self._lock:
            if self._hit_rate < LEAST_HIT_RATE:
                return {}
            found = {}
            for stream in streams:
                known = self._recent(self._heads, stream)
                if known is not None:
                    found[stream] = known.event
            return found

    def put(self, heads: Iterable[Recorded]) -> None:
        """Caches what this process has just written."""
        with self._lock:
            now = self._monotonic()
            for head in heads:
                self._note_stripes(head)
                stream = head.stream
                if self._cools_until.get(stream, 0.0) > now or stream in self._stripes:
                    continue
                known = self._recent(self._heads, stream)
                if known is not None and self._hit_rate >= LEAST_HIT_RATE:
                    self._count(hit=True)
                if known is None or known.event.version < head.version:
                    self._heads[stream] = _Head(head, now)
                    self._heads.move_to_end(stream)
            _shrink(self._heads)

    def observe(self, heads: Iterable[Recorded]) -> None:
        """Compares the cache with what was loaded, and notes which accounts are striped."""
        with self._lock:
            for head in heads:
                self._note_stripes(head)
                if head.stream not in self._heads:
                    continue
                known = self._recent(self._heads, head.stream)
                if known is not None:
                    self._count(hit=known.event.version == head.version)
                if known is None or known.event.version <= head.version:
                    self._heads[head.stream] = _Head(head, self._monotonic())

    def stripe_for(self, account: Stream) -> Stream | None:
        """A stripe for the new entries of an account; None if it is not known to be striped.

        The one that this process wrote last and lost to no other, if any: so each process comes to
        write a stripe of its own. Otherwise a random one.
        """
        with self._lock:
            known = self._recent(self._stripes, account)
            if known is None:
                return None
            ids = stripes_of(account.id, known.number)
            stripes = [Stream(account.ledger, account.kind, id) for id in ids]
            written = [self._heads[stripe].event for stripe in stripes if stripe in self._heads]
            if not written:
                return random.choice(stripes)
            return max(written, key=lambda head: head.recorded_at).stream

    def invalidate(self, streams: Iterable[Stream]) -> None:
        """Drops heads that may have changed: a write to them has no answer."""
        with self._lock:
            for stream in streams:
                self._heads.pop(stream, None)

    def cool_down(self, lost: Mapping[Stream, Recorded | None]) -> None:
        """Stops caching streams that another process has written, and drops their heads.

        `lost` are the streams of a conflict. A head stays cached if the conflict shows it to be
        current, which happens where a command would have created its stream again.
        """
        with self._lock:
            for stream, there in lost.items():
                known = self._heads.get(stream)
                if known and there and there.version <= known.event.version:
                    continue
                if self._heads.pop(stream, None) is not None:
                    self._count(hit=False)
                self._cools_until[stream] = self._monotonic() + COOL_DOWN_SECONDS
                self._cools_until.move_to_end(stream)
            _shrink(self._cools_until)

    def _recent(self, kept: Mapping[Stream, _Kept], stream: Stream) -> _Kept | None:
        """What is kept of a stream, unless it is too old to be used."""
        known = kept.get(stream)
        return known if known and self._monotonic() - known.at < FRESH_SECONDS else None

    def _note_stripes(self, head: Recorded) -> None:
        """Notes how many stripes an account has: its own head says it, a stripe's confirms it."""
        account, now = head.stream, self._monotonic()
        if account.kind != "account":
            return
        state: Any = head.state
        if state.stripes > 1:
            self._stripes[account] = _Stripes(state.stripes, now)
        elif MARK in account.id:
            account = Stream(account.ledger, account.kind, whole_of(account.id))
            if account not in self._stripes:
                return
            self._stripes[account] = self._stripes[account]._replace(at=now)
        else:
            return
        self._stripes.move_to_end(account)
        _shrink(self._stripes)

    def _count(self, *, hit: bool) -> None:
        self._hit_rate += _WEIGHT * (hit - self._hit_rate)


def _shrink(cached: OrderedDict[Stream, Any]) -> None:
    while len(cached) > SIZE:
        cached.popitem(last=False)
