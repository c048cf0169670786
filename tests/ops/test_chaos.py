"""Under chaos: whatever fails between the event table and the rooms, the rooms end as they must."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.commands.executor import Executor
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Stream
from chalicelib.events.table import EventItem
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals.table import TotalRow
from ops.chaos import command
from ops.chaos.command import clients, run
from ops.chaos.verify import verify
from ops.chaos.workload import RANDOM, Client, open_accounts
from ops.demo import read
from ops.independent.check import wrong_events, wrong_rows
from ops.verifying.events import stored
from ops.verifying.raw import all_items
from ops.verifying.read_models import stored_rows
from ops.workload import RandomWriter
from simulator.chaos import DYNAMODB, FUNCTION, WORST, Chaos
from tests import engines
from tests.books import deliver
from tests.read_models.shelves import shelves_of
from tests.soak import examples

SAMPLE = engines.ROOT / "tests" / "data" / "berka-sample.csv"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A short round, of which no fault is logged: there are hundreds."""
    monkeypatch.setattr(command, "COMMANDS", examples(30, 60))
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("empty_ministack", "short")
def test_every_room_ends_as_after_a_calm_run_and_as_the_events_say() -> None:
    faults, client = Chaos(1), clients()
    bank = read(SAMPLE)[:60]

    discarded = run(faults, client, 1, bank)

    assert verify(client, bank, discarded) == []
    for kind in (FUNCTION, DYNAMODB):
        assert sum(faults.injected[fault] for fault in kind) > 30
    assert set(faults.injected) <= set(WORST)
    assert faults.max_concurrency >= 2
    events = sorted(stored(), key=lambda event: (event.recorded_at, str(event.stream)))
    deliver(
        replace(event, stream=Stream("quiet", event.stream.kind, event.stream.id))
        for event in events
        if event.stream.ledger == RANDOM
    )
    assert shelves_of("quiet") == shelves_of(RANDOM)


@pytest.mark.usefixtures("empty_ministack")
def test_what_is_wrong_is_found_and_named() -> None:
    client = Client([Executor(DynamoStore())])
    open_accounts(client)
    RandomWriter(client.send, RANDOM, 1, "w").write(30)
    deliver(stored())
    events = list(all_items(EventItem))
    assert list(wrong_rows(events, stored_rows())) == []
    assert list(wrong_events(events)) == []

    [statement], [total], [balance] = (
        list(StatementRow.scan(limit=1)),
        list(TotalRow.scan(limit=1)),
        list(BalanceRow.scan(limit=1)),
    )
    statement.delete()
    total.update([TotalRow.debits.add(1)])
    balance.update([BalanceRow.body.set("{}")])
    rows = list(wrong_rows(events, stored_rows()))
    assert sorted(row.split(":")[0] for row in rows) == sorted(
        ["statements", "totals", "totals", "balances", "balances"]
    )
    assert any(statement.place in row and "not there" in row for row in rows)

    changed, gone = client.acknowledged[0], client.acknowledged[-1]
    EventItem(str(changed.stream), changed.version).update([EventItem.actor.set("somebody")])
    EventItem(str(gone.stream), gone.version).delete()
    problems = verify(client, [], [])
    assert any(
        "chain of hashes" in problem and str(changed.stream) in problem for problem in problems
    )
    assert any("not there" in problem and str(gone.stream) in problem for problem in problems)


def test_the_command_says_what_it_did_and_how_to_do_it_again(tmp_path: Path) -> None:
    data = tmp_path / "bank.csv"
    data.write_text("\n".join(SAMPLE.read_text().splitlines()[:21]) + "\n")
    code = (
        f"from ops.chaos import command; command.COMMANDS = {examples(15, 60)};"
        "from ops.__main__ import ops; ops()"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code, "chaos", "--seed", "4", "--rounds", "1", "--data", str(data)],
        cwd=engines.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "again: make chaos SEED=4 ROUNDS=1" in ran.stdout
    assert "faults injected" in ran.stdout
    assert "survived" in ran.stdout
