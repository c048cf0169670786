"""An audit that goes on from the last checkpoint: what it finds, what it leaves, what it reads."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib.domain.account.commands import CloseAccount, FreezeAccount
from chalicelib.domain.transaction.commands import PostHold, ReverseTransaction
from chalicelib.events.table import EventItem
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.integrity.table import find
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals.table import ACCOUNT, TotalRow
from chalicelib.read_models.transactions.table import TransactionRow
from chalicelib.tables import connection
from ops.audit import audit
from ops.auditing.examining import Continuation
from ops.auditing.findings import Report
from ops.auditing.since import SinceAuditor
from tests import engines
from tests.domain.books import credit, debit, opening, posting
from tests.ops.audited import Keeper, audited, damaged, hold, items, project, said
from tests.ops.forging import Forger, forget_audits, undone

pytestmark = pytest.mark.usefixtures("own_home")

ALICE, BOB = "acme/account/alice", "acme/account/bob"


@pytest.fixture(scope="module")
def books() -> Iterator[Keeper]:
    """A ledger on moto, with a hold and a striped account, that was audited in full."""
    with engines.moto():
        keeper = Keeper()
        keeper.do(
            opening("cash", min_balance=None),
            opening("alice", normal_balance="credit", metadata={"name": "Alice"}),
            opening("bob", normal_balance="credit"),
            opening("quiet", normal_balance="credit"),
            opening("hot", normal_balance="credit", min_balance=None, stripes=2),
            posting("p1", debit("cash", 1000), credit("alice", 900), credit("bob", 100)),
            posting("p2", debit("cash", 7), credit("hot", 7)),
            hold("held", debit("alice", 50), credit("bob", 50), ledger="acme"),
        )
        project()
        assert said(audited(segments=1)) == []
        yield keeper


@pytest.fixture(autouse=True)
def keeper(books: Keeper) -> Iterator[Keeper]:
    """Whatever a test does to them is undone."""
    with undone():
        yield books


def since(**options: Any) -> Report:
    """An audit of what is new that waits for nothing."""
    auditor = SinceAuditor(patience=0.0, sleep=lambda _: None)
    return Continuation(auditor, **options).run()


def more(keeper: Keeper) -> None:
    """Something of every kind on what is there, and new accounts."""
    keeper.do(
        posting("p3", debit("alice", 20), credit("bob", 20)),
        PostHold(ledger="acme", transaction="held", amount=30, key="k"),
        ReverseTransaction(ledger="acme", transaction="back", reverses="p2"),
        opening("new", normal_balance="credit"),
        posting("p4", debit("cash", 3), credit("new", 2), credit("hot", 1)),
        FreezeAccount(ledger="acme", account="bob", debits=True, credits=True),
        FreezeAccount(ledger="acme", account="hot", debits=True, credits=True),
        opening("gone"),
        CloseAccount(ledger="acme", account="gone"),
    )
    project()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(audit, ["--patience", "0", *arguments])


def test_where_nothing_moved_nothing_is_wrong_and_no_checkpoint_is_left() -> None:
    report = since()

    assert (said(report), report.events, report.checkpoints) == ([], 0, [])


def test_what_is_new_is_audited_and_its_checkpoint_is_that_of_a_full_audit(keeper: Keeper) -> None:
    before = len(items(EventItem))
    verdict = find("acme")
    assert verdict is not None
    more(keeper)

    report = since()
    after = find("acme")
    full = audited(segments=1)

    assert said(report) == []
    assert report.unsettled == []
    assert report.events == len(items(EventItem)) - before
    (made,), (of_all,) = report.checkpoints, full.checkpoints
    assert (made.root, made.streams, made.events) == (of_all.root, of_all.streams, of_all.events)
    assert made.since == verdict.kept()[-1].at
    assert of_all.since is None
    assert after is not None
    assert after.audited_at == verdict.audited_at
    assert said(full) == []


def test_it_goes_on_from_its_own_checkpoint(keeper: Keeper) -> None:
    more(keeper)
    since()
    keeper.do(posting("p5", debit("cash", 1), credit("alice", 1)))
    project()

    report = since()

    assert said(report) == []
    assert (report.events, report.streams) == (3, 3)


def tampered(stream: str, version: int, *, agree: bool = False, **fields: object) -> None:
    forger = Forger()
    forger.say(stream, version, **fields)
    if agree:
        forger.agree()
    else:
        forger.chain(stream)
    forger.store()


def test_tampering_with_what_is_new_is_named(keeper: Keeper) -> None:
    version = len([item for item in items(EventItem) if item["stream"]["S"] == BOB]) + 1
    more(keeper)
    found = {}
    with undone():
        tampered(BOB, version, amount=21)
        found["amount"] = said(since())
        verdict = find("acme")
        assert verdict is not None
        assert (verdict.whole, verdict.findings) == (False, len(found["amount"]))
    with undone():
        forger = Forger()
        forger.cut("acme/transaction/p3", 0)
        forger.store()
        found["transaction"] = said(since())
    with undone():
        forger = Forger()
        forger.sign(BOB, version, actor="key-2")
        forger.store()
        found["actor"] = said(since())

    assert any(f"{BOB} {version}: says posted credit 21" in one for one in found["amount"])
    assert any("acme/transaction/p3" in one for one in found["transaction"])
    assert f"{BOB} {version}: its hash is not that of what is stored" in found["actor"]


def test_a_moved_account_whose_past_was_cut_or_rewritten_is_named(keeper: Keeper) -> None:
    more(keeper)
    verdict = find("acme")
    assert verdict is not None
    at = f"the checkpoint of {verdict.kept()[-1].at}"
    with undone():
        tampered(ALICE, 1, agree=True, metadata={"name": "Eve"})
        rewritten = said(since())
    with undone():
        forger = Forger()
        forger.cut(BOB, 1)
        forger.store()
        cut = said(since())
    with undone():
        forger = Forger()
        forger.cut(ALICE, 0)
        forger.store()
        gone = said(since())

    other = f"is not the event that it was at {at}: it, or one before it, was rewritten"
    assert f"{ALICE} 3: {other}" in rewritten
    assert f"{BOB}: was at version 3 at {at}, and ends at 1 now" in cut
    assert f"{ALICE}: was at version 3 at {at}, and is gone" in gone


@pytest.mark.parametrize("table", [BalanceRow, StatementRow, TransactionRow, TotalRow])
def test_a_row_of_what_is_new_is_held_against_it(table: Any, keeper: Keeper) -> None:
    more(keeper)
    names = {"p3", "new", "acme/new", "acme/p3"}
    row = next(
        item
        for item in items(table)
        if names & {next(iter(value.values())) for value in item.values()}
        and item.get("of", {"S": ACCOUNT})["S"] == ACCOUNT
    )
    with damaged(table, row, after={**row, "more": {"S": "tampered"}}):
        altered = since()
    if table is not BalanceRow:  # An account without a row is not known to have moved.
        with damaged(table, row):
            assert since().count == 1

    assert altered.count == 1


def test_what_it_does_not_look_at_a_full_audit_finds(keeper: Keeper) -> None:
    more(keeper)
    tampered("acme/account/quiet", 1, metadata={"name": "Eve"})

    assert said(since()) == []
    assert audited(segments=1).count > 0


def test_without_a_checkpoint_or_after_findings_it_asks_for_a_full_audit(keeper: Keeper) -> None:
    more(keeper)
    with damaged(BalanceRow, items(BalanceRow)[0]):
        audited(segments=1)
    after_findings = run("--since")
    forget_audits()
    without = run("--since")

    assert "acme: the last audit had findings: audit it in full" in after_findings.output
    assert "acme: no checkpoint to go on from, which a full audit leaves" in without.output
    assert "nothing is wrong in what is new" in without.output
    assert (after_findings.exit_code, without.exit_code) == (0, 0)
    assert "without --since" in run("--since", "--anew", "why").output


def counted(work: Any) -> dict[str, int]:
    """The items that were read from each table while something was done."""
    read: dict[str, int] = {}

    def count(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if "Items" in parsed:
            read[model.name] = read.get(model.name, 0) + int(parsed["ScannedCount"])
        elif "Item" in parsed or model.name == "GetItem":
            read["GetItem"] = read.get("GetItem", 0) + 1
        for found in parsed.get("Responses", {}).values() if "Responses" in parsed else ():
            read["BatchGetItem"] = read.get("BatchGetItem", 0) + len(found)

    events = connection().client.meta.events
    events.register("after-call.dynamodb.*", count)
    try:
        work()
    finally:
        events.unregister("after-call.dynamodb.*", count)
    return read


def test_its_reads_do_not_grow_with_the_history(keeper: Keeper) -> None:
    reads = []
    for number in range(2):
        more_of_the_same = [
            posting(f"old{number}-{each}", debit("cash", 1), credit("alice", 1))
            for each in range(1 + 30 * number)
        ]
        keeper.do(*more_of_the_same)
        project()
        assert said(audited(segments=1)) == []
        keeper.do(posting(f"fresh{number}", debit("cash", 1), credit("alice", 1)))
        project()
        reads.append(counted(lambda: said(since())))

    assert reads[0] == reads[1]
    assert reads[0]["Query"] < 40
