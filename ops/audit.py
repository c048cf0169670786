"""Audit: is every ledger whole, and do the read models show what was recorded?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from chalicelib.events.table import EventItem
from chalicelib.settings import settings
from ops.answers import Answer, answers
from ops.auditing.auditor import Auditor
from ops.auditing.examining import Continuation, Examination
from ops.auditing.findings import Report
from ops.auditing.since import SinceAuditor
from ops.bars import progress_bars
from ops.checkpoints.vault import vault
from ops.verifying.raw import name_of
from ops.verifying.scanning import MOST_SEGMENTS
from ops.workers import processes_option

_SHOWN = 100


@click.command()
@processes_option
@click.option(
    "--segments",
    type=click.IntRange(1, MOST_SEGMENTS),
    help="Parts of a scan, which processes share. Default: one for each 50,000 items.",
)
@click.option("--rate", type=click.IntRange(0), default=0, help="Items a second; 0: no limit.")
@click.option(
    "--patience",
    type=float,
    default=15.0,
    show_default=True,
    help="Seconds to wait for projections.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="CHECKPOINT",
    help="Compares with this checkpoint: a file, an s3:// address, or the time of a stored one.",
)
@click.option(
    "--checkpoint",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also writes the checkpoints of all whole ledgers to this new file.",
)
@click.option(
    "--anew",
    metavar="REASON",
    help="Begins checkpoints anew, without a proof that ledgers only grew: after a restore.",
)
@click.option(
    "--checkpoint-bucket",
    "bucket",
    envvar="TWOFOLD_CHECKPOINT_BUCKET",
    help="A bucket with object lock for further copies of checkpoints. Default: the stage's.",
)
@click.option("--since", is_flag=True, help="Audits only what is new since the last checkpoints.")
@answers
def audit(
    processes: int | None,
    segments: int | None,
    rate: int,
    patience: float,
    against: tuple[str, ...],
    file: Path | None,
    anew: str | None,
    bucket: str | None,
    since: bool,
) -> Answer:
    """Verifies every event and every row of every ledger, and stores the verdict.

    Proves that each ledger has only grown since its last checkpoint, and writes a checkpoint of
    each one without findings. The exit status is 1 if there are findings. If it is interrupted,
    the same command continues it within three days.
    """
    if anew is not None and not anew.strip():
        raise click.UsageError("say why: --anew 'restored to 2026-11-25T12:00:00Z'")
    if since and (against or anew or rate or processes or segments):
        names = "--against, --anew, --rate, --processes and --segments"
        raise click.UsageError(f"{names} are for a full audit, without --since")
    if file is not None and file.exists():
        raise click.UsageError(f"{file} exists already")
    if file is not None and not file.resolve().parent.is_dir():
        raise click.UsageError(f"there is no folder {file.parent}")
    locked = vault(bucket) if bucket else None
    with progress_bars() as bars:
        if since:
            new = SinceAuditor(patience, bars=bars)
            report = Continuation(new, locked, file).run()
        else:
            folder = settings().home / "audits" / name_of(EventItem)
            full = Auditor(segments, rate, patience, bars=bars, processes=processes, folder=folder)
            report = Examination(full, locked, against, anew, file).run()
    lines = _lines(report, since=since)
    return Answer(_document(report, since=since), lines, int(bool(report.count)))


def _lines(report: Report, *, since: bool) -> Iterator[str]:
    for finding in report.found[:_SHOWN]:
        yield f"WRONG {finding}"
    if report.count > _SHOWN:
        yield f"... and {report.count - _SHOWN} more"
    for what in report.unsettled:
        yield f"not settled: {what}"
    yield from report.notes[:_SHOWN]
    for made in report.checkpoints[:_SHOWN]:
        yield f"{made.ledger}: checkpoint of {made.at}, {made.streams} streams, root {made.root}"
    for ledger, count in sorted((+report.wrong).items())[:_SHOWN]:
        yield f"{ledger}: no checkpoint, because of {count} findings"
    seconds = max(report.seconds, 0.001)
    yield (
        f"{report.events} {'new ' * since}events of {report.streams} streams "
        f"in {len(report.ledgers)} ledgers, "
        f"{seconds:.1f} s, {report.events / seconds:.0f} events/s"
    )
    whole = "nothing is wrong in what is new" if since else "whole: nothing is wrong"
    yield f"{report.count} findings" if report.count else whole


def _document(report: Report, *, since: bool) -> dict[str, Any]:
    counts = ("events", "streams", "as_of")
    ledgers = {
        ledger: {**dict(zip(counts, values, strict=True)), "findings": report.wrong[ledger]}
        for ledger, values in sorted(report.ledgers.items())
    }
    return {
        "since": since,
        "whole": not report.count,
        "findings": report.count,
        "found": msgspec.to_builtins(report.found),
        "unsettled": report.unsettled,
        "notes": report.notes,
        "checkpoints": msgspec.to_builtins(report.checkpoints),
        "events": report.events,
        "streams": report.streams,
        "seconds": round(report.seconds, 3),
        "ledgers": ledgers,
    }
