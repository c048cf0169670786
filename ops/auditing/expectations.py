"""Expectations: what the read tables must have, out of streams that were folded anew.

How a row is written is the read model's (`rows` of its projection). What it says - states, sums,
versions - comes from the audit's own fold and count.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from chalicelib.domain.account.state import Account
from chalicelib.events.codec import UnknownEvent
from chalicelib.events.recorded import Recorded
from chalicelib.read_models.read_model import ReadModel
from ops.auditing.scratch import Row
from ops.auditing.streams import StreamCheck
from ops.verifying.raw import Item, digest, key, key_names, place_of
from ops.verifying.read_models import READ_MODELS, after, is_shared

MASK = 2**128 - 1
"""Sums of digests are kept to their 128 bits."""

BROKEN = ""
"""Stands in the place of a read model's name, for streams whose rows cannot be told."""

HISTORIES = [model for model in READ_MODELS.values() if model.projection.history]

_BETWEEN = " "


class Lines:
    """The sum of the digests of a partition's rows, of which a read model keeps the history."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model
        self.key = ""
        self._total, self._last, self._place = 0, 0, ""

    def take(self, one: Recorded) -> None:
        """The rows of the next event; of those with the same key the last one counts."""
        for item in after(self.model, one):
            self.add(item)

    def add(self, item: Item) -> None:
        """The next row."""
        place = place_of(self.model.table, item)
        if place != self._place:
            self._total += self._last
        self.key, self._place, self._last = key_text(self.model, item), place, digest(item)

    @property
    def mark(self) -> str:
        """The sum as text."""
        return f"{(self._total + self._last) & MASK:032x}"


def key_text(model: ReadModel, item: Item) -> str:
    """A row's key as one text; all rows of a history's partition have one."""
    names = key_names(model.table)
    if model.projection.history:
        return str(item[names[0]]["S"])
    hash_key, *range_key = (item[name]["S"] for name in names)
    return _BETWEEN.join([hash_key.replace("%", "%25").replace(_BETWEEN, "%20"), *range_key])


def key_parts(text: str) -> tuple[str, str]:
    """The hash key and the range key, which is empty where there is none."""
    hash_key, _, range_key = text.partition(_BETWEEN)
    return hash_key.replace("%20", _BETWEEN).replace("%25", "%"), range_key


def key_item(model: ReadModel, text: str) -> Item:
    """The key attributes of a row whose key is this text."""
    return key(model.table, *filter(None, key_parts(text)))


def lines_of(check: StreamCheck) -> list[Lines]:
    """What is to take the events of a stream, for the read models that keep its history."""
    kind = check.stream.kind if check.stream else None
    return [Lines(model) for model in HISTORIES if model.projection.kind == kind]


def rows_of(check: StreamCheck, lines: Iterable[Lines]) -> Iterator[Row]:
    """The rows that a stream asks for, with the sums of the digests of its histories."""
    if check.stream is None:
        return
    if not check.whole or check.newest is None:
        yield Row(BROKEN, check.name, 0, "")
        return
    one = counted(check, check.newest)
    for model, item in newest_rows(check.newest, one, lambda _: check.metadata_set_by):
        version = 0 if is_shared(model, item) else one.version
        asset = check.asset if model.projection.sums else ""
        yield Row(model.name, key_text(model, item), version, mark_of(item), asset)
    for each in lines:
        yield Row(each.model.name, each.key, one.version, each.mark)


def newest_rows(
    one: Recorded, summed: Recorded, earlier: Any = None
) -> Iterator[tuple[ReadModel, Item]]:
    """The rows that a stream's newest event asks for, but for those of histories.

    `summed` is the same event as it counts for read models with sums. Leaves a read model out that
    also needs an event which cannot be read.
    """
    for model in READ_MODELS.values():
        if model.projection.kind != one.stream.kind or model.projection.history:
            continue
        try:
            for item in after(model, summed if model.projection.sums else one, earlier):
                yield model, item
        except UnknownEvent:
            continue  # A full audit says why it cannot be read.


def counted(check: StreamCheck, one: Recorded) -> Recorded:
    """A stream's newest event with the entries of an account as the audit has counted them."""
    if not isinstance(one.state, Account):
        return one
    posted = check.tally.posted
    return one.with_state(replace(one.state, debits=posted["debit"], credits=posted["credit"]))


def mark_of(item: Item) -> str:
    """A row's digest as text."""
    return f"{digest(item):032x}"
