"""Since: an audit of what is new since a checkpoint, whose cost follows what is new.

The accounts that moved are those whose newest version, as a read model has it, is another one than
the checkpoint's.
Their events are read from the checkpoint's on, and so are the transactions that these events name,
and whatever other accounts these name. A stream that did not move is not read.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from chalicelib.domain.stripes import is_stripe, whole_of
from chalicelib.events.codec import FIRST_LINK
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state, stripe_streams
from chalicelib.read_models.read_model import ReadModel
from chalicelib.tables import in_parallel
from ops.auditing.auditor import Auditor
from ops.auditing.expectations import HISTORIES, key_text, mark_of, newest_rows
from ops.auditing.findings import Finding, ledger_of
from ops.auditing.scratch import Proven, Row, Scratch
from ops.auditing.streams import StreamCheck
from ops.checkpoints import proof
from ops.verifying.raw import Item, get_all, last, number_of, place_of, query, same
from ops.verifying.read_models import READ_MODELS, after, is_shared

_LINES = 100
"""Events whose rows in histories are read at once."""


@dataclass
class SinceAuditor(Auditor):
    """Audits what is new in `ledgers` since the checkpoints that the scratch file has."""

    ledgers: Sequence[str] = ()

    def _events(self, scratch: Scratch) -> None:
        tick = self.bars("streams that moved", None)
        for ledger in self.ledgers:
            todo, done = set(_moved(ledger, scratch)), set[str]()
            while todo:
                done |= todo
                named = in_parallel(partial(self._since, scratch, tick), sorted(todo))
                todo = set().union(*named) - done

    def _rows(self, scratch: Scratch) -> None:
        self._look_patiently(scratch)

    def _since(self, scratch: Scratch, tick: Callable[[int], None], name: str) -> set[str]:
        """Verifies what is new in a stream; the other streams that it names."""
        earlier = max(scratch.proven(name), key=lambda each: each.version, default=None)
        for wait in (0.0, 0.3):
            check, named = self._new(name, earlier, scratch)
            if not check.findings:
                break
            self.sleep(wait)
        tick(1)
        with self._lock:
            self.report.add(check.findings)
            self._striped.take(check)
        if check.version:
            ledger, net = ledger_of(name), check.tally.net
            scratch.add_stream(check.head, ledger, check.count, check.at, check.asset, net)
        if check.whole and check.newest:
            _suspect_rows(list(newest_rows(check.newest, check.newest)), check.newest, scratch)
        return named

    def _new(
        self, name: str, earlier: Proven | None, scratch: Scratch
    ) -> tuple[StreamCheck, set[str]]:
        check, named = StreamCheck(name), set[str]()
        items = iter(_beginning(check, earlier))
        lines: list[Recorded] = []
        then = earlier.version if earlier else 0
        for item in items:
            one, said = check.take(item)
            if check.version <= then:
                check.count = 0
                continue  # A transaction, which is folded from its beginning.
            scratch.add_assertions(
                name, [(check.version, place, each) for place, each in enumerate(said)]
            )
            for each in said:
                known = max((was.version for was in scratch.proven(each.stream)), default=0)
                if each.stream != name and (each.version > known or not each.version):
                    named.add(each.stream)
                named.add(each.of)
            if one is not None and one.stream.kind == "account":
                named |= {str(stripe) for stripe in stripe_streams(one)}
                lines.append(one)
            if len(lines) == _LINES:
                _suspect_lines(lines, scratch)
                lines.clear()
        _suspect_lines(lines, scratch)
        if earlier and check.version < then:
            check.findings.append(_lost(name, earlier))
        return check, named - {name}


def _moved(ledger: str, scratch: Scratch) -> Iterator[str]:
    """The accounts and stripes that have another version than at the checkpoint, or no row."""
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
        if version != max((each.version for each in scratch.proven(name)), default=0):
            yield name


def _beginning(check: StreamCheck, earlier: Proven | None) -> Iterator[Item]:
    """The events to be folded. Of an account, those behind the checkpoint's, if that is there."""
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
    """The event of the checkpoint is not there."""
    newest = last(EventItem, name)
    if newest is None:
        return proof.gone(name, earlier)
    version = number_of(newest, "version")
    for finding in proof.differing(name, version, {}, [earlier]):
        return finding
    return Finding(ledger_of(name), name, earlier.version, "is missing, or the one before it")


Wanted = tuple[ReadModel, Item]
"""A row, and the read model that must have it."""


def _suspect_lines(events: Sequence[Recorded], scratch: Scratch) -> None:
    """Notes which rows of a stream's histories are not as expected, to be looked at again."""
    for model in HISTORIES:
        if events and model.projection.kind == events[0].stream.kind:
            # Of events with the same key the last one counts.
            rows = {place_of(model.table, row): row for one in events for row in after(model, one)}
            _suspect_rows([(model, row) for row in rows.values()], events[-1], scratch)


def _suspect_rows(wanted: Sequence[Wanted], newest: Recorded, scratch: Scratch) -> None:
    """Notes which rows are not as expected, to be looked at again."""
    for model in {model.name: model for model, _ in wanted}.values():
        rows = [row for each, row in wanted if each is model]
        found = get_all(model.table, rows)
        for row in rows:
            if not same(found.get(place_of(model.table, row)), row):
                key = key_text(model, row)
                version = 0 if is_shared(model, row) else newest.version
                asset = account_state(newest).asset if model.projection.sums else ""
                scratch.expect([Row(model.name, key, version, mark_of(row), asset)])
                scratch.suspect([(model.name, key)])
