"""In place: whatever was done to a room's rows, they are again what the events say."""

from typing import Any

import pytest

from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals.table import TotalRow
from chalicelib.read_models.transactions.table import TransactionRow
from chalicelib.tables import Table
from tests.ops.audited import delete, items, put
from tests.ops.rebuilt import rebuilt, stock, traffic, wrong

Item = dict[str, dict[str, Any]]

STACKS: dict[type[Table], str] = {
    BalanceRow: "accounts",
    StatementRow: "accounts",
    TransactionRow: "journal",
    TotalRow: "journal",
}


pytestmark = pytest.mark.usefixtures("own_ministack")


def _damage(room: type[Table]) -> None:
    """Alters, adds and removes rows, some of which stay as versions ahead of the events."""
    rows = items(room)
    for place, row in enumerate(rows):
        match place % 6:
            case 0:
                delete(room, row)
            case 1:
                put(room, {**row, "version": {"N": "999"}})
            case 2:
                put(room, {name: _other(name, value) for name, value in row.items()})
            case 3 if "version" in row:
                put(room, {**row, "version": {"N": "0"}, "stray": {"S": "of nobody"}})
            case _:
                pass
    for row in rows[:3]:
        key = "place" if room is StatementRow else "account" if room is BalanceRow else "key"
        put(room, {**row, key: {"S": row[key]["S"] + "9"}})


def _other(name: str, value: dict[str, Any]) -> dict[str, Any]:
    if name in ("debits", "credits", "balance", "amount"):
        return {"N": str(int(value["N"]) + 7)}
    return {"S": "{}"} if name == "body" else value


def test_whatever_was_done_to_the_rooms_their_rows_are_right_again() -> None:
    stock()
    assert wrong() == []
    for room in STACKS:
        before = len(wrong())
        _damage(room)
        assert len(wrong()) > before + 5, room

    rebuild_both()

    assert wrong() == []


def test_emptied_rooms_are_filled_while_others_write_and_project() -> None:
    stock()
    for room in STACKS:
        for row in items(room):
            delete(room, row)

    with traffic():
        rebuild_both()

    assert wrong() == []


def test_damaged_rooms_are_right_again_though_others_write_and_project() -> None:
    stock()

    with traffic():
        for stack in ("accounts", "journal"):
            for room in STACKS:
                if STACKS[room] == stack:
                    _damage(room)
            rebuilt(stack)

    assert wrong() == []


def rebuild_both() -> None:
    for stack in sorted(set(STACKS.values())):
        rebuilt(stack)
