"""The read side of a stage, emptied so that it can be rebuilt after a restore.

Its rows, the audit's verdicts and the dead letters may be about events that are gone.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from chalicelib.events.dead_letters import ParkedRow
from chalicelib.events.table import EventItem
from chalicelib.http.keys import KeyItem
from chalicelib.read_models.generations import FIRST, SECOND, GenerationRow, pinned, table_of
from chalicelib.read_models.integrity.table import IntegrityRow
from chalicelib.settings import settings
from chalicelib.tables import Table
from ops.deploying.tables import delete_table
from ops.provision import make
from ops.restoring.cloud import Cloud
from ops.schema import definition
from ops.stages import Stage
from ops.verifying.raw import key_of
from ops.verifying.read_models import GROUPS


def empty(cloud: Cloud, stage: Stage, models: Sequence[type[Table]]) -> None:
    """Empties the read tables of a stage, whose environment this process has. Safe to repeat.

    They are deleted and made again under the same names, which CloudFormation does not notice.
    Global tables stay, since their copies would have to be added again: `rebuild` repairs their
    rows in place, and the rows that it does not make are deleted one by one.
    """
    dynamodb = cloud.client("dynamodb", stage.region)
    _forget_rebuilds(stage)
    if not stage.replicas:
        for name in _further(stage):
            delete_table(dynamodb, name)
    with ExitStack() as pins:
        for room in _rooms(stage):
            pins.enter_context(pinned(room, FIRST))
        for model in models:
            name = str(model.Meta.table_name)
            if model in (EventItem, KeyItem):
                continue
            if not stage.replicas:
                delete_table(dynamodb, name)
                make(dynamodb, definition(model, stage.tags, stage.kms_key))
            elif issubclass(model, ParkedRow | IntegrityRow):
                _delete_rows(dynamodb, model)
            else:
                continue
            cloud.say(f"{name} is empty")


def _further(stage: Stage) -> Iterator[str]:
    """The second table of each read model, and the table that names the active ones."""
    for room in _rooms(stage):
        yield table_of(room, SECOND)
    yield str(GenerationRow.Meta.table_name)


def _rooms(stage: Stage) -> list[str]:
    return [room.name for half in stage.serves for room in GROUPS.get(half, ())]


def _forget_rebuilds(stage: Stage) -> None:
    """Deletes the progress of interrupted rebuilds, which must begin again."""
    for name in (*stage.serves, *_rooms(stage)):
        for kind in ("", "-blue-green"):
            path = settings().home / "rebuilds" / f"{settings().read_table_name(name)}{kind}.json"
            path.unlink(missing_ok=True)


def _delete_rows(dynamodb: Any, model: type[Table]) -> None:
    name = str(model.Meta.table_name)
    for page in dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        for item in page["Items"]:
            dynamodb.delete_item(TableName=name, Key=key_of(model, item))
