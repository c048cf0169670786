"""Streams: folds the events of one stream, and checks each of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from chalicelib.domain.account.state import Account
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.recorded import (
    FIRST_LINK,
    Recorded,
    StaleState,
    Stream,
    UnknownEvent,
    evolve,
    link,
)
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import Event, State, account_state, sets_metadata
from ops.auditing import assertions, rules
from ops.auditing.assertions import Assertion
from ops.auditing.findings import Finding, ledger_of
from ops.verifying.events import event_of, recorded
from ops.verifying.raw import Item, number_of, text_of

_KINDS = {
    attribute.attr_name: attribute.attr_type for attribute in EventItem.get_attributes().values()
}
_LINKED = ("type", "data", "state", "recorded_at", "command_id", "actor")
"""The attributes that the hash covers besides the key, in order (`Recorded.chained_to`)."""

_MOST = 2**63 - 1
"""The largest version: SQLite stores no larger number."""


class Head(NamedTuple):
    """The newest event of a stream, whose hash covers all events before it."""

    stream: str
    version: int
    hash: bytes


class StreamCheck:
    """The fold of one stream. Each event is checked against those before it.

    After damage the check continues with the state that fits the later events, so that one altered
    event is one or two findings. `whole` means that no event is missing or unreadable, so that the
    expected rows are known.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[Finding] = []
        self.version = 0
        self.count = 0
        self.hash = b""
        self.at = ""
        self.newest: Recorded | None = None
        self.metadata_set_by: Recorded | None = None
        self.asset = ""
        self.tally = rules.Tally()
        self.whole = True
        self._links: set[bytes] = {FIRST_LINK}
        self._states: Sequence[State | None] = [None]
        self._before: Event | None = None
        try:
            self.stream: Stream | None = Stream.parse(name)
        except UnknownEvent as error:
            self.stream = None
            self._wrong(0, str(error))

    @property
    def head(self) -> Head:
        """The newest stored event."""
        return Head(self.name, self.version, self.hash)

    def go_on_from(self, head: Item, before: bytes) -> None:
        """Starts after the event of a checkpoint, with its stored state.

        `before` is the hash of the event before it. Earlier events are not counted.
        """
        self.version = number_of(head, "version") - 1
        self._links, self._states = {before}, []
        self.tally.lose()
        self.take(head)
        self.count, self.tally.net = 0, 0

    def take(self, item: Item) -> tuple[Recorded | None, list[Assertion]]:
        """Checks the next event; the event with its folded state, and its assertions."""
        self.count += 1
        version = min(number_of(item, "version"), _MOST)
        if version != self.version + 1:
            last = f" to {version - 1}" if version - 1 > self.version + 1 else ""
            gap = version > self.version
            what = f"is missing{last and ', as are all' + last}" if gap else "comes out of order"
            self._wrong(self.version + 1 if gap else version, what)
            self._lose()
            self._links = set()
        self.version = version
        self.hash = item.get("hash", {}).get("B", b"")
        try:
            kinds = {name: next(iter(value)) for name, value in item.items()}
            if kinds != _KINDS:
                raise UnknownEvent(f"it has not the attributes of an event: {sorted(kinds)}")
            self._check_link(item)
            one = recorded(item)
            event = event_of(one)
        except (UnknownEvent, ValueError, OverflowError) as error:
            self._wrong(version, f"cannot be read: {error}")
            self._lose()
            self._before = None
            return None, []
        if text_of(item, "recorded_at") < self.at:
            self._wrong(version, "was recorded before the event before it")
        self.at = max(self.at, text_of(item, "recorded_at"))
        state = self._fold(one, event)
        if state is None:
            return None, []
        self.newest = one = one.with_state(state)
        try:
            return one, self._hold_to_rules(one, event)
        finally:
            self._before = event

    def _check_link(self, item: Item) -> None:
        stored = item["hash"]["B"]
        texts = [text_of(item, name) for name in _LINKED]
        links = {link(each, self.name, self.version, *texts) for each in self._links}
        if self._links and stored not in links:
            self._wrong(self.version, "its hash is not that of what is stored")
        self._links = {stored, *links}
        if stored in links:
            self._links = {stored}

    def _fold(self, one: Recorded, event: Event) -> State | None:
        folded = list(self._followed(event))
        if self._states and not folded:
            self._wrong(self.version, f"{one.type} cannot follow what is before it")
            self._lose()
        try:
            carried = cast(State | None, one.state)
        except StaleState:
            carried = None  # Of another schema, so it cannot be compared.
        except UnknownEvent as error:
            self._wrong(self.version, f"its state cannot be read: {error}")
            carried = None
        if carried is None:
            self._states = folded
        elif not folded or carried in folded:
            self._states = [carried]
        else:
            self._wrong(self.version, "the state it carries is not the fold of the events")
            self._states = [*folded, carried]
        return self._states[0] if self._states else None

    def _followed(self, event: Event) -> Iterator[State]:
        for state in self._states:
            try:
                after = evolve(state, event)
            except (ValueError, AssertionError):
                continue
            yield cast(State, after)

    def _hold_to_rules(self, one: Recorded, event: Event) -> list[Assertion]:
        damaged = any(finding.version == self.version for finding in self.findings)
        if isinstance(one.state, Account):
            self.asset = account_state(one).asset
            if sets_metadata(one):
                self.metadata_set_by = one
            wrong = [*self.tally.take(event), *self.tally.compare(account_state(one))]
            wrong += self.tally.within(account_state(one))
            wrong += rules.of_account(one, event, self._state_before)
            asserted = list(assertions.of_account(one))
            self._state_before = account_state(one)
        else:
            assert isinstance(event, TransactionEvent)
            before_event = self._before if isinstance(self._before, TransactionEvent) else None
            wrong = list(rules.of_transaction(one, event, before_event))
            asserted = list(assertions.of_transaction(one, before_event))
        for what in wrong:
            self._wrong(self.version, what)
        if damaged or wrong:
            self.tally.lose()
        return asserted

    _state_before: Account | None = None

    def _lose(self) -> None:
        """Drops the state: the fold continues with the next stored one."""
        self.whole = False
        self._states = []
        self._state_before = None
        self.tally.lose()

    def _wrong(self, version: int, what: str) -> None:
        self.findings.append(Finding(ledger_of(self.name), self.name, version, what))
