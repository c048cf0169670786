"""Tables: which tables belong to a stage, and their deletion with copies in other regions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.events.table import EventItem
from chalicelib.http.keys import KeyItem
from chalicelib.read_models.blue_green import SECOND, ActiveRow, BlueGreen, table_of
from chalicelib.settings import using
from ops import template
from ops.deploying.adoption import Table, described, has_items
from ops.deploying.waiting import until
from ops.stages import Stage

COPY_SECONDS = 3600
"""How long DynamoDB may take to delete a table or a copy of one."""

ClientOf = Callable[[str], Any]
"""A client of DynamoDB in a region."""


@dataclass(frozen=True)
class StageTables:
    """The names of a stage's tables.

    `books` are the event table and the keys, which outlive the stage. `others` can be made again:
    they include the inbox, and the second tables of blue-green rebuilds. The table `pointers`,
    which all stages share, has an item for each of `read_models` that names its active table.
    """

    books: Sequence[str]
    others: Sequence[str]
    pointers: str
    read_models: Sequence[str]


def tables_of(stage: Stage) -> StageTables:
    """The tables of a stage."""
    with using(stage.settings), template.first_tables():
        models = template.tables_of(stage)
        books = [model.Meta.table_name for model in models if model in (EventItem, KeyItem)]
        others = [model.Meta.table_name for model in models if model not in (EventItem, KeyItem)]
        replaced = [model.short_name() for model in models if isinstance(model.Meta, BlueGreen)]
        others += [table_of(name, SECOND) for name in replaced]
        return StageTables(books, others, ActiveRow.Meta.table_name, replaced)


def copies(dynamodb: Any, table: Mapping[str, Any]) -> list[str]:
    """The other regions that hold a copy of a table."""
    home = dynamodb.meta.region_name
    regions = {each["RegionName"] for each in table.get("Replicas") or []}
    return sorted(regions - {home})


def delete_copies(client_of: ClientOf, home: str, name: str) -> list[str]:
    """Deletes the copies of a table in other regions, and keeps it at home; their regions.

    DynamoDB protects each copy from deletion by itself, and deletes one at a time.
    """
    dynamodb = client_of(home)
    table = described(dynamodb, name)
    regions = copies(dynamodb, table) if table else []
    for region in regions:
        client_of(region).update_table(TableName=name, DeletionProtectionEnabled=False)
        _changeable(dynamodb, name)
        dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": region}}])

        def gone(region: str = region) -> bool | None:
            found = described(dynamodb, name)
            return None if found and region in copies(dynamodb, found) else True

        until(gone, seconds=COPY_SECONDS, what=f"the copy of {name} in {region} to be deleted")
    return regions


def delete_table(dynamodb: Any, name: str) -> bool:
    """Deletes a table, protected or not, and waits until it is gone; whether it existed."""
    table = _changeable(dynamodb, name)
    if table is None:
        return False
    if table.get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        table = _changeable(dynamodb, name) or table
    if table["TableStatus"] != "DELETING":
        dynamodb.delete_table(TableName=name)
    until(
        lambda: True if described(dynamodb, name) is None else None,
        seconds=COPY_SECONDS,
        what=f"the table {name} to be deleted",
    )
    return True


def forget_pointers(dynamodb: Any, names: StageTables) -> None:
    """Deletes the items that name the active tables of a stage; the table too once it is empty."""
    if described(dynamodb, names.pointers) is None:
        return
    for read_model in names.read_models:
        dynamodb.delete_item(TableName=names.pointers, Key={"room": {"S": read_model}})
    if not has_items(dynamodb, names.pointers):
        delete_table(dynamodb, names.pointers)


def _changeable(dynamodb: Any, name: str) -> Table | None:
    """A table once no change of it is under way, since DynamoDB then refuses another; or None."""

    def look() -> tuple[Table | None] | None:
        table = described(dynamodb, name)
        return None if table and table["TableStatus"] == "UPDATING" else (table,)

    return until(look, seconds=COPY_SECONDS, what=f"the table {name}")[0]
