"""Blue-green: new tables are filled, verified and made active; then the old ones are deleted.

Meanwhile projectors write both. The scan that fills begins after they do, so no event is missed.
They write the new table first, so a reader that switches to it never sees an older version. The old
one is deleted once no reader can have it cached as the active one.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from chalicelib.events.table import EventItem
from chalicelib.read_models import blue_green
from chalicelib.read_models.read_model import ReadModel
from chalicelib.tables import create, in_parallel
from ops.provision import make
from ops.rebuilding.inplace import events_of, project
from ops.rebuilding.passes import Passes
from ops.rebuilding.progress import DONE, Part, Progress
from ops.rebuilding.sums import wrong_sums
from ops.schema import definition
from ops.verifying.checking import is_right, never_arriving
from ops.verifying.raw import Item, client, key_of, name_of
from ops.verifying.read_models import READ_MODELS, is_single
from ops.verifying.scanning import retried
from ops.verifying.sums import with_sums

REQUEST_SECONDS = 30.0
"""The longest request: API Gateway's timeout."""

Tags = dict[str, str]


def replace(passes: Passes, models: Sequence[ReadModel], tags: Tags) -> None:
    """Replaces the tables of the read models by new ones, made from the events only.

    If the new ones are wrong, adds complaints and keeps the old ones active. Raises ValueError for
    a table with replicas in other regions.
    """
    progress = passes.progress
    swapped = progress.part("swapped")
    if swapped.position != DONE:
        _begin(models, progress, tags)
        passes.run("events", name_of(EventItem), partial(_fill, _names(models)))
        if not progress.complaints:
            _prove(passes, models)
        if progress.complaints:
            for model in models:
                _use_active_only(model)
            return
        for model in models:
            new, old = _other(model), blue_green.in_use(model.name).active
            blue_green.use(model.name, blue_green.InUse(new, (new, old)))
        swapped.reached(DONE)
    time.sleep(blue_green.CACHE_SECONDS + REQUEST_SECONDS)
    for model in models:
        old = _other(model)
        _use_active_only(model)
        _drop(model, old)
        if old == blue_green.FIRST:  # The stack contains this table.
            _make(model, old, tags)


def _begin(models: Sequence[ReadModel], progress: Progress, tags: Tags) -> None:
    """Creates the new tables, unless an interrupted rebuild did, and has projectors write them."""
    create([blue_green.ActiveRow])
    for model in models:
        active, new = blue_green.in_use(model.name).active, _other(model)
        part = progress.part(f"{model.name} is written")
        if part.position == DONE:
            continue
        _use_active_only(model)
        name = blue_green.table_of(model.name, active)
        if client().describe_table(TableName=name)["Table"].get("Replicas"):
            raise ValueError(f"{model.name} has replicas in other regions: rebuild it in place")
        _drop(model, new)
        _make(model, new, tags)
        blue_green.use(model.name, blue_green.InUse(active, (new, active)))
        part.reached(DONE)


def _fill(names: Sequence[str], part: Part, items: Sequence[Item]) -> None:
    with _new(_named(names)):
        project(names, part, items)


def _prove(passes: Passes, models: Sequence[ReadModel]) -> None:
    """Adds a complaint for each wrong row, each event that is not projected, and each wrong sum."""
    for model in models:
        table = blue_green.table_of(model.name, _other(model))
        passes.run(f"{model.name}: proof", table, partial(_prove_rows, model.name))
    passes.run("events: proof", name_of(EventItem), partial(_prove_events, _names(models)))
    for model in with_sums(models):
        part = passes.progress.part(f"{model.name}: proof of sums")
        with _new(models):
            for shard, asset in retried(partial(wrong_sums, model)):
                part.complain(f"{asset} in {shard} is not what its accounts add up to")
        part.reached(DONE)


def _prove_rows(name: str, part: Part, items: Sequence[Item]) -> None:
    model = READ_MODELS[name]
    with _new([model]):
        single = list(filter(partial(is_single, model), items))
        right = in_parallel(partial(is_right, model), single)
        for item, is_so in zip(single, right, strict=True):
            if not is_so:
                where = key_of(model.table, item)
                part.complain(f"{model.name} {where} is other than the events say")
    part.add("rows proved", len(items))


def _prove_events(names: Sequence[str], part: Part, items: Sequence[Item]) -> None:
    models = _named(names)
    with _new(models):
        for model in models:
            for event in never_arriving(model, events_of(items)):
                part.complain(f"{model.name} lacks {event.stream} {event.version}")


def _names(models: Sequence[ReadModel]) -> list[str]:
    return [model.name for model in models]


def _named(names: Sequence[str]) -> list[ReadModel]:
    return [READ_MODELS[name] for name in names]


def _use_active_only(model: ReadModel) -> None:
    active = blue_green.in_use(model.name).active
    blue_green.use(model.name, blue_green.InUse(active, (active,)))


def _other(model: ReadModel) -> str:
    active = blue_green.in_use(model.name).active
    return blue_green.SECOND if active == blue_green.FIRST else blue_green.FIRST


@contextmanager
def _new(models: Sequence[ReadModel]) -> Iterator[None]:
    """Inside the block the read models' tables are those that are not active."""
    with ExitStack() as pins:
        for model in models:
            pins.enter_context(blue_green.at_table(model.name, _other(model)))
        yield


def _make(model: ReadModel, which: str, tags: Tags) -> None:
    with blue_green.at_table(model.name, which):
        make(client(), definition(model.table, tags))


def _drop(model: ReadModel, which: str) -> None:
    name = blue_green.table_of(model.name, which)
    try:
        client().update_table(TableName=name, DeletionProtectionEnabled=False)
        client().delete_table(TableName=name)
    except client().exceptions.ResourceNotFoundException:
        return
    client().get_waiter("table_not_exists").wait(TableName=name)
