"""Stripes: compares each striped account with its stripes.

Exactly its stripes exist, they have the same limits and states, and the balances of a closed
account's stripes sum to 0.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chalicelib.domain.stripes import is_stripe, sum_of, whole_of
from chalicelib.events.recorded import Recorded, Stream, encode_state
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state, account_stream, stripe_streams
from ops.auditing.findings import Finding
from ops.auditing.streams import StreamCheck
from ops.verifying.raw import last, number_of
from ops.verifying.reader import Reader

_SHARED = (
    *("asset", "normal_balance", "min_balance", "max_balance", "opened_at"),
    *("frozen_debits", "frozen_credits", "closed"),
)
"""The fields that are equal in an account and its stripes."""

Heads = dict[Stream, Recorded | None]
"""The newest events of an account's existing streams; None for an unreadable one."""

StripedHead = tuple[str, int, str | None]
"""The name, version and folded state of a striped account or a stripe; None if unreadable."""


@dataclass
class Striped:
    """The folded striped accounts, in memory, since they are few."""

    _heads: dict[Stream, Heads] = field(default_factory=dict)

    def take(self, check: StreamCheck) -> None:
        """Adds a folded stream, if it is a striped account or a stripe."""
        stream, newest = check.stream, check.newest
        if stream is None or stream.kind != "account":
            return
        if is_stripe(stream.id) or (newest is not None and account_state(newest).stripes > 1):
            account = account_stream(stream.ledger, whole_of(stream.id))
            heads = self._heads.setdefault(account, {})
            heads[stream] = newest if check.whole else None

    def lines(self) -> list[StripedHead]:
        """All heads."""
        return [
            (str(stream), one.version, encode_state(one.state)) if one else (str(stream), 0, None)
            for heads in self._heads.values()
            for stream, one in heads.items()
        ]

    def absorb(self, lines: Iterable[StripedHead]) -> None:
        """Adds the heads of other streams."""
        for name, version, state in lines:
            stream = Stream.parse(name)
            account = account_stream(stream.ledger, whole_of(stream.id))
            head = None if state is None else _head(stream, version, state)
            self._heads.setdefault(account, {})[stream] = head

    def differing(self) -> Iterator[Stream]:
        """The accounts that differed from their stripes when they were folded."""
        for account, heads in sorted(self._heads.items(), key=str):
            if any(_wrong(account, heads)):
                yield account

    def look(self, account: Stream) -> list[Finding]:
        """The differences between an account and its stripes now."""
        heads = _newest([account])
        head = heads.get(account)
        stripes = {*self._heads[account], *(stripe_streams(head) if head else ())} - {account}
        heads |= _newest(sorted(stripes, key=str))
        return [
            Finding(account.ledger, str(stream), version, what)
            for stream, version, what in _wrong(account, heads)
        ]


def _head(stream: Stream, version: int, state: str) -> Recorded:
    """An event of which only the place and the state are known."""
    return Recorded(
        stream=stream,
        version=version,
        type="",
        data="",
        state_data=state,
        recorded_at=datetime.min.replace(tzinfo=UTC),
        command_id="",
        actor="",
        hash=b"",
    )


def _newest(streams: Iterable[Stream]) -> Heads:
    heads: Heads = {}
    for stream in streams:
        item = last(EventItem, str(stream))
        if item is not None:
            heads[stream] = Reader().read((str(stream), number_of(item, "version")))
    return heads


def _wrong(account: Stream, heads: Heads) -> Iterator[tuple[Stream, int, str]]:
    if account in heads and heads[account] is None:
        return  # Unreadable, which is a finding of its stream.
    head = heads.get(account)
    wanted = stripe_streams(head) if head else []
    for stream, one in heads.items():
        if stream != account and stream not in wanted:
            yield stream, one.version if one else 0, "is a stripe that no account has"
    if head is None:
        return
    for stream in wanted:
        one = heads.get(stream)
        if stream not in heads:
            yield account, head.version, f"its stripe {stream.id} is missing"
        elif one is not None:
            for name in _SHARED:
                if getattr(account_state(one), name) != getattr(account_state(head), name):
                    yield stream, one.version, f"its {name} is not that of its account"
    stripes = [account_state(one) for stream in wanted if (one := heads.get(stream)) is not None]
    held = sum_of(account_state(head), stripes).posted
    if account_state(head).closed and len(stripes) == len(wanted) and held:
        yield account, head.version, f"it was closed while its stripes held {held}"
