"""A killed rebuild continues; one keeps to its rate, and says what it could not do."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from chalicelib.events.table import EventItem
from chalicelib.read_models import blue_green
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.blue_green import InUse, at_table, in_use
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.settings import read_again, settings
from ops.rebuild import rebuild
from ops.rebuilding import bluegreen
from tests.engines import ROOT
from tests.ops.audited import delete, items, put
from tests.ops.rebuilt import rebuilt, stock, write, wrong

pytestmark = pytest.mark.usefixtures("own_ministack")


def _empty(*rooms: type[BalanceRow] | type[StatementRow]) -> None:
    for room in rooms:
        for row in items(room):
            delete(room, row)


def _kept() -> Path:
    return settings().home / "rebuilds"


def _killed(arguments: list[str], when: Callable[[], bool]) -> None:
    """Starts a rebuild and kills it, without a last word, once what it keeps says so.

    Its rate leaves seconds in which to kill it.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "rebuild", *arguments],
        cwd=ROOT,
        env=os.environ.copy(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while not when():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()


def _with_a_killed_worker(arguments: list[str]) -> tuple[int, str]:
    """Starts a rebuild and kills one of its processes; its exit status, and what it said."""
    before = _events_done()
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "rebuild", *arguments],
        cwd=ROOT,
        env=os.environ.copy(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while _events_done() == before:
        assert process.poll() is None
        time.sleep(0.01)
    workers = [
        each
        for each in psutil.Process(process.pid).children()
        if "resource_tracker" not in " ".join(each.cmdline())
    ]
    workers[0].kill()
    _, told = process.communicate(timeout=300)
    return process.returncode, told


def _events_done() -> int:
    kept = [json.loads(each.read_text()) for each in _kept().glob("*/*.json")]
    return sum(each["counts"].get("events", 0) for each in kept if "counts" in each)


def test_a_rebuild_by_three_processes_that_is_killed_goes_on_where_it_was() -> None:
    stock(150)
    right = {room: items(room) for room in (BalanceRow, StatementRow)}
    _empty(BalanceRow, StatementRow)
    everything = len(items(EventItem))
    three = ["accounts", "--processes", "3"]

    _killed([*three, "--rate", "50", "--segments", "6"], lambda: _events_done() > 100)
    assert wrong() != []
    assert 100 < _events_done() < everything
    status, told = _with_a_killed_worker([*three, "--rate", "100"])
    assert status == 1
    assert "a worker process was killed" in told
    output = rebuilt(*three).output

    assert "continuing the rebuild that began at" in output
    assert f"{everything} events\n" in output  # Those of the killed one among them, none twice.
    assert wrong() == []
    assert {room: items(room) for room in right} == right  # As a single projector made them.
    assert list(_kept().iterdir()) == []


def test_a_killed_replacement_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_GENERATIONS", "1")
    read_again()
    monkeypatch.setattr(blue_green, "CACHE_SECONDS", 0.2)
    monkeypatch.setattr(bluegreen, "REQUEST_SECONDS", 0.0)
    stock(150)

    _killed(["accounts", "--blue-green", "--rate", "50"], lambda: _events_done() > 100)
    assert in_use("balances") == InUse("a", ("b", "a"))
    write(30, seed=2)  # Projected into both tables meanwhile.
    rebuilt("accounts", "--blue-green")

    assert in_use("balances") == in_use("statements") == InUse("b", ("b",))
    assert wrong() == []


def test_a_rebuild_keeps_to_its_rate() -> None:
    stock(40)
    count = len(items(EventItem)) + len(items(BalanceRow))
    began = time.monotonic()

    rebuilt("accounts", "--room", "balances", "--rate", "100")

    assert time.monotonic() - began > count / 100 - 1.0


def test_a_rebuild_of_one_room_leaves_the_other_alone() -> None:
    stock(40)
    _empty(BalanceRow, StatementRow)

    rebuilt("accounts", "--room", "balances")

    assert items(BalanceRow) != []
    assert items(StatementRow) == []


def test_an_event_that_this_build_does_not_know_is_named_and_all_others_are_rebuilt() -> None:
    stock(40)
    _empty(BalanceRow, StatementRow)
    strange = next(each for each in items(EventItem) if each["type"]["S"] == "EntryPosted")
    put(EventItem, {**strange, "type": {"S": "EntryPainted"}})

    result = CliRunner().invoke(rebuild, ["accounts", "--room", "statements"])
    put(EventItem, strange)
    lacking = [each for each in wrong() if each.startswith("statements")]

    assert result.exit_code == 1
    assert f"{strange['stream']['S']}#{strange['version']['N']}: UnknownEvent" in result.output
    assert len(lacking) == 1


def test_what_is_not_proved_does_not_come_to_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_GENERATIONS", "1")
    read_again()
    stock(40)
    altered = next(row for row in items(BalanceRow) if int(row["version"]["N"]) > 1)
    altered["body"] = {"S": "{}"}
    prove = bluegreen._prove

    def prove_what_was_altered(*arguments: object) -> None:
        with at_table("balances", "b"):
            put(BalanceRow, altered)
        prove(*arguments)  # type: ignore[arg-type]  # Passed on as they came.

    monkeypatch.setattr(bluegreen, "_prove", prove_what_was_altered)
    result = CliRunner().invoke(rebuild, ["accounts", "--room", "balances", "--blue-green"])

    assert result.exit_code == 1
    assert f"'{altered['account']['S']}'" in result.output
    assert "is other than the events say" in result.output
    assert in_use("balances") == InUse("a", ("a",))
    assert wrong() == []


def test_a_stage_whose_readers_look_for_no_other_tables_is_not_given_any() -> None:
    result = CliRunner().invoke(rebuild, ["accounts", "--blue-green"])

    assert result.exit_code == 2
    assert "TWOFOLD_GENERATIONS" in result.output
