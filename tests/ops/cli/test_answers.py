"""`--json` and `--dry-run` are the same for every command, and are what the page says."""

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from moto import mock_aws

from chalicelib import tables
from chalicelib.http import keys
from chalicelib.local.environment import TABLES
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.settings import read_again
from ops import tune
from ops.answers import AS_JSON, DRY_RUN
from ops.stages import PROJECT
from ops.verifying.raw import all_items
from tests.ops.audited import delete, items, put
from tests.ops.cli.calls import Call, calls, run
from tests.ops.cli.conftest import PLACE

pytestmark = pytest.mark.usefixtures("own_home")

PAGE = (PROJECT / "docs" / "operating.md").read_text()
SECTION = PAGE.partition("## The command line")[2].partition("\n## ")[0]
DOCUMENTED = {
    command: set(re.findall("`([a-z_]+)`", keys))
    for command, keys in re.findall(r"^\| `([a-z -]+)` \| (.+) \|$", SECTION, re.MULTILINE)
}
"""The keys that the page names, by command."""


def commands_with(parameter: str) -> set[str]:
    """The commands that have this parameter, without those under a former name."""
    return {each.name for each in calls() if each.has(parameter) and each.path[0] != "parked"}


def answer(command: str) -> Any:
    """What a command prints with `--json`: one document."""
    with patch.dict(os.environ):
        result = run([*shlex.split(command), "--json"])
    read_again()
    assert isinstance(result.exception, SystemExit | None), result.exception
    return json.loads(result.stdout)


def stored() -> dict[str, list[Any]]:
    """Everything in the tables."""
    return {table.short_name(): list(all_items(table)) for table in TABLES}


def documented(command: str, *documents: Any) -> bool:
    """Whether the page names exactly the keys of these documents of a command.

    Of lists that have members of one kind, the members' keys are named too.
    """
    found = {key for document in documents for key in document}
    for value in (value for document in documents for value in document.values()):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found |= value[0].keys()
    first = {key for document in documents for key in document}
    named = DOCUMENTED[command]
    assert first <= named, first - named
    return named <= found


def test_the_page_lists_the_commands_that_have_json() -> None:
    assert commands_with(AS_JSON) == DOCUMENTED.keys()
    assert len(DOCUMENTED) > 10


def test_the_page_lists_the_commands_that_have_a_dry_run() -> None:
    (sentence,) = re.findall(r"These commands have it: (.+?)\.\n", SECTION, re.DOTALL)
    named = set(re.findall("`([a-z][a-z -]+)`", sentence))

    assert commands_with(DRY_RUN) == named


@pytest.mark.parametrize("call", [each for each in calls() if each.has(DRY_RUN)], ids=str)
def test_a_dry_run_has_the_same_words_in_every_command(call: Call) -> None:
    (option,) = (each for each in call.command.params if each.name == DRY_RUN)

    assert "--dry-run" in option.opts
    assert getattr(option, "help", "") == "Only say what would be done; change nothing."


@pytest.mark.usefixtures("production")
def test_each_document_has_the_keys_that_the_page_names() -> None:
    accounts, write, journal = "--stage accounts", "--stage write", "--stage journal"
    listed = answer(f"{accounts} dead-letters list")
    shown = answer(f"{accounts} dead-letters show accounts '{PLACE}'")
    made = answer(f"{write} keys create --name ci --ledger acme --scope read")
    known = answer(f"{write} keys list")
    assert documented("dead-letters list", listed)
    assert documented("dead-letters show", shown)
    assert documented("keys create", made)
    assert documented("keys list", known)
    assert shown["dead_letter"] == listed["dead_letters"][0]
    assert shown["event"]["type"] == "EntryPosted"
    assert known == {"keys": [{key: made[key] for key in made if key != "key"}]}

    assert documented("redrive", answer(f"{accounts} redrive"))
    assert documented("rebuild", answer(f"{accounts} rebuild accounts"))
    delete(BalanceRow, items(BalanceRow)[0])
    audited = answer(f"{journal} audit --patience 0")
    assert documented("audit", audited)
    assert (audited["whole"], audited["findings"]) == (False, len(audited["found"]))


@pytest.mark.usefixtures("production")
def test_a_dry_run_counts_what_is_then_done_and_changes_nothing(tmp_path: Path) -> None:
    first, second = items(BalanceRow)
    put(BalanceRow, {**first, "debits": {"N": "77"}})
    delete(StatementRow, items(StatementRow)[0])
    made = answer("--stage write keys create --name ci --ledger acme --scope read")
    before = stored()
    dry = "--stage accounts {} --dry-run"

    counted = answer(dry.format("rebuild accounts"))
    redriven = answer(dry.format("redrive accounts --stream acme/account/cash"))
    with patch.dict(os.environ):
        forgotten = run(["--stage", "accounts", "dead-letters", "forget", "accounts", PLACE, "-n"])
        assert forgotten.exit_code == 2
        forgotten = run(shlex.split(dry.format(f"dead-letters forget accounts '{PLACE}'")))
        revoked = run(shlex.split(dry.format(f"keys revoke {made['id']}")))
    read_again()

    assert forgotten.output == f"1 dead letter would be forgotten: {PLACE}\n"
    assert revoked.output.startswith(f"1 key would be revoked: {made['id']}")
    assert (redriven["projected"], redriven["failed"]) == (1, [])
    assert (counted["rows_corrected"], counted["events_projected"]) == (1, 1)
    assert stored() == before
    assert not list((tmp_path / "home").rglob("*.json"))
    done = answer("--stage accounts rebuild accounts")
    assert {**done, "dry_run": True} == counted
    assert second in items(BalanceRow)
    assert stored() != before


@pytest.fixture
def aws() -> Iterator[None]:
    """An AWS with the tables of `prod` and nothing else."""
    with mock_aws(), patch.dict(os.environ, TWOFOLD_ENVIRONMENT="prod"):
        read_again()
        tables.disconnect()
        tables.create(TABLES)
        yield
    read_again()
    tables.disconnect()


@pytest.mark.usefixtures("aws")
def test_a_dry_run_of_what_is_done_on_aws_answers_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tune, "check_limits", lambda _: None)
    monkeypatch.setattr("ops.provision.check_limits", lambda _: None)
    secret, _ = keys.create("ci", ["read"], ["acme"])

    down = answer("destroy --environment prod --dry-run")
    untuned = answer("--stage write tune --remove --dry-run")
    with patch.dict(os.environ):
        provisioned = run(shlex.split("--stage write provision --dry-run"))
        removed = run(shlex.split("--stage accounts provision --remove --dry-run"))

    assert documented("destroy", down)
    assert down["stages"][-1]["kept"] == {"twofold-prod-events": [], "twofold-prod-keys": []}
    assert "twofold-prod-balances" in down["stages"][1]["deleted"]
    assert untuned["removed"]["AWS::CloudWatch::Alarm"] > 5
    assert (
        "0 tables would be made, and the settings of 3 tables be applied again"
        in provisioned.output
    )
    assert "  deleted: the table twofold-prod-balances" in removed.output
    assert all(table.exists() for table in TABLES)
    assert keys.find(secret)


def test_a_dry_run_of_a_reset_says_how_much_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.local.engine.home", lambda: tmp_path)
    (tmp_path / "state.json").write_text("{}")

    said = run(["reset", "--dry-run"]).output

    assert said == f"would forget {tmp_path}: 2 files, 2 bytes\n"  # The lock is the other one.
    assert (tmp_path / "state.json").exists()
