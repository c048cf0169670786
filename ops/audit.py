"""Audit: is every ledger whole, and is what is read what was recorded?"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from chalicelib.domain.fields import rfc3339
from chalicelib.read_models.integrity.table import IntegrityRow
from ops.auditing.auditor import Auditor
from ops.auditing.findings import Finding, Report
from ops.verifying.scanning import progress_bars

_SHOWN = 100


@click.command()
@click.option("--segments", type=click.IntRange(1, 16), default=4, show_default=True)
@click.option(
    "--rate",
    type=click.IntRange(0),
    default=0,
    help="Items read a second at most; all that there are time for otherwise.",
)
@click.option(
    "--patience",
    type=float,
    default=15.0,
    show_default=True,
    help="Seconds that projections on their way are given to arrive.",
)
@click.option("--json", "as_json", is_flag=True, help="Answers one JSON document.")
def audit(segments: int, rate: int, patience: float, as_json: bool) -> None:
    """Verifies every event and every row of every ledger, and stores the verdict.

    Ends with 0 where all is whole, and with 1 where something is wrong.
    """
    with progress_bars(quiet=as_json or not sys.stderr.isatty()) as bars:
        report = examine(Auditor(segments, rate, patience, bars=bars))
    click.echo(_document(report) if as_json else "\n".join(_lines(report)))
    if report.count:
        raise SystemExit(1)


def examine(auditor: Auditor) -> Report:
    """Audits, and stores the verdict on each ledger."""
    before = {row.ledger: row for row in IntegrityRow.scan()}
    report = auditor.run()
    for ledger, row in sorted(before.items()):
        events = report.ledgers.get(ledger, (0, 0, ""))[0]
        if events < row.most_events:
            what = f"has {events} events, and had {row.most_events} at an earlier audit"
            report.add([Finding(ledger, ledger, 0, what)])
    now = rfc3339(datetime.now(UTC))
    for ledger in sorted(report.ledgers.keys() | report.wrong.keys() | before.keys()):
        if ledger:
            _store(ledger, report, now, before.get(ledger))
    return report


def _store(ledger: str, report: Report, now: str, before: IntegrityRow | None) -> None:
    events, streams, as_of = report.ledgers.get(ledger, (0, 0, ""))
    IntegrityRow(
        ledger,
        audited_at=now,
        as_of=as_of,
        events=events,
        streams=streams,
        findings=report.wrong[ledger],
        whole=not report.wrong[ledger],
        most_events=max(events, before.most_events if before else 0),
    ).save()


def _lines(report: Report) -> Iterator[str]:
    for finding in report.found[:_SHOWN]:
        yield f"WRONG {finding}"
    if report.count > _SHOWN:
        yield f"... and {report.count - _SHOWN} more"
    for what in report.unsettled:
        yield f"not settled: {what}"
    seconds = max(report.seconds, 0.001)
    yield (
        f"{report.events} events of {report.streams} streams in {len(report.ledgers)} ledgers, "
        f"{seconds:.1f} s, {report.events / seconds:.0f} events/s"
    )
    yield f"{report.count} findings" if report.count else "whole: nothing is wrong"


def _document(report: Report) -> str:
    ledgers = {
        ledger: {
            "events": events,
            "streams": streams,
            "as_of": as_of,
            "findings": report.wrong[ledger],
        }
        for ledger, (events, streams, as_of) in sorted(report.ledgers.items())
    }
    return json.dumps(
        {
            "whole": not report.count,
            "findings": report.count,
            "found": [
                {
                    "ledger": each.ledger,
                    "where": each.where,
                    "version": each.version,
                    "what": each.what,
                }
                for each in report.found
            ],
            "unsettled": report.unsettled,
            "events": report.events,
            "streams": report.streams,
            "seconds": round(report.seconds, 3),
            "ledgers": ledgers,
        },
        indent=2,
    )
