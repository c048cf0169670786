"""In place: corrects the rows, projects the missing ones, and corrects the sums.

A dry run makes the same passes, and counts what it would correct.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from chalicelib.events.dead_letters import is_transient
from chalicelib.events.recorded import Recorded
from chalicelib.events.table import EventItem
from chalicelib.read_models.read_model import ReadModel
from chalicelib.tables import in_parallel
from ops.rebuilding.passes import Passes
from ops.rebuilding.progress import DONE, Part
from ops.rebuilding.repair import is_wrong, set_right
from ops.rebuilding.sums import set_sums_right, wrong_sums
from ops.verifying.checking import lacking
from ops.verifying.events import readable
from ops.verifying.raw import Item, key_of, name_of
from ops.verifying.read_models import READ_MODELS, is_single
from ops.verifying.scanning import retried
from ops.verifying.sums import with_sums

Feed = Callable[[Sequence[ReadModel], Sequence[Item]], int]
"""Feeds events to read models; how many were not projected."""


@dataclass(frozen=True)
class Work:
    """What is done to each row, to the events and to the sums; each returns how many were wrong.

    Functions of modules, since they are passed to other processes.
    """

    row: Callable[[ReadModel, Item], bool]
    feed: Feed
    sums: Callable[[ReadModel], int]


def repair(passes: Passes, models: Sequence[ReadModel]) -> None:
    """Corrects each row of the read models under live traffic."""
    _run(passes, models, Work(set_right, _feed, set_sums_right))


def count(passes: Passes, models: Sequence[ReadModel]) -> None:
    """Counts what `repair` would correct. Changes nothing."""
    _run(passes, models, Work(is_wrong, _count_lacking, _count_wrong_sums))


def _run(passes: Passes, models: Sequence[ReadModel], work: Work) -> None:
    """First wrong and orphan rows, so that projectors read correct ones; then missing rows, from
    the events; then sums, from the rows of accounts; and last derived read models.
    """
    names = [model.name for model in models]

    def look_at_rows(model: ReadModel) -> None:
        rows = partial(_rows, model.name, work)
        passes.run(f"{model.name}: rows", name_of(model.table), rows)

    for model in models:
        if not model.derived:
            look_at_rows(model)
    passes.run("events", name_of(EventItem), partial(_events, names, work.feed))
    for model in with_sums(models):
        part = passes.progress.part(f"{model.name}: sums")
        if part.position != DONE:
            part.add("sums corrected", retried(partial(work.sums, model)))
            part.reached(DONE)
    for model in models:
        if model.derived:
            look_at_rows(model)


def _rows(name: str, work: Work, part: Part, items: Sequence[Item]) -> None:
    model = READ_MODELS[name]

    def was_wrong(item: Item) -> bool:
        try:
            return work.row(model, item)
        except Exception as error:
            if is_transient(error):
                raise
            part.complain(f"{model.name} {key_of(model.table, item)}: {error}")
            return False

    part.add(
        "rows corrected", sum(in_parallel(was_wrong, filter(partial(is_single, model), items)))
    )
    part.add("rows", len(items))


def project(names: Sequence[str], part: Part, items: Sequence[Item]) -> None:
    """Feeds the read models of these names the events that are not projected; singly if the batch
    fails.
    """
    _events(names, _feed, part, items)


def _events(names: Sequence[str], feed: Feed, part: Part, items: Sequence[Item]) -> None:
    models = [READ_MODELS[name] for name in names]
    try:
        fed = feed(models, items)
    except Exception as error:
        if is_transient(error):
            raise
        fed = sum(_alone(models, part, feed, item) for item in items)
    part.add("events", len(items))
    part.add("events projected into a read model", fed)


def _alone(models: Sequence[ReadModel], part: Part, feed: Feed, item: Item) -> int:
    try:
        return feed(models, [item])
    except Exception as error:
        if is_transient(error):
            raise
        where = f"{item['stream']['S']}#{item['version']['N']}"
        part.complain(f"{where}: {type(error).__name__}: {error}")
        return 0


def _feed(models: Sequence[ReadModel], items: Sequence[Item]) -> int:
    events = events_of(items)
    fed = 0
    for model in models:
        behind = lacking(model, events)
        if behind:
            model.projection.forget()  # A row that this process has written is missing.
            model.project(behind)
        fed += len(behind)
    return fed


def _count_lacking(models: Sequence[ReadModel], items: Sequence[Item]) -> int:
    events = events_of(items)
    return sum(len(lacking(model, events)) for model in models)


def _count_wrong_sums(model: ReadModel) -> int:
    return len(wrong_sums(model))


def events_of(items: Sequence[Item]) -> list[Recorded]:
    """The events of items of the event table. Raises UnknownEvent."""
    return list(map(readable, items))
