"""An audit among live traffic, of forged books and older ones, and how its verdict is told."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from chalicelib.events.dynamodb import DynamoStore, from_item, to_item
from chalicelib.events.recorded import FIRST_LINK, Recorded, encode_state, evolve
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_stream
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.integrity.queries import LedgerIntegrity, ledger_integrity
from ops.audit import audit
from ops.verifying import scanning
from ops.verifying.read_models import READ_MODELS
from tests import engines
from tests.domain.books import credit, debit, opening, posting
from tests.http.api import client
from tests.ops.audited import Keeper, audited, counted, damaged, items, key_of, project, said, write
from tests.ops.forging import undone

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture(scope="module", autouse=True)
def _written() -> Iterator[None]:
    """A ledger on moto, in which everything happened."""
    with engines.moto():
        write("acme")
        project()
        yield


@pytest.fixture(autouse=True)
def books(_written: None) -> Iterator[None]:
    """Whatever a test does to the ledger is undone."""
    with undone():
        yield


def forge(stream: str, version: int, **changes: object) -> None:
    """Rewrites an event and all that follow it so that states and hashes fit again."""
    rewritten: list[Recorded] = []
    state, previous = None, FIRST_LINK
    for item in EventItem.query(stream):
        one = from_item(item)
        if one.version == version:
            one = replace(one, data=json.dumps({**json.loads(one.data), **changes}))
        state = evolve(state, one.event)
        one = replace(one, state_data=encode_state(state))
        previous = one.chained_to(previous)
        rewritten.append(replace(one, hash=previous))
    for one in rewritten:
        to_item(one).save()


def test_several_ledgers_are_audited_apart() -> None:
    write("other")
    project()
    broken = items(EventItem)[0]
    with damaged(EventItem, broken):
        report = audited()

    assert report.ledgers["acme"][0] == report.ledgers["other"][0] - 1
    assert report.wrong["acme"] > 0
    assert report.wrong["other"] == 0


def test_a_forged_entry_with_a_sound_chain_is_named_by_both_sides_and_by_the_sum() -> None:
    forge("acme/account/bob", 2, amount=61)

    found = said(audited())

    assert any(one.startswith("acme/account/bob 2: says posted credit 61 USD/2") for one in found)
    assert any(one.startswith("acme/transaction/p2 1: says posted credit 60") for one in found)
    assert "acme: debits less credits of USD/2, over all accounts, are -1" in found


def test_a_forged_transaction_that_does_not_balance_is_named() -> None:
    (item,) = EventItem.query("acme/transaction/b1")
    entries = json.loads(item.data)["entries"]
    entries[0]["amount"] += 5
    forge("acme/transaction/b1", 1, entries=entries)

    found = said(audited())

    assert "acme/transaction/b1 1: its debits less its credits of USD/2 are 5" in found


def test_a_limit_that_was_breached_at_a_version_is_named() -> None:
    forge("acme/account/alice", 1, min_balance=950)

    found = said(audited())

    assert (
        "acme/account/alice 3: it breaches its limits, with 900 available and at most 900" in found
    )


def test_a_hold_that_was_resolved_though_nothing_was_held_is_named() -> None:
    forge("acme/account/alice", 9, transaction="part")

    found = said(audited())

    wrong = "acme/account/alice 9: nothing was held by part that it could resolve"
    assert wrong in found


def test_an_entry_on_a_frozen_account_is_named() -> None:
    forge("acme/account/alice", 14, credits=True)
    forge("acme/account/alice", 15, debits=True, credits=False)

    found = said(audited())

    assert "acme/account/alice 16: the account was frozen for credits" in found


def rewrite(stream: str, older: Callable[[Recorded], Recorded]) -> None:
    """Stores a stream's events as an older build would have, each chained to the one before."""
    previous = FIRST_LINK
    for item in EventItem.query(stream):
        one = older(from_item(item))
        previous = one.chained_to(previous)
        to_item(replace(one, hash=previous)).save()


def without_account_events(one: Recorded, *, schemas_back: int = 1) -> Recorded:
    """A transaction's event before it named those of accounts."""
    fields = json.loads(one.data)
    fields.pop("account_events", None)
    fields["schema"] -= schemas_back
    return replace(one, data=json.dumps(fields, separators=(",", ":")))


def transactions() -> set[str]:
    """The streams of all transactions."""
    return {item.stream for item in EventItem.scan() if "/transaction/" in item.stream}


def test_states_of_an_older_schema_are_folded_and_not_compared() -> None:
    for stream in transactions():
        rewrite(stream, without_account_events)
    rewrite(
        "acme/account/bob",
        lambda one: replace(one, state_data=json.dumps({"schema": 1, "version": one.version})),
    )

    assert said(audited()) == []


def test_an_account_whose_past_was_rewritten_is_named_by_every_transaction_since() -> None:
    versions = [item.version for item in EventItem.query("acme/account/bob")]

    rewrite(
        "acme/account/bob",
        lambda one: replace(one, actor="somebody") if one.version == 1 else one,
    )

    found = said(audited())
    for version in versions[1:]:
        wrong = f"names another hash of acme/account/bob {version} than that has"
        assert any(line.endswith(wrong) for line in found), version


def test_a_transaction_that_names_no_account_events_is_named() -> None:
    rewrite("acme/transaction/p1", lambda one: without_account_events(one, schemas_back=0))

    wrong = "acme/transaction/p1 1: it does not name the account events of its entries"
    assert wrong in said(audited())


def test_a_voided_hold_that_names_another_version_is_named() -> None:
    (_, item) = EventItem.query("acme/transaction/void")
    named = json.loads(item.data)["account_events"]
    forge("acme/transaction/void", 2, account_events=[[99, named[0][1]], *named[1:]])

    wrong = "acme/transaction/void 2: names another hash of acme/account/alice 99 than that has"
    assert said(audited()) == [wrong]


@pytest.mark.parametrize("model", ["balances", "transactions", "totals", "statements"])
def test_a_row_that_was_invented_under_a_key_that_no_id_can_have_is_named(model: str) -> None:
    table = READ_MODELS[model].table
    row = items(table)[0]
    hash_key = next(iter(key_of(table, row)))
    for key in (f"{row[hash_key]['S']} x", "x"):
        with damaged(table, after={**row, hash_key: {"S": key}}):
            assert len(said(audited())) == 1, key


def test_a_projection_that_is_behind_is_waited_for() -> None:
    Keeper().do(opening("late", ledger="acme"))
    assert any("late: this row is missing" in one for one in said(audited()))

    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        project()

    report = audited(patience=5.0, sleep=sleep)

    assert said(report) == []
    assert len(waited) == 1


def test_a_row_that_stays_behind_is_named_with_where_the_events_are() -> None:
    keeper = Keeper()
    cash = account_stream("acme", "cash")
    projected = DynamoStore().load([cash])[cash].version
    keeper.do(posting("new", debit("cash", 1), credit("alice", 1), ledger="acme"))

    found = said(audited())

    behind = f"cash {projected}: this row is behind: the events are at {projected + 1}"
    assert any(behind in one for one in found), found
    assert "transactions acme/new: this row is missing" in found


def test_live_traffic_makes_no_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "PAGE", 3)
    keeper = Keeper()
    written: list[str] = []

    def tick(_: int) -> None:
        id = f"live-{len(written)}"
        written.append(id)
        keeper.do(
            opening(id, ledger="acme", min_balance=None),
            posting(f"t{id}", debit(id, 7), credit("alice", 7), ledger="acme"),
        )
        if len(written) == 5:
            project()

    report = audited(
        segments=1,  # What a tick writes is written by the thread that ticks.
        patience=2.0,
        sleep=lambda _: project(),
        bars=lambda *_: lambda count: tick(count) if len(written) < 10 else None,
    )

    assert len(written) == 10
    assert said(report) == []
    assert report.unsettled == []


def test_the_command_ends_with_0_for_whole_books_and_counts_them() -> None:
    ran = CliRunner().invoke(audit, ["--segments", "1", "--patience", "0"])

    assert ran.exit_code == 0, ran.output
    assert ran.output.splitlines()[-1] == "whole: nothing is wrong"
    events, streams = counted()
    assert f"{events} events of {streams} streams in 1 ledgers" in ran.output


def test_the_command_ends_with_1_and_names_what_is_wrong() -> None:
    row = items(BalanceRow)[0]
    with damaged(BalanceRow, row):
        ran = CliRunner().invoke(audit, ["--patience", "0", "--json"])
    told: Mapping[str, Any] = json.loads(ran.output)

    assert ran.exit_code == 1
    assert told["whole"] is False
    assert told["findings"] == 1
    key = f"balances {row['partition']['S']} {row['account']['S']}"
    assert told["found"] == [
        {"ledger": "acme", "where": key, "version": 0, "what": "this row is missing"}
    ]


def test_a_ledger_that_was_never_audited_has_no_verdict() -> None:
    assert msgspec.to_builtins(ledger_integrity(LedgerIntegrity(ledger="acme"))) == {
        "ledger": "acme",
        "audited_at": None,
        "as_of": None,
        "events": None,
        "streams": None,
        "findings": None,
        "whole": None,
        "checkpoint": None,
    }


def test_the_api_tells_the_verdict_of_the_last_audit() -> None:
    http = client()
    api = next(http)
    audited()
    whole = api.http.get("/ledgers/acme/integrity").json_body
    with damaged(BalanceRow, items(BalanceRow)[0]):
        audited()
    broken = api.http.get("/ledgers/acme/integrity").json_body

    checkpoint = whole.pop("checkpoint")
    assert broken.pop("checkpoint") == checkpoint

    newest = max(item["recorded_at"]["S"] for item in items(EventItem))
    events, streams = counted()
    audited_at = whole.pop("audited_at")
    assert audited_at < broken.pop("audited_at")
    assert whole == {
        "ledger": "acme",
        "as_of": newest,
        "events": events,
        "streams": streams,
        "findings": 0,
        "whole": True,
    }
    assert (broken["findings"], broken["whole"]) == (1, False)
    assert re.fullmatch("[0-9a-f]{64}", checkpoint.pop("root"))
    assert checkpoint.pop("at") == audited_at
    assert checkpoint == {"events": events, "streams": streams}


def test_a_stream_of_no_known_kind_is_named() -> None:
    item = next(iter(EventItem.query("acme/account/empty")))
    item.stream = "acme/thing/empty"
    item.save()

    found = said(audited())

    assert "acme/thing/empty: acme/thing/empty is no stream's name" in found
