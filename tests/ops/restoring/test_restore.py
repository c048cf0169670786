"""The restore, rehearsed: from damaged books to whole ones, interrupted wherever it can be."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from chalicelib.events.dynamodb import DynamoStore, from_item
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_stream
from chalicelib.local.environment import TABLES
from tests import engines
from tests.domain.books import credit, debit, opening, posting
from tests.ops.audited import Keeper, audited, hold, items, project, said, write
from tests.ops.restoring.rehearsal import (
    EVENTS,
    STAGES,
    WRITES,
    Lost,
    Rehearsal,
    client_of,
    fed,
    fill,
    made_tables,
    make_functions,
    scanned,
)
from tests.soak import SOAKING

pytestmark = pytest.mark.usefixtures("own_home")

LEDGER = "acme"
WRITERS = ("twofold-r-write", "twofold-r-write-sweep")


@dataclass
class Books:
    """Books with a past and a future that is to be undone, as items of tables.

    `at` is the moment that is restored to, `whole` what is whole of it, and `gone` what the
    restored table has not.
    """

    endpoint: str
    at: datetime
    whole: set[tuple[str, int]]
    gone: set[tuple[str, int]]
    contents: dict[str, list[Any]]


@pytest.fixture(scope="module")
def books(emulator: str) -> Books:
    """Our Lambdas in the emulator, and books to be put into its tables."""
    with engines.moto():
        written = keep(emulator)
    make_functions(client_of(emulator, "lambda"), STAGES)
    return written


def keep(endpoint: str) -> Books:
    """Writes the past, the moment and the future, projects them, and audits them."""
    write(LEDGER)
    keeper = Keeper()
    newest = max(from_item(item).recorded_at for item in EventItem.scan())
    keeper.now = newest.replace(microsecond=0) + timedelta(seconds=1)
    keeper.do(posting("last-whole", debit("cash", 100), credit("alice", 100), ledger=LEDGER))
    whole = places()
    keeper.do(posting("torn", debit("cash", 200), credit("alice", 200), ledger=LEDGER))
    keeper.do(hold("behind", debit("alice", 5), credit("bob", 5), ledger=LEDGER))
    at, cash = keeper.now, account_stream(LEDGER, "cash")
    head = DynamoStore().load([cash])[cash]
    keeper.now += timedelta(seconds=60)
    keeper.do(
        posting("wrong", debit("cash", 5000), credit("alice", 5000), ledger=LEDGER),
        opening("mallory", normal_balance="credit", ledger=LEDGER),
        posting("stolen", debit("alice", 5000), credit("mallory", 5000), ledger=LEDGER),
        opening("elsewhere", ledger="new-ledger"),
    )
    project()
    assert said(audited()) == []
    contents = {model.Meta.table_name: items(model) for model in TABLES}
    return Books(endpoint, at, whole, {(str(cash), head.version)}, contents)


@pytest.fixture
def rehearsal(books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """The books in tables, and the projectors fed."""
    monkeypatch.setenv("TWOFOLD_HOME", str(tmp_path))
    made = Rehearsal(books.endpoint, tmp_path, at=books.at, whole=books.whole, gone=books.gone)
    dynamodb, functions = made.client("dynamodb").inner, made.client("lambda").inner
    with (
        engines.connected(books.endpoint),
        made_tables(dynamodb, TABLES),
    ):
        fill(dynamodb, books.contents)
        stream = dynamodb.describe_table(TableName=EVENTS)["Table"]["LatestStreamArn"]
        with fed(functions, STAGES, stream):
            yield made
    for function in WRITERS:
        functions.delete_function_concurrency(FunctionName=function)


def places() -> set[tuple[str, int]]:
    """What is in the event table."""
    return {(item.stream, item.version) for item in EventItem.scan()}


def test_after_a_restore_the_books_and_what_is_read_are_those_of_the_last_whole_commit(
    rehearsal: Rehearsal,
) -> None:
    before = rehearsal.client("dynamodb").describe_table(TableName=EVENTS)["Table"]
    rehearsal.client("lambda").put_function_concurrency(
        FunctionName="twofold-r-write", ReservedConcurrentExecutions=20
    )
    processes = {name: rehearsal.invoke(name) for name in WRITERS}
    assert all(processes.values())

    rehearsal.restore().run()

    assert places() == rehearsal.whole
    report = audited()
    assert (said(report), "new-ledger" in report.ledgers) == ([], False)
    told = "\n".join(rehearsal.said)
    assert "acme/account/alice: version" in told
    assert "is cut of behind, torn" in told
    after = rehearsal.client("dynamodb").describe_table(TableName=EVENTS)["Table"]
    assert after["LatestStreamArn"] != before["LatestStreamArn"]
    for name in ("KeySchema", "StreamSpecification", "DeletionProtectionEnabled"):
        assert after[name] == before[name]
    assert names(rehearsal) == {model.Meta.table_name for model in TABLES}

    for name in WRITERS:
        assert rehearsal.invoke(name) not in ("", processes[name])
    reserved = rehearsal.client("lambda").get_function_concurrency(FunctionName="twofold-r-write")
    assert reserved["ReservedConcurrentExecutions"] == 20
    for stage, projector in (("r-accounts", "project_accounts"), ("r-journal", "project_journal")):
        mappings = rehearsal.client("lambda").list_event_source_mappings(
            FunctionName=f"twofold-{stage}-{projector}"
        )["EventSourceMappings"]
        assert [each["EventSourceArn"] for each in mappings] == [after["LatestStreamArn"]]

    (path,) = (rehearsal.home / "restores").iterdir()
    kept = json.loads(path.read_text())
    assert {each["stream"] for each in kept["cuts"]} == {
        "acme/account/alice",
        "acme/account/bob",
        "acme/transaction/behind",
        "acme/transaction/torn",
    }
    for arn in kept["backups"].values():
        found = rehearsal.client("dynamodb").describe_backup(BackupArn=arn)
        assert found["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE"


def names(rehearsal: Rehearsal) -> set[str]:
    """The tables there are."""
    return set(rehearsal.client("dynamodb").list_tables()["TableNames"])


def test_meanwhile_nothing_is_written_and_there_is_always_a_backup_and_the_copy(
    rehearsal: Rehearsal,
) -> None:
    asked: list[str] = []
    backed_up: list[str] = []
    client = rehearsal.client("lambda").inner
    client.put_function_concurrency(FunctionName=WRITERS[0], ReservedConcurrentExecutions=0)

    def ask(call: Any, **arguments: Any) -> Any:
        asked.extend(rehearsal.invoke(name) for name in WRITERS)
        return call(**arguments)

    def note(call: Any, **arguments: Any) -> Any:
        backed_up.append(arguments["TableName"])
        return ask(call, **arguments)

    def check(call: Any, **arguments: Any) -> Any:
        copy = next(name for name in names(rehearsal) if name.startswith(f"{EVENTS}-restored-"))
        if arguments["TableName"] == EVENTS:
            assert backed_up == [EVENTS, copy]
        return call(**arguments)

    rehearsal.hooks |= {"create_backup": note, "delete_table": check, "create_table": ask}

    rehearsal.restore().run()

    assert len(asked) > 10
    assert set(asked) == {""}
    assert rehearsal.calls[0][0] == "put_function_concurrency"
    deleted = [each["TableName"] for name, each in rehearsal.calls if name == "delete_table"]
    assert EVENTS in deleted
    assert deleted[-1].startswith(f"{EVENTS}-restored-")
    # One was stopped by hand, before the restore began.
    assert all(rehearsal.invoke(name) for name in WRITERS)
    assert any("it was stopped before the restore began" in line for line in rehearsal.said)


@pytest.mark.parametrize("done", [True, False], ids=["reply lost", "call lost"])
def test_interrupted_at_every_single_call_it_goes_on_to_the_same_end(
    rehearsal: Rehearsal, done: bool
) -> None:
    failed: set[str] = set()

    def failing(name: str, before: Any) -> Any:
        def fail(call: Any, **arguments: Any) -> Any:
            what = f"{name} {sorted(map(str, arguments.items()))}"
            first = what not in failed and arguments.get("TableName") not in ONLY_IN_SOAK
            failed.add(what)
            if first and not done:
                raise Lost(what)
            found = before(call, **arguments) if before else call(**arguments)
            if first:
                raise Lost(what)
            return found

        return fail

    for name in ONCE:
        rehearsal.hooks[name] = failing(name, rehearsal.hooks.get(name))

    stops: list[str] = []
    while (stopped := stop_of(rehearsal)) is not None:
        stops.append(stopped)
        assert len(stops) < 200

    assert len(stops) > 25
    assert all("the same command goes on" in each for each in stops)
    assert places() == rehearsal.whole
    assert said(audited()) == []
    assert all(rehearsal.invoke(name) for name in WRITERS)


def stop_of(rehearsal: Rehearsal) -> str | None:
    """What is said of the step at which a run stops; None when it comes to its end."""
    try:
        rehearsal.restore().run()
    except click.ClickException as error:
        return error.message
    return None


ONLY_IN_SOAK = {
    f"twofold-test-{name}"
    for name in ("statements", "accounts_ledgers", "totals", "journal_ledgers")
    if not SOAKING
}
"""Read tables of which each is emptied in one loop between two others that are interrupted."""

ONCE = tuple(call for call in WRITES if call not in ("update_continuous_backups", "update_table"))


def test_a_plan_names_everything_and_changes_nothing(rehearsal: Rehearsal) -> None:
    before = places()

    rehearsal.restore().plan()

    told = "\n".join(rehearsal.said)
    for name in ("twofold-r-write-sweep", EVENTS, f"{EVENTS}-restored-", "r-accounts", "r-journal"):
        assert name in told
    assert rehearsal.calls == []
    assert (places(), list(rehearsal.home.glob("restores/*"))) == (before, [])


@pytest.mark.parametrize(
    ("moment", "what"),
    [
        (timedelta(minutes=-4), "later than the latest moment .*can be restored to: 2026-11-02T"),
        (timedelta(days=-30), "earlier than the earliest moment .*can be restored to: 2026-10-31T"),
    ],
)
def test_a_moment_that_cannot_be_restored_is_refused_before_anything_is_done(
    rehearsal: Rehearsal, moment: timedelta, what: str
) -> None:
    with pytest.raises(click.ClickException, match=what):
        rehearsal.restore(rehearsal.now + moment).run()
    assert rehearsal.calls == []


def test_a_table_without_recovery_is_refused(rehearsal: Rehearsal) -> None:
    rehearsal.client("dynamodb").inner.update_continuous_backups(
        TableName=EVENTS, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    with pytest.raises(click.ClickException, match="no point-in-time recovery"):
        rehearsal.restore().run()
    assert rehearsal.calls == []


def damage_the_past(rehearsal: Rehearsal) -> None:
    """An event from long before the moment is not what it was."""
    item = next(
        item
        for item in scanned(rehearsal.client("dynamodb"), EVENTS)
        if item["stream"]["S"] == "acme/transaction/p1"
    )
    item["actor"] = {"S": "mallory"}
    rehearsal.client("dynamodb").inner.put_item(TableName=EVENTS, Item=item)


def test_a_moment_at_which_the_books_were_damaged_already_is_not_restored_and_can_be_left(
    rehearsal: Rehearsal,
) -> None:
    damage_the_past(rehearsal)

    with pytest.raises(
        click.ClickException, match=r"(?s)is not whole: [1-9] findings.*is as it was"
    ):
        rehearsal.restore().run()

    assert "delete_table" not in [name for name, _ in rehearsal.calls]
    assert not any(rehearsal.invoke(name) for name in WRITERS)
    rehearsal.restore().abandon()
    assert all(rehearsal.invoke(name) for name in WRITERS)
    assert list(rehearsal.home.glob("restores/*")) == []


def test_another_moment_can_be_chosen_as_long_as_nothing_is_replaced(
    rehearsal: Rehearsal,
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise Lost("create_backup")

    earlier = rehearsal.at - timedelta(seconds=3)
    rehearsal.hooks["create_backup"] = fail
    with pytest.raises(click.ClickException, match="create_backup"):
        rehearsal.restore().run()
    del rehearsal.hooks["create_backup"]
    rehearsal.gone = ()

    rehearsal.restore(earlier).run()

    assert max(moments()) <= earlier
    assert places() == rehearsal.whole
    assert all(rehearsal.invoke(name) for name in WRITERS)


def moments() -> list[datetime]:
    """When events were recorded."""
    return [from_item(item).recorded_at for item in EventItem.scan()]


def test_without_functions_to_stop_nothing_is_done(rehearsal: Rehearsal) -> None:
    rehearsal.stages = [
        STAGES[0].__class__("r-none", "test", ("write",), {"TWOFOLD_ENVIRONMENT": "test"}),
        *STAGES[1:],
    ]
    with pytest.raises(click.ClickException, match="stage r-none has no functions"):
        rehearsal.restore().run()
    assert rehearsal.calls == []
