"""The read side, emptied: no row, verdict or generation of the lost future is left."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import tables
from chalicelib.events.table import EventItem
from chalicelib.local.environment import TABLES
from chalicelib.read_models import accounts, journal
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.blue_green import ActiveRow, InUse, in_use, use
from chalicelib.read_models.integrity.table import IntegrityRow
from chalicelib.settings import read_again, settings
from ops.checkpoints.kept import verdicts
from ops.restoring.readside import empty
from ops.schema import definition
from tests import engines
from tests.domain.books import credit, debit, opening, posting
from tests.ops.audited import Item, Keeper, audited, delete, items, project, said, write
from tests.ops.rebuilt import rebuilt
from tests.ops.restoring.rehearsal import Rehearsal, fill, made_tables, stage

pytestmark = pytest.mark.usefixtures("own_home")

ACCOUNTS, JOURNAL = accounts.GROUP.tables, journal.GROUP.tables


@pytest.fixture(scope="module")
def contents() -> dict[str, list[Item]]:
    """Books of which the newest commits were taken back, while their rows are still there."""
    with engines.moto():
        write("acme")
        before = len(items(EventItem))
        keeper = Keeper()
        keeper.now = keeper.now.replace(hour=18)
        keeper.do(
            posting("lost", debit("cash", 1), credit("alice", 1), ledger="acme"),
            opening("mallory", ledger="acme"),
            opening("elsewhere", ledger="new-ledger"),
        )
        project()
        assert said(audited()) == []
        for item in items(EventItem):
            if "T18:" in item["recorded_at"]["S"]:
                delete(EventItem, item)
        assert len(items(EventItem)) == before
        assert len(said(audited())) > 5
        return {model.Meta.table_name: items(model) for model in TABLES}


@pytest.fixture
def rehearsal(
    emulator: str,
    contents: dict[str, list[Item]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Rehearsal]:
    """The books in the emulator's tables."""
    monkeypatch.setenv("TWOFOLD_HOME", str(tmp_path))
    made = Rehearsal(emulator, tmp_path)
    with (
        engines.connected(emulator),
        made_tables(made.client("dynamodb").inner, TABLES),
    ):
        fill(made.client("dynamodb").inner, contents)
        yield made


@pytest.mark.parametrize("replicas", ["", "eu-central-1"], ids=["own tables", "global tables"])
def test_after_emptying_and_rebuilding_nothing_is_left_of_the_lost_future(
    rehearsal: Rehearsal, replicas: str
) -> None:
    for name, models in (("accounts", ACCOUNTS), ("journal", JOURNAL)):
        made = stage(name, name, TWOFOLD_REPLICAS=replicas)
        empty(rehearsal.cloud, made, models)
    assert items(IntegrityRow) == []
    for name in ("accounts", "journal"):
        rebuilt(name)

    assert said(audited()) == []
    assert set(verdicts()) == {"acme"}
    deleted = [each["TableName"] for name, each in rehearsal.calls if name == "delete_table"]
    assert bool(deleted) == (not replicas)


def test_a_made_table_is_as_the_schema_says(rehearsal: Rehearsal) -> None:
    empty(rehearsal.cloud, stage("accounts", "accounts"), ACCOUNTS)

    client = rehearsal.client("dynamodb")
    for model in ACCOUNTS:
        wanted = definition(model, {})
        found = client.describe_table(TableName=model.Meta.table_name)["Table"]
        assert found["KeySchema"] == wanted["KeySchema"]
        assert found["DeletionProtectionEnabled"]
        assert items(model) == []


def test_a_second_generation_goes_and_the_first_one_serves(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWOFOLD_GENERATIONS", "1")
    read_again()
    second = f"{settings().table_name('balances')}_b"
    client = rehearsal.client("dynamodb").inner
    client.create_table(**{**definition(BalanceRow, {}), "TableName": second})
    tables.create([ActiveRow])
    use("balances", InUse("b", ("b",)))

    empty(rehearsal.cloud, stage("accounts", "accounts", TWOFOLD_GENERATIONS="1"), ACCOUNTS)

    names = client.list_tables()["TableNames"]
    assert {second, ActiveRow.Meta.table_name}.isdisjoint(names)
    assert settings().table_name("balances") in names
    assert in_use("balances") == InUse()
    monkeypatch.delenv("TWOFOLD_GENERATIONS")
    read_again()


def test_a_rebuild_that_was_interrupted_before_begins_anew(rehearsal: Rehearsal) -> None:
    kept = settings().home / "rebuilds" / f"{settings().read_table_name('accounts')}.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"began": "2026-11-25T00:00:00+00:00"}))

    empty(rehearsal.cloud, stage("accounts", "accounts"), ACCOUNTS)

    assert not kept.exists()
