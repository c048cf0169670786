"""In place: corrects the rows, projects the missing ones, and corrects the sums."""

from collections.abc import Sequence
from functools import partial

from chalicelib.events.dead_letters import is_transient
from chalicelib.events.recorded import Recorded
from chalicelib.events.table import EventItem
from chalicelib.read_models.read_model import ReadModel
from chalicelib.tables import in_parallel
from ops.rebuilding.passes import Passes
from ops.rebuilding.progress import DONE, Progress
from ops.rebuilding.repair import set_right
from ops.rebuilding.sums import set_sums_right
from ops.verifying.checking import lacking
from ops.verifying.events import readable
from ops.verifying.raw import Item, key_of, name_of
from ops.verifying.read_models import is_single
from ops.verifying.scanning import retried
from ops.verifying.sums import with_sums


def repair(passes: Passes, models: Sequence[ReadModel]) -> None:
    """Corrects each row of the read models under live traffic.

    First wrong and orphan rows, so that projectors read correct ones; then missing rows, from the
    events; then sums, from the rows of accounts; and last derived read models.
    """
    progress = passes.progress

    def correct_rows(model: ReadModel) -> None:
        passes.run(f"{model.name}: rows", name_of(model.table), partial(_rows, model, progress))

    for model in models:
        if not model.derived:
            correct_rows(model)
    passes.run("events", name_of(EventItem), partial(project, models, progress))
    for model in with_sums(models):
        if progress.at(f"{model.name}: sums") != DONE:
            progress.add("sums corrected", retried(partial(set_sums_right, model)))
            progress.reached(f"{model.name}: sums", DONE)
    for model in models:
        if model.derived:
            correct_rows(model)


def _rows(model: ReadModel, progress: Progress, items: Sequence[Item]) -> None:
    def right(item: Item) -> bool:
        try:
            return set_right(model, item)
        except Exception as error:
            if is_transient(error):
                raise
            progress.complain(f"{model.name} {key_of(model.table, item)}: {error}")
            return False

    progress.add(
        "rows corrected", sum(in_parallel(right, filter(partial(is_single, model), items)))
    )
    progress.add("rows", len(items))


def project(models: Sequence[ReadModel], progress: Progress, items: Sequence[Item]) -> None:
    """Feeds the read models the events that are not projected; singly if the batch fails."""
    try:
        fed = _feed(models, items)
    except Exception as error:
        if is_transient(error):
            raise
        fed = sum(_feed_alone(models, progress, item) for item in items)
    progress.add("events", len(items))
    progress.add("events projected into a read model", fed)


def _feed_alone(models: Sequence[ReadModel], progress: Progress, item: Item) -> int:
    try:
        return _feed(models, [item])
    except Exception as error:
        if is_transient(error):
            raise
        where = f"{item['stream']['S']}#{item['version']['N']}"
        progress.complain(f"{where}: {type(error).__name__}: {error}")
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


def events_of(items: Sequence[Item]) -> list[Recorded]:
    """The events of items of the event table. Raises UnknownEvent."""
    return list(map(readable, items))
