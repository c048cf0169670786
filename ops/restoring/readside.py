"""The read side of a stage, emptied so that it can be rebuilt after a restore.

Its rows, the audit's verdicts and the dead letters may be about events that are gone.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from chalicelib.events.table import EventItem
from chalicelib.http.keys import KeyItem
from chalicelib.read_models.blue_green import FIRST, SECOND, ActiveRow, at_table, table_of
from chalicelib.settings import settings
from chalicelib.tables import Table
from ops.deploying.tables import delete_table
from ops.provision import make
from ops.restoring.cloud import Cloud
from ops.schema import definition, expiry_of
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
        for name in _read_models(stage):
            pins.enter_context(at_table(name, FIRST))
        for model in models:
            name = str(model.Meta.table_name)
            if model in (EventItem, KeyItem):
                continue
            if not stage.replicas:
                delete_table(dynamodb, name)
                make(dynamodb, definition(model, stage.tags, stage.kms_key), expiry_of(model))
            elif model.short_name() not in _read_models(stage):  # Which a rebuild puts right.
                _delete_rows(dynamodb, model)
            else:
                continue
            cloud.say(f"{name} is empty")


def _further(stage: Stage) -> Iterator[str]:
    """The second table of each read model, and the table that names the active ones."""
    for name in _read_models(stage):
        yield table_of(name, SECOND)
    yield ActiveRow.Meta.table_name


def _read_models(stage: Stage) -> list[str]:
    """The read models that are made of events."""
    return [model.name for api in stage.serves for model in GROUPS.get(api, ())]


def _forget_rebuilds(stage: Stage) -> None:
    """Deletes the progress of interrupted rebuilds, which must begin again."""
    for name in (*stage.serves, *_read_models(stage)):
        for kind in ("", "-blue-green"):
            path = settings().home / "rebuilds" / f"{settings().read_table_name(name)}{kind}.json"
            path.unlink(missing_ok=True)


def _delete_rows(dynamodb: Any, model: type[Table]) -> None:
    name = str(model.Meta.table_name)
    for page in dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        for item in page["Items"]:
            dynamodb.delete_item(TableName=name, Key=key_of(model, item))
