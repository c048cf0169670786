"""An incremental audit since a checkpoint, at a cost proportional to the new events.

The changed accounts are those whose version in a read model differs from the checkpoint's. It reads
their events after the checkpoint, the transactions that these name, and their other accounts.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from chalicelib.domain.stripes import is_stripe, whole_of
from chalicelib.events.recorded import FIRST_LINK, Recorded, Stream
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state, stripe_streams
from chalicelib.read_models.read_model import ReadModel
from chalicelib.tables import in_parallel
from ops.auditing.assertions import Assertion
from ops.auditing.expectations import HISTORIES, key_text, mark_of, newest_rows
from ops.auditing.findings import Finding, Report, ledger_of
from ops.auditing.heads import Proven
from ops.auditing.looking import look_again
from ops.auditing.merging import Net, compare_transactions, unbalanced
from ops.auditing.parts import Parts
from ops.auditing.patience import look_patiently
from ops.auditing.plan import until_sound
from ops.auditing.scratch import Row, Scratch, assertion_lines
from ops.auditing.settling import WAITS
from ops.auditing.streams import StreamCheck
from ops.auditing.stripes import Striped
from ops.bars import Bars, silent
from ops.checkpoints import proof
from ops.verifying import raw
from ops.verifying.raw import Item, get_all, last, number_of, query, same
from ops.verifying.read_models import READ_MODELS, after, is_shared
from ops.workplace import workplace

_LINES = 100
"""Events whose history rows are read together: a BatchGetItem reads up to 100."""


@dataclass
class SinceAuditor:
    """Audits what is new in `ledgers` since the checkpoints that the scratch file has.

    What differs is read again for `patience` seconds.
    """

    patience: float = 15.0
    bars: Bars = silent
    sleep: Callable[[float], None] = time.sleep
    report: Report = field(default_factory=Report)
    ledgers: Sequence[str] = ()
    _striped: Striped = field(default_factory=Striped)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def begun(self) -> Iterator[Scratch]:
        """A scratch file in a temporary folder, for the heads of the last checkpoints."""
        with workplace(None) as folder, closing(Scratch(folder / "audit.sqlite")) as scratch:
            yield scratch

    def audit(self, scratch: Scratch) -> Report:
        """The findings, with a scratch file that has the heads of the last checkpoints."""
        began = time.monotonic()
        self._events(scratch)
        net, tick = Net(), self.bars("transactions seen on one side", None)
        compare_transactions(scratch, self.report, net, self.sleep, tick)
        self.report.add(unbalanced(net))
        for account in self._striped.differing():
            look = partial(self._striped.look, account)
            self.report.add(until_sound(self.sleep, WAITS, look, bool))
        again = partial(look_again, scratch)
        look_patiently(self.report, self.patience, self.sleep, again, Parts())
        self.report.found.sort()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _events(self, scratch: Scratch) -> None:
        tick = self.bars("streams that moved", None)
        for ledger in self.ledgers:
            todo, done = set(_moved(ledger, scratch)), set[str]()
            while todo:
                done |= todo
                named = in_parallel(partial(self._since, scratch), sorted(todo))
                tick(len(todo))
                todo = set().union(*named) - done

    def _since(self, scratch: Scratch, name: str) -> set[str]:
        """Verifies the new events of a stream; the other streams that they name."""
        earlier = _last_head(name, scratch)
        check, named = until_sound(
            self.sleep,
            (0.0, 0.3),
            lambda: _fold_new(name, earlier, scratch),
            lambda found: found[0].findings,
        )
        with self._lock:
            self.report.add(check.findings)
            self._striped.take(check)
        if check.version:
            scratch.add_stream(check)
        if check.whole and check.newest:
            _suspect_rows(list(newest_rows(check.newest, check.newest)), check.newest, scratch)
        return named - {name}


def _fold_new(name: str, earlier: Proven | None, scratch: Scratch) -> tuple[StreamCheck, set[str]]:
    """Folds the new events of a stream, and checks their history rows; the streams they name."""
    check, named = StreamCheck(name), set[str]()
    lines: list[Recorded] = []
    then = earlier.version if earlier else 0
    for item in _beginning(check, earlier):
        one, asserted = check.take(item)
        if check.version <= then:
            check.count = 0
            continue  # A transaction, which is folded from its beginning.
        numbered = [(check.version, number, each) for number, each in enumerate(asserted)]
        scratch.add_assertions(assertion_lines(name, numbered))
        named |= _named_by(asserted, scratch)
        if one is not None and one.stream.kind == "account":
            named |= {str(stripe) for stripe in stripe_streams(one)}
            lines.append(one)
        if len(lines) == _LINES:
            _suspect_lines(lines, scratch)
            lines.clear()
    _suspect_lines(lines, scratch)
    if earlier and check.version < then:
        check.findings.append(_lost(name, earlier))
    return check, named


def _named_by(asserted: Iterable[Assertion], scratch: Scratch) -> set[str]:
    """The streams of assertions, without events from before the checkpoint."""
    named = set()
    for each in asserted:
        earlier = _last_head(each.stream, scratch)
        if not each.version or earlier is None or each.version > earlier.version:
            named.add(each.stream)
        named.add(each.of)
    return named


def _last_head(name: str, scratch: Scratch) -> Proven | None:
    return max(scratch.proven(name), key=lambda each: each.version, default=None)


def _moved(ledger: str, scratch: Scratch) -> Iterator[str]:
    """The accounts and stripes whose rows have another version than the checkpoint, or none."""
    for model in READ_MODELS.values():
        if heads := model.projection.heads:
            yield from _moved_of(heads(ledger, None), scratch)
            left = [name.rpartition("/")[2] for name in scratch.unseen(ledger)]
            for account in {whole_of(id) for id in left if is_stripe(id)}:
                yield from _moved_of(heads(ledger, account), scratch)
    yield from scratch.unseen(ledger)


def _moved_of(found: Iterable[tuple[Stream, int]], scratch: Scratch) -> Iterator[str]:
    for stream, version in found:
        name = str(stream)
        scratch.see([name])
        earlier = _last_head(name, scratch)
        if earlier is None or version != earlier.version:
            yield name


def _beginning(check: StreamCheck, earlier: Proven | None) -> Iterator[Item]:
    """The events to fold: all, or an account's events after the checkpoint."""
    name = check.name
    if earlier is None or check.stream is None or check.stream.kind != "account":
        for each in query(EventItem, name):
            if earlier and number_of(each, "version") == earlier.version:
                _compare(check, each, earlier)
            yield each
        return
    items = query(EventItem, name, first=max(1, earlier.version - 1))
    item: Item | None = next(items, None)
    before = FIRST_LINK
    if earlier.version > 1 and item is not None:
        before = item.get("hash", {}).get("B", b"")
        item = next(items, None)
    if item is None or number_of(item, "version") != earlier.version:
        check.whole = False
        return
    check.go_on_from(item, before)
    _compare(check, item, earlier)
    yield from items


def _compare(check: StreamCheck, item: Item, earlier: Proven) -> None:
    hashes = {earlier.version: item.get("hash", {}).get("B", b"")}
    check.findings += proof.differing(check.name, earlier.version, hashes, [earlier])


def _lost(name: str, earlier: Proven) -> Finding:
    newest = last(EventItem, name)
    if newest is None:
        return proof.gone(name, earlier)
    version = number_of(newest, "version")
    for finding in proof.differing(name, version, {}, [earlier]):
        return finding
    return Finding(ledger_of(name), name, earlier.version, "is missing, or the one before it")


Wanted = tuple[ReadModel, Item]
"""An expected row, and its read model."""


def _suspect_lines(events: Sequence[Recorded], scratch: Scratch) -> None:
    """Suspects the rows of a stream's histories that differ from the expected ones."""
    for model in HISTORIES:
        if events and model.projection.kind == events[0].stream.kind:
            # Of several events with the same key, the last one counts.
            expected = [row for one in events for row in after(model, one)]
            rows = {raw.key_text(model.table, row): row for row in expected}
            _suspect_rows([(model, row) for row in rows.values()], events[-1], scratch)


def _suspect_rows(wanted: Sequence[Wanted], newest: Recorded, scratch: Scratch) -> None:
    for model in {model.name: model for model, _ in wanted}.values():
        rows = [row for each, row in wanted if each is model]
        found = get_all(model.table, rows)
        for row in rows:
            if not same(found.get(raw.key_text(model.table, row)), row):
                key = key_text(model, row)
                version = 0 if is_shared(model, row) else newest.version
                asset = account_state(newest).asset if model.projection.sums else ""
                scratch.expect([Row(model.name, key, version, mark_of(row), asset)])
                scratch.suspect([(model.name, key)])
