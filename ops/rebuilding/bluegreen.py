"""Blue-green: a new generation of tables is filled, proved and swapped in; then the old one goes.

While it is filled, projectors write both. One that did not know yet had its events from before the
filling began, and the scan that fills begins after that: no event is missed. The new one is written
before the old one, so that a reader who moves over never sees an older version than before. The old
one goes when no reader can be of the opinion that it serves.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from chalicelib.events.table import EventItem
from chalicelib.read_models import generations
from chalicelib.read_models.generations import (
    FIRST,
    SECOND,
    GenerationRow,
    Pointer,
    pinned,
    point,
    pointer,
    table_of,
)
from chalicelib.tables import (
    create,
    in_parallel,
)
from ops.provision import make
from ops.rebuilding.inplace import events_of, has_sums, project
from ops.rebuilding.passes import Passes
from ops.rebuilding.progress import DONE, Progress
from ops.rebuilding.sums import wrong_sums
from ops.schema import definition
from ops.verifying.checking import is_right, never_arriving
from ops.verifying.raw import Item, client, key_of, name_of
from ops.verifying.read_models import ReadModel
from ops.verifying.scanning import retried

REQUEST_SECONDS = 30.0
"""A request that has begun ends within this time: API Gateway waits no longer."""

Tags = dict[str, str]


def replace(passes: Passes, models: Sequence[ReadModel], tags: Tags) -> None:
    """Replaces the tables of the read models by new ones, made from the events alone.

    Leaves a complaint, and all that serves as it was, where the new ones are not proved. Raises
    ValueError for a table with replicas in other regions, whose readers have no such pointer.
    """
    progress = passes.progress
    if progress.at("swapped") != DONE:
        _begin(models, progress, tags)
        passes.run("events", name_of(EventItem), partial(_fill, models, progress))
        if not progress.complaints:
            _prove(passes, models)
        if progress.complaints:
            _abandon(models)
            return
        for model in models:
            new, old = _other(model), pointer(model.name).serving
            point(model.name, Pointer(new, (new, old)))
        progress.reached("swapped", DONE)
    time.sleep(generations.LOOK_SECONDS + REQUEST_SECONDS)
    for model in models:
        old = _other(model)
        point(model.name, Pointer(pointer(model.name).serving, (pointer(model.name).serving,)))
        _drop(model, old)
        if old == FIRST:  # CloudFormation counts on the table that it has made.
            _make(model, old, tags)


def _begin(models: Sequence[ReadModel], progress: Progress, tags: Tags) -> None:
    """Makes the new tables, unless a killed rebuild did, and lets projectors write them too."""
    create([GenerationRow])
    for model in models:
        serving, new = pointer(model.name).serving, _other(model)
        if progress.at(f"{model.name} is written") == DONE:
            continue
        point(model.name, Pointer(serving, (serving,)))
        described = client().describe_table(TableName=table_of(model.name, serving))["Table"]
        if described.get("Replicas"):
            raise ValueError(f"{model.name} has replicas in other regions: rebuild it in place")
        _drop(model, new)
        _make(model, new, tags)
        point(model.name, Pointer(serving, (new, serving)))
        progress.reached(f"{model.name} is written", DONE)


def _fill(models: Sequence[ReadModel], progress: Progress, items: Sequence[Item]) -> None:
    with _new(models):
        project(models, progress, items)


def _prove(passes: Passes, models: Sequence[ReadModel]) -> None:
    """Complains of each row that is other than the events say, and of each event that is missing
    in the rows, though the projectors had time.
    """
    progress = passes.progress
    for model in models:
        table = table_of(model.name, _other(model))
        passes.run(f"{model.name}: proof", table, partial(_prove_rows, model, progress))
    passes.run("events: proof", name_of(EventItem), partial(_prove_events, models, progress))
    if has_sums(models):
        with _new(models):
            for shard, asset in retried(wrong_sums):
                progress.complain(f"{asset} in {shard} is not what its accounts add up to")


def _prove_rows(model: ReadModel, progress: Progress, items: Sequence[Item]) -> None:
    with _new([model]):
        single = list(filter(model.of_one_stream, items))
        right = in_parallel(partial(is_right, model), single)
        for item, is_so in zip(single, right, strict=True):
            if not is_so:
                where = key_of(model.table, item)
                progress.complain(f"{model.name} {where} is other than the events say")
    progress.add("rows proved", len(items))


def _prove_events(models: Sequence[ReadModel], progress: Progress, items: Sequence[Item]) -> None:
    with _new(models):
        for model in models:
            for event in never_arriving(model, events_of(items)):
                progress.complain(f"{model.name} lacks {event.stream} {event.version}")


def _abandon(models: Sequence[ReadModel]) -> None:
    for model in models:
        serving = pointer(model.name).serving
        point(model.name, Pointer(serving, (serving,)))


def _other(model: ReadModel) -> str:
    """The generation that does not serve."""
    return SECOND if pointer(model.name).serving == FIRST else FIRST


@contextmanager
def _new(models: Sequence[ReadModel]) -> Iterator[None]:
    """Works on the generations that do not serve."""
    with ExitStack() as pins:
        for model in models:
            pins.enter_context(pinned(model.name, _other(model)))
        yield


def _make(model: ReadModel, generation: str, tags: Tags) -> None:
    name = table_of(model.name, generation)
    with pinned(model.name, FIRST):
        make(client(), {**definition(model.table, tags), "TableName": name})


def _drop(model: ReadModel, generation: str) -> None:
    name = table_of(model.name, generation)
    try:
        client().update_table(TableName=name, DeletionProtectionEnabled=False)
        client().delete_table(TableName=name)
    except client().exceptions.ResourceNotFoundException:
        return
    client().get_waiter("table_not_exists").wait(TableName=name)
