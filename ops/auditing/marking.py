"""Marking: spills the digests of a segment of a read model's table, to be compared with events."""

from collections.abc import Iterable, Iterator

import msgspec

from ops.auditing.expectations import Lines, key_text, mark_of
from ops.auditing.folding import SEEN, row_key, spilled
from ops.auditing.looking import stream_of
from ops.auditing.plan import Plan
from ops.verifying.raw import name_of
from ops.verifying.read_models import READ_MODELS, is_single
from ops.verifying.scanning import Page

Mark = tuple[str, str, str]
"""The key as text and the digest of a row or a history, and the name of its stream."""


class MarkedSegment(msgspec.Struct):
    """What was found in a segment besides its marks: the keys of sums, by read model."""

    items: int
    sums: list[tuple[str, str]]


def mark_segment(plan: Plan, task: tuple[str, int]) -> MarkedSegment:
    """Marks the rows of a segment, named by its read model and number."""
    name, number = task
    model, items, sums = READ_MODELS[name], 0, set[str]()
    segment = plan.segment(name, name_of(model.table), number, consistent=False)

    def pages() -> Iterator[Page]:
        nonlocal items
        for page in segment.pages(plan.limiter):
            plan.tick(len(page.items))
            items += len(page.items)
            sums.update(key_text(model, each) for each in page.items if not is_single(model, each))
            yield page

    marks = _histories if model.projection.history else _singles
    with spilled(plan, name, number) as spill:
        for key, mark, stream in marks(name, pages()):
            spill.add(row_key(name, key), SEEN, (name, key, mark, stream))
    return MarkedSegment(items, [(name, key) for key in sorted(sums)])


def _singles(name: str, pages: Iterable[Page]) -> Iterator[Mark]:
    """The marks of rows."""
    model = READ_MODELS[name]
    for page in pages:
        for item in page.items:
            if is_single(model, item):
                yield key_text(model, item), mark_of(item), stream_of(model, item)


def _histories(name: str, pages: Iterable[Page]) -> Iterator[Mark]:
    """The marks of partitions: the sums of the digests of their rows, which are consecutive."""
    model = READ_MODELS[name]
    lines, stream = Lines(model), ""
    for page in pages:
        for item in page.items:
            if key_text(model, item) != lines.key:
                if lines.key:
                    yield lines.key, lines.mark, stream
                lines, stream = Lines(model), stream_of(model, item)
            lines.add(item)
    if lines.key:
        yield lines.key, lines.mark, stream
