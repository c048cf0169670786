"""Each audit proves that ledgers have only grown since their checkpoints, and leaves the next."""

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from click.testing import CliRunner, Result

from chalicelib.events.table import EventItem
from chalicelib.local.environment import TABLES
from chalicelib.read_models.integrity.table import CheckpointChunk, IntegrityRow, find
from chalicelib.read_models.transactions.table import TransactionRow
from ops import aws
from ops.audit import audit
from ops.auditing.examining import Continuation
from ops.auditing.findings import Report
from ops.auditing.since import SinceAuditor
from ops.auditing.streams import Head
from ops.checkpoints import kept
from ops.checkpoints.checkpoint import make, read
from ops.checkpoints.vault import Vault, vault
from tests import engines
from tests.domain.books import credit, debit, opening, posting
from tests.ops.audited import Keeper, audited, damaged, delete, items, project, said
from tests.ops.forging import Forger, rebuild_rows, undone

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture(scope="module")
def books() -> Iterator[Keeper]:
    """Two accounts and two transactions, on moto."""
    with engines.moto():
        keeper = Keeper()
        keeper.do(
            opening("cash", min_balance=None, ledger="acme"),
            opening("alice", normal_balance="credit", ledger="acme"),
            posting("p1", debit("cash", 5), credit("alice", 5), ledger="acme"),
            posting("p2", debit("cash", 6), credit("alice", 6), ledger="acme"),
        )
        project()
        yield keeper


@pytest.fixture(autouse=True)
def keeper(books: Keeper) -> Iterator[Keeper]:
    """Whatever a test does to them is undone."""
    with undone():
        yield books


def more(keeper: Keeper, id: str) -> None:
    keeper.do(posting(id, debit("cash", 1), credit("alice", 1), ledger="acme"))
    project()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(audit, ["--segments", "1", "--patience", "0", *arguments])


def roll_back(stream: str, version: int) -> None:
    """The end of a stream is cut off."""
    for item in items(EventItem):
        if item["stream"]["S"] == stream and int(item["version"]["N"]) > version:
            delete(EventItem, item)


def undo(transaction: str, version: int) -> None:
    """The last transaction never was; both accounts were left at this version. No row knows it."""
    for account in ("alice", "cash"):
        roll_back(f"acme/account/{account}", version)
    roll_back(f"acme/transaction/{transaction}", 0)
    rebuild_rows()


def of_proofs(report: Report) -> list[str]:
    return [one for one in said(report) if "checkpoint" in one]


def test_an_audit_that_finds_nothing_leaves_a_checkpoint_of_all_heads(keeper: Keeper) -> None:
    first = audited().checkpoints
    more(keeper, "p3")
    report = audited()

    (made,) = report.checkpoints
    row = find("acme")
    assert row is not None
    assert row.kept() == [*first, made]
    assert (made.streams, made.events) == (5, report.events) == (5, len(items(EventItem)))
    assert made.previous == first[0].root != made.root
    assert made.at == row.audited_at


def test_the_same_books_have_the_same_root_and_no_damaged_ones_a_checkpoint() -> None:
    first, again = audited().checkpoints, audited().checkpoints
    row = items(TransactionRow)[0]
    with damaged(TransactionRow, row):
        report = audited()
        told = run().output

    assert first[0].root == again[0].root
    assert report.checkpoints == []
    assert "acme: no checkpoint, because of 1 findings" in told
    kept_now = find("acme")
    assert kept_now is not None
    assert kept_now.kept() == [*first, *again]


def test_the_newest_are_kept_whole_and_older_ones_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 2)
    monkeypatch.setattr(kept, "CHUNK", 100)
    made = [audited().checkpoints[0] for _ in range(3)]

    keys = {item["ledger"]["S"] for item in items(IntegrityRow)}
    assert {key.rpartition("#")[0] for key in keys} == {
        "",
        *(f"acme#{each.at}" for each in made[1:]),
    }
    assert len(keys) > 5  # Several parts each.
    assert audited().count == 0


def test_a_stream_that_was_cut_or_removed_is_named_with_where_it_was() -> None:
    at = audited().checkpoints[0].at
    roll_back("acme/account/alice", 2)
    roll_back("acme/transaction/p2", 0)

    assert of_proofs(audited()) == [
        f"acme/account/alice: was at version 3 at the checkpoint of {at}, and ends at 2 now",
        f"acme/transaction/p2: was at version 1 at the checkpoint of {at}, and is gone",
    ]


def test_a_ledger_of_which_all_is_gone_is_named_stream_by_stream() -> None:
    audited()
    for item in items(EventItem):
        delete(EventItem, item)

    gone = of_proofs(audited())

    assert [one.partition(":")[0] for one in gone] == [
        "acme/account/alice",
        "acme/account/cash",
        "acme/transaction/p1",
        "acme/transaction/p2",
    ]
    assert all(one.endswith("and is gone") for one in gone)


def test_a_history_that_went_on_otherwise_is_named(keeper: Keeper) -> None:
    """Rolled back with all its rows, and as long again: without the checkpoint nothing is wrong."""
    more(keeper, "p3")
    at = audited().checkpoints[0].at
    undo("p3", 3)
    keeper.do(posting("p4", debit("cash", 9), credit("alice", 9), ledger="acme"))
    project()

    found = said(audited())

    rewritten = f"is not the event that it was at the checkpoint of {at}: it, or one before it, "
    assert found == [
        f"acme/account/alice 4: {rewritten}was rewritten",
        f"acme/account/cash 4: {rewritten}was rewritten",
        f"acme/transaction/p3: was at version 1 at the checkpoint of {at}, and is gone",
    ]
    assert said(audited(anew="restored")) == []


def test_a_checkpoint_that_is_begun_anew_says_why_and_is_proved_from_then_on() -> None:
    first = audited().checkpoints[0]
    undo("p2", 2)
    assert len(said(audited())) == 4  # And fewer events than before.

    (made,) = audited(anew="restored to noon").checkpoints

    assert (made.anew, made.previous) == ("restored to noon", first.root)
    assert said(audited()) == []
    roll_back("acme/transaction/p1", 0)
    assert f"at the checkpoint of {audited_last()}" in of_proofs(audited())[0]


def audited_last() -> str:
    row = find("acme")
    assert row is not None
    return row.kept()[-1].at


def test_a_kept_checkpoint_that_was_altered_is_itself_a_finding() -> None:
    (made,) = audited().checkpoints
    (chunk,) = [item for item in items(IntegrityRow) if "#" in item["ledger"]["S"]]
    with damaged(CheckpointChunk, chunk):
        gone = said(audited())
    content = chunk["content"]["B"]
    cut = {**chunk, "content": {"B": content[: len(content) // 2]}}
    with damaged(CheckpointChunk, chunk, after=cut):
        half = said(audited())
    row = IntegrityRow.get("acme")
    row.checkpoints = row.checkpoints.replace(made.root, "0" * 64)
    row.save()

    damaged_one = f"acme: the checkpoint of {made.at} is damaged: "
    assert gone == [f"{damaged_one}it is empty"]
    assert half[0].startswith(f"{damaged_one}it cannot be read")
    assert said(audited()) == [f"acme: the checkpoint of {made.at} is not the one of its verdict"]


def test_a_file_that_somebody_keeps_is_proved_too(tmp_path: Path, keeper: Keeper) -> None:
    file = tmp_path / "checkpoint"
    wrote = run("--checkpoint", str(file))
    with file.open("rb") as content:
        ((made, heads),) = [(one, list(found)) for one, found in read(content)]
    more(keeper, "p3")
    assert run("--against", str(file)).exit_code == 0
    for row in IntegrityRow.scan():
        row.delete()
    roll_back("acme/account/cash", 2)

    ran = run("--against", str(file), "--json")

    assert wrote.exit_code == 0, wrote.output
    assert f"acme: checkpoint of {made.at}, 4 streams, root {made.root}" in wrote.output
    assert [head.stream for head in heads] == sorted(head.stream for head in heads)
    assert ran.exit_code == 1
    what = [
        each["what"] for each in json.loads(ran.output)["found"] if "checkpoint" in each["what"]
    ]
    assert what == [f"was at version 3 at the checkpoint of {made.at}, and ends at 2 now"]


def rewrite_with_checkpoint(at: str) -> None:
    """All tables tell another history, and so does the last checkpoint in the table."""
    forger = Forger()
    forger.sign("acme/account/cash", 1, actor="key-2")
    forger.agree()
    forger.store()
    rebuild_rows()
    row = IntegrityRow.get("acme")
    heads = [Head(name, len(all), all[-1].hash) for name, all in sorted(forger.streams.items())]
    with TemporaryDirectory() as folder:
        made = make(Path(folder) / "forged", "acme", heads, at=at)
        kept.keep(made, Path(folder) / "forged")
    row.checkpoints = msgspec.json.encode([made]).decode()
    row.save()


def test_a_kept_file_is_proved_beside_a_forged_checkpoint_of_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    (made,) = audited(file=file).checkpoints
    rewrite_with_checkpoint(made.at)

    assert said(audited()) == []
    found = of_proofs(audited(against=[str(file)]))
    assert len(found) == 3  # The account that was rewritten, and both its transactions.
    assert all(one.endswith("or one before it, was rewritten") for one in found)


def test_an_audit_of_what_is_new_carries_no_forged_checkpoint_into_the_bucket(
    keeper: Keeper,
) -> None:
    bucket = locked_bucket("hourly")
    audited(bucket=bucket)
    rewrite_with_checkpoint("2020-01-01T00:00:00.000000Z")
    keeper.do(opening("new", ledger="acme"))
    project()

    Continuation(SinceAuditor(patience=0.0, sleep=lambda _: None), bucket).run()

    assert of_proofs(audited(bucket=bucket))


def test_each_file_that_is_no_checkpoint_is_named_though_another_is_damaged(tmp_path: Path) -> None:
    file, text = tmp_path / "checkpoint", tmp_path / "text"
    audited(file=file)
    file.write_bytes(file.read_bytes()[:-20])
    text.write_text("text")

    ran = run("--against", str(file), "--against", str(text))

    assert (ran.exit_code, ran.output) == (1, f"Error: {text} is no checkpoint\n")


def test_a_verdict_that_was_altered_so_that_it_cannot_be_read_is_told_in_a_line() -> None:
    audited()
    row = IntegrityRow.get("acme")
    row.checkpoints = "tampered"
    row.save()

    ran = run()

    assert ran.exit_code == 1
    assert ran.output.startswith("Error: the verdict on acme in the table")


def test_one_of_those_that_are_kept_is_named_by_its_time(keeper: Keeper) -> None:
    first = audited().checkpoints[0]
    more(keeper, "p3")
    second = audited().checkpoints[0]

    assert run("--against", first.at).exit_code == 0
    other = run("--against", "2020-01-01T00:00:00Z")
    assert other.exit_code == 1
    assert other.output.startswith(
        "Error: no checkpoint of 2020-01-01T00:00:00Z is kept; "
        f"there are: {first.at}, {second.at}, "
    )


def test_a_checkpoint_of_another_environment_is_refused_and_changes_no_verdict(
    tmp_path: Path,
) -> None:
    file = tmp_path / "checkpoint"
    run("--checkpoint", str(file))
    content = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(content.replace(b'"test"', b'"other"', 1)))
    before = items(IntegrityRow)

    ran = run("--against", str(file))

    what = f"Error: {file} is of the environment other; this is test\n"
    assert (ran.exit_code, ran.output) == (1, what)
    assert items(IntegrityRow) == before


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--against", "{}/none"], "there is no checkpoint {}/none"),
        (["--against", "{}/text"], "{}/text is no checkpoint"),
        (["--checkpoint", "{}/text"], "{}/text exists already"),
        (["--checkpoint", "{}/no/file"], "there is no folder {}/no"),
        (["--anew", " "], "say why"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    arguments: Sequence[str], what: str, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("text")

    ran = run(*(each.format(tmp_path) for each in arguments))

    assert ran.exit_code != 0
    assert what.format(tmp_path) in ran.output
    assert ran.exception is None or isinstance(ran.exception, SystemExit)


def locked_bucket(name: str) -> Vault:
    """A bucket as checkpoints are kept in."""
    storage, lock = aws.client("s3"), {"ObjectLockEnabled": "Enabled"}
    retention = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
    storage.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    storage.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={**lock, "Rule": retention}
    )
    return vault(name)


def test_what_is_locked_in_a_bucket_is_proved_when_all_tables_were_rewritten() -> None:
    bucket = locked_bucket("vault")
    storage = bucket.storage
    (made,) = audited(bucket=bucket).checkpoints
    first = find("acme")
    again = run("--checkpoint-bucket", "vault")
    for model in TABLES:
        for item in items(model):
            delete(model, item)

    report = audited(bucket=vault("vault"))

    assert first is not None
    assert again.exit_code == 0, again.output
    assert "acme: its checkpoint is locked in s3://vault/test/acme/" in again.output
    assert len(said(report)) == 4
    assert all(one.endswith("and is gone") for one in said(report))
    key = f"test/acme/{made.at.replace('-', '').replace(':', '')}.jsonl.gz"
    content = storage.get_object(Bucket="vault", Key=key)["Body"].read()
    assert [one for one, _ in read(io.BytesIO(content))] == [made]
    assert len(of_proofs(audited(against=[f"s3://vault/{key}"]))) == 4
