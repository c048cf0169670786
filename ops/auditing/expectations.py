"""Expectations: the expected rows of the read tables, from streams that the audit has folded.

The read model's projection (`rows`) formats them; states, sums and versions are the audit's.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from chalicelib.domain.account.state import Account
from chalicelib.events.recorded import Recorded, UnknownEvent
from chalicelib.read_models.read_model import ReadModel
from ops.auditing.scratch import Row
from ops.auditing.streams import StreamCheck
from ops.verifying import raw
from ops.verifying.raw import Item, digest, key, key_names
from ops.verifying.read_models import READ_MODELS, after, is_shared

MASK = 2**128 - 1
"""Sums of digests are modulo 2^128."""

BROKEN = ""
"""Used as a read model's name for streams whose rows cannot be derived."""

HISTORIES = [model for model in READ_MODELS.values() if model.projection.history]

_BETWEEN = " "


class Lines:
    """The sum of the digests of the rows of a history's partition."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model
        self.key = ""
        self._total, self._last, self._last_key = 0, 0, ""

    def take(self, one: Recorded) -> None:
        """Adds the rows of the next event; of rows with the same key the last one counts."""
        for item in after(self.model, one):
            self.add(item)

    def add(self, item: Item) -> None:
        """Adds the next row."""
        key = raw.key_text(self.model.table, item)
        if key != self._last_key:
            self._total += self._last
        self.key, self._last_key, self._last = key_text(self.model, item), key, digest(item)

    @property
    def mark(self) -> str:
        """The sum as text."""
        return f"{(self._total + self._last) & MASK:032x}"


def key_text(model: ReadModel, item: Item) -> str:
    """A row's key as one text; for a history, only the hash key."""
    names = key_names(model.table)
    if model.projection.history:
        return str(item[names[0]]["S"])
    hash_key, *range_key = (item[name]["S"] for name in names)
    return _BETWEEN.join([hash_key.replace("%", "%25").replace(_BETWEEN, "%20"), *range_key])


def key_parts(text: str) -> tuple[str, str]:
    """The hash key and the range key, "" if there is none, of a key as text."""
    hash_key, _, range_key = text.partition(_BETWEEN)
    return hash_key.replace("%20", _BETWEEN).replace("%25", "%"), range_key


def key_item(model: ReadModel, text: str) -> Item:
    """The key attributes of a key as text."""
    return key(model.table, *filter(None, key_parts(text)))


def lines_of(check: StreamCheck) -> list[Lines]:
    """Empty Lines for each history of a stream's kind."""
    kind = check.stream.kind if check.stream else None
    return [Lines(model) for model in HISTORIES if model.projection.kind == kind]


def rows_of(check: StreamCheck, lines: Iterable[Lines]) -> Iterator[Row]:
    """The expected rows of a stream, with the sums of the digests of its histories."""
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
    """The expected rows for a stream's newest event, without histories.

    `summed` is the event with the counted state, for read models with sums. Skips read models that
    need another event which cannot be read: a full audit reports it.
    """
    for model in READ_MODELS.values():
        if model.projection.kind != one.stream.kind or model.projection.history:
            continue
        try:
            for item in after(model, summed if model.projection.sums else one, earlier):
                yield model, item
        except UnknownEvent:
            continue


def counted(check: StreamCheck, one: Recorded) -> Recorded:
    """An event with the debits and credits that the audit has counted."""
    if not isinstance(one.state, Account):
        return one
    posted = check.tally.posted
    return one.with_state(replace(one.state, debits=posted["debit"], credits=posted["credit"]))


def mark_of(item: Item) -> str:
    """A row's digest as text."""
    return f"{digest(item):032x}"
