"""What an audit finds of the ways to tamper with a ledger; docs/reliability.md has the tables.

`TWOFOLD_REWRITE=1 pytest tests/ops/test_tampering.py` writes them.
"""

import gzip
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.account.commands import ChangeAccount, FreezeAccount, UnfreezeAccount
from chalicelib.read_models.integrity.table import CheckpointChunk, IntegrityRow
from chalicelib.read_models.totals.table import ACCOUNT, TotalRow
from ops.auditing.findings import Finding
from ops.verifying.read_models import READ_MODELS
from tests import engines
from tests.domain.books import credit, debit, opening, posting
from tests.ops.audited import Item, Keeper, audited, damaged, items, key_of, project
from tests.ops.forging import Forger, Streams, forget_audits, rebuild_rows, stored_events, undone

pytestmark = pytest.mark.usefixtures("own_home")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- written by tests/ops/test_tampering.py -->\n", "<!-- end -->"

ALICE, BOB, CASH, SPARE = (f"acme/account/{id}" for id in ("alice", "bob", "cash", "spare"))
P1, P2, P3, NEW = (f"acme/transaction/{id}" for id in ("p1", "p2", "p3", "new"))


def write() -> None:
    """A ledger with entries, limits, metadata, a freeze, and an account without entries."""
    keeper = Keeper()
    keeper.do(
        opening("cash", min_balance=None),
        opening("alice", normal_balance="credit", metadata={"name": "Alice"}),
        opening("bob", normal_balance="credit", max_balance=5000),
        opening("spare", asset="EUR/2", metadata={"of": "nobody"}),
        posting("p1", debit("cash", 1000), credit("alice", 1000), metadata={"for": "rent"}),
        posting("p2", debit("alice", 100), credit("bob", 100), reference="lunch"),
        ChangeAccount(ledger="acme", account="alice", metadata={"name": "Al"}, max_balance=9000),
        FreezeAccount(ledger="acme", account="bob", debits=True, credits=False),
        UnfreezeAccount(ledger="acme", account="bob", debits=True, credits=False),
        ChangeAccount(ledger="acme", account="spare", metadata={"of": "us"}, max_balance=7),
        posting("p3", debit("alice", 20), credit("bob", 20)),
    )
    project()


# Events: what is changed, and how far it is made to agree.

ALONE, CHAINED, EVENTS, ROWS, ALL = REACHES = (
    "that alone",
    "and its stream's states and hashes",
    "and all other events",
    "and all rows",
    "and no audit is left",
)


@dataclass(frozen=True)
class Kind:
    """One kind of tampering with events, and the streams of which one must be named."""

    what: str
    do: Callable[[Forger], None]
    streams: tuple[str, ...]


def an_amount(forger: Forger) -> None:
    forger.say(BOB, 2, amount=60)


def an_amount_everywhere(forger: Forger) -> None:
    forger.say(ALICE, -1, amount=10)
    forger.say(BOB, -1, amount=10)
    entries = [{**entry, "amount": 10} for entry in forger.said(P3, 1)["entries"]]
    forger.say(P3, 1, entries=entries)


def an_actor_everywhere(forger: Forger) -> None:
    for stream in (CASH, ALICE, P1):
        forger.sign(stream, 1 if stream == P1 else 2, actor="key-2")


def a_time_everywhere(forger: Forger) -> None:
    for stream in (ALICE, BOB, P3):
        forger.delay(stream, -1, 0.5)


def a_forged_transaction(forger: Forger) -> None:
    forger.copy(P1, "new")


def a_forged_entry(forger: Forger) -> None:
    newest = forger.streams[BOB][-1]
    forger.streams[BOB].append(replace(newest, version=newest.version + 1, command_id="new"))
    forger.say(BOB, -1, transaction="new")


def a_forged_transaction_with_its_entries(forger: Forger) -> None:
    forger.copy(P3, "new", command_id="new")
    forger.delay(NEW, 1, 1)
    for stream in (ALICE, BOB):
        newest = forger.streams[stream][-1]
        forger.streams[stream].append(replace(newest, version=newest.version + 1, command_id="new"))
        forger.say(stream, -1, transaction="new")
        forger.delay(stream, -1, 1)


def the_last_transaction_with_its_entries(forger: Forger) -> None:
    for stream in (ALICE, BOB):
        forger.cut(stream, len(forger.streams[stream]) - 1)
    forger.cut(P3, 0)


def another_history(forger: Forger) -> None:
    """As long as the true one: the last transaction was another."""
    a_forged_transaction_with_its_entries(forger)
    for stream in (ALICE, BOB):
        forger.leave_out(stream, len(forger.streams[stream]) - 1)
    forger.cut(P3, 0)


KINDS = [
    Kind("the amount of an account's entry", an_amount, (BOB, P2)),
    Kind("the amount of a transaction, and of its entries", an_amount_everywhere, (ALICE, BOB, P3)),
    Kind("who froze an account", lambda f: f.sign(BOB, 3, actor="key-2"), (BOB,)),
    Kind("who posted a transaction", lambda f: f.sign(P1, 1, actor="key-2"), (P1,)),
    Kind("who posted it, on all its streams", an_actor_everywhere, (CASH, ALICE, P1)),
    Kind("a transaction's metadata", lambda f: f.say(P1, 1, metadata={"for": "food"}), (P1,)),
    Kind("a transaction's reference", lambda f: f.say(P2, 1, reference="dinner"), (P2,)),
    Kind(
        "superseded metadata of an account",
        lambda f: f.say(ALICE, 1, metadata={"name": "Eve"}),
        (ALICE,),
    ),
    Kind("a superseded limit", lambda f: f.say(ALICE, 1, max_balance=8000), (ALICE,)),
    Kind("a limit", lambda f: f.say(BOB, 1, max_balance=9000), (BOB,)),
    Kind(
        "the limit of an account without entries",
        lambda f: f.say(SPARE, 2, max_balance=8),
        (SPARE,),
    ),
    Kind(
        "superseded metadata of an account without entries",
        lambda f: f.say(SPARE, 1, metadata={"of": "them"}),
        (SPARE,),
    ),
    Kind("when an account was frozen", lambda f: f.delay(BOB, 3, 0.5), (BOB,)),
    Kind("when a transaction was posted, on all its streams", a_time_everywhere, (ALICE, BOB, P3)),
    Kind("two events of an account swapped", lambda f: f.swap(BOB, 3), (BOB,)),
    Kind("an event from the middle of an account", lambda f: f.leave_out(BOB, 4), (BOB,)),
    Kind("a forged transaction without entries", a_forged_transaction, (NEW,)),
    Kind("a forged entry without a transaction", a_forged_entry, (BOB, NEW)),
    Kind(
        "the newest entry of an account, gone",
        lambda f: f.cut(BOB, len(f.streams[BOB]) - 1),
        (BOB, P3),
    ),
    Kind(
        "the newest change of an account without entries, gone", lambda f: f.cut(SPARE, 1), (SPARE,)
    ),
    Kind("an account with entries, gone", lambda f: f.cut(BOB, 0), (BOB, P2)),
    Kind("an account without entries, gone", lambda f: f.cut(SPARE, 0), (SPARE,)),
    Kind("a transaction, gone", lambda f: f.cut(P3, 0), (P3, ALICE, BOB)),
    Kind(
        "a transaction with its entries, gone",
        the_last_transaction_with_its_entries,
        (P3, ALICE, BOB),
    ),
    Kind("another history, as long as the true one", another_history, (P3, NEW, ALICE, BOB)),
    Kind(
        "a forged transaction with its entries, added last",
        a_forged_transaction_with_its_entries,
        (NEW, ALICE, BOB),
    ),
]

NO, YES, CHECKPOINT, ELSEWHERE = "no", "yes", "checkpoint", "kept elsewhere"
"""Whether it is found, and if not always, by what: a checkpoint in the table, or one outside."""


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The ledger on moto, audited, and a file with its checkpoint."""
    with engines.moto():
        write()
        written.update(stored_events())
        file = tmp_path_factory.mktemp("kept") / "checkpoint"
        assert audited(file=file, segments=1).count == 0
        yield file


written: Streams = {}
"""The events of the ledger, before anybody tampers with them."""


def tamper(kinds: Sequence[Kind], reach: str) -> None:
    """Changes events, and makes everything agree as far as this reach says."""
    forger = Forger(written)
    for kind in kinds:
        kind.do(forger)
        for stream in set(kind.streams) & set(forger.streams) if reach == CHAINED else ():
            forger.chain(stream)
    if reach not in (ALONE, CHAINED):
        forger.agree()
    forger.store()
    if reach == ROWS:
        rebuild_rows()


def looked(places: tuple[str, ...], **options: Any) -> str:
    """Whether an audit finds tampering, names it, and needs a checkpoint for that."""
    report = audited(segments=1, **options)
    by_checkpoint = [each for each in report.found if _is_of_checkpoint(each.what)]
    found = [each for each in report.found if each not in by_checkpoint] or by_checkpoint
    assert names(found, places) == bool(found), ("found, and not named", found)
    return NO if not found else CHECKPOINT if found == by_checkpoint else YES


def names(found: Sequence[Finding], places: tuple[str, ...]) -> bool:
    """Whether one of these streams is named by what was found."""
    ids = {place.rpartition("/")[2] for place in places}
    return any(
        re.split("[/ ]", each.where)[-1] in ids or any(place in each.what for place in places)
        for each in found
    )


def _is_of_checkpoint(what: str) -> bool:
    return "at the checkpoint of" in what or "at an earlier audit" in what


def outcomes(kind: Kind, file: Path) -> Iterator[str]:
    """Whether a kind of tampering is found at each reach, and what it takes."""
    for reach in (ALONE, CHAINED, EVENTS, ROWS):
        with undone():
            tamper([kind], reach)
            with undone():
                # What is found without a look at the rows is found with one, and is found sooner.
                quick = reach in (ALONE, CHAINED) and looked(kind.streams, rows=False)
                how = YES if quick == YES else looked(kind.streams)
            yield how
            if reach == ROWS:
                if how != YES:
                    forget_audits()
                    elsewhere = looked(kind.streams, against=[str(file)])
                    how = ELSEWHERE if elsewhere == CHECKPOINT else elsewhere
                yield how


OUT_OF_REACH = {
    ("a forged transaction with its entries, added last", ROWS),
    ("a forged transaction with its entries, added last", ALL),
}
"""What no audit finds: whoever can add it has become the Write API."""

found: dict[str, list[str]] = {}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what)
def test_tampering_with_events_is_found_and_named_or_known_to_be_out_of_reach(
    kind: Kind, kept: Path
) -> None:
    found[kind.what] = list(outcomes(kind, kept))

    unseen = {
        (kind.what, reach)
        for reach, how in zip(REACHES, found[kind.what], strict=True)
        if how == NO
    }
    assert unseen == {each for each in OUT_OF_REACH if each[0] == kind.what}


# Rows: each table that is read.

ALTERED, GONE, INVENTED = ROW_KINDS = ("a row altered", "a row gone", "a row invented")

SAMPLES: dict[str, tuple[str, str, str]] = {
    "accounts_ledgers": ("place", "acme EUR/2", "acme GBP/2"),
    "balances": ("account", "bob", "nobody"),
    "statements": ("account", "acme/bob", "acme/nobody"),
    "journal_ledgers": ("place", "acme EUR/2", "acme GBP/2"),
    "transactions": ("key", "acme/p2", "acme/nothing"),
    "totals": ("key", "acme/bob", "acme/nobody"),
}
"""Of each read model: an attribute of the key, its value in a row, and one that none has."""

rows_found: dict[tuple[str, str], str] = {}


@pytest.mark.parametrize("name", READ_MODELS)
@pytest.mark.parametrize("what", ROW_KINDS)
def test_tampering_with_rows_is_found_and_named(name: str, what: str) -> None:
    table, (attribute, value, nobody) = READ_MODELS[name].table, SAMPLES[name]
    row = next(item for item in items(table) if item[attribute]["S"] == value)
    changed: Item | None = None
    if what == ALTERED:
        other = next((each for each in row if each not in key_of(table, row)), None)
        changed = {**row, other or "more": {"S": "tampered"}}
    elif what == INVENTED:
        changed = {**row, attribute: {"S": nobody}}

    with damaged(table, *([] if what == INVENTED else [row]), after=changed):
        report = audited(segments=1)

    wanted = nobody if what == INVENTED else value
    assert any(each.where.startswith(name) and wanted in each.where for each in report.found)
    assert report.wrong["acme"] == report.count
    rows_found[name, what] = YES


def test_a_sum_that_was_altered_is_found_and_named() -> None:
    row = next(item for item in items(TotalRow) if item["of"]["S"] != ACCOUNT)
    for what, changed in (
        (ALTERED, {**row, "debits": {"N": "1"}}),
        (GONE, None),
        (INVENTED, {**row, "of": {"S": "GBP/2"}}),
    ):
        with damaged(TotalRow, *([] if what == INVENTED else [row]), after=changed):
            report = audited(segments=1)
        assert any(each.where.startswith(f"totals {row['key']['S']}") for each in report.found)
        rows_found["sums in totals", what] = YES


def test_tampering_with_kept_checkpoints_is_found_and_named() -> None:
    chunk = next(item for item in items(IntegrityRow) if "#" in item["ledger"]["S"])
    file = gzip.decompress(chunk["content"]["B"])
    forged = gzip.compress(file.replace(b"bob", b"eve"))
    for what, changed in ((ALTERED, {**chunk, "content": {"B": forged}}), (GONE, None)):
        with undone(), damaged(CheckpointChunk, chunk, after=changed):
            report = audited(segments=1)
        assert "is damaged" in report.found[0].what
        rows_found["kept checkpoints", what] = YES


# The page.


def tables() -> Iterator[str]:
    yield "| events: what is changed | " + " | ".join(REACHES)
    yield "| --- " * (len(REACHES) + 1)
    for what, how in found.items():
        yield f"| {what} | " + " | ".join(f"**{one}**" if one == NO else one for one in how)
    yield ""
    yield "| rows | " + " | ".join(ROW_KINDS)
    yield "| --- " * (len(ROW_KINDS) + 1)
    for name in dict.fromkeys(name for name, _ in rows_found):
        yield f"| {name} | " + " | ".join(rows_found.get((name, what), "-") for what in ROW_KINDS)


def test_the_page_has_what_was_found() -> None:
    if len(found) != len(KINDS):
        pytest.skip("only a part of this file's tests was run")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    written, _, after = rest.partition(END)
    block = "".join(f"{line} |\n" if line else "\n" for line in tables())
    if os.environ.get("TWOFOLD_REWRITE"):
        PAGE.write_text(f"{before}{BEGIN}\n{block}\n{END}{after}")
    else:
        assert written == f"\n{block}\n", "write it: TWOFOLD_REWRITE=1 pytest " + __file__
