"""Examining: an audit, its result for each ledger, and a checkpoint of each without findings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.read_models.integrity.table import IntegrityRow, find
from chalicelib.read_models.ledgers import PARTITION, JournalLedger, parts_of
from ops.auditing.auditor import Auditor
from ops.auditing.findings import Finding, Report
from ops.auditing.scratch import Scratch
from ops.auditing.since import SinceAuditor
from ops.checkpoints import kept
from ops.checkpoints.earlier import Earlier
from ops.checkpoints.kept import Leaving
from ops.checkpoints.vault import Vault


@dataclass(frozen=True)
class Examination:
    """A full audit, and a comparison with earlier checkpoints.

    `against` names checkpoints by time, address or file, besides the last one of each ledger. With
    a reason to begin `anew`, such as a restore, the last ones are ignored.
    """

    auditor: Auditor
    bucket: Vault | None = None
    against: Sequence[str] = ()
    anew: str | None = None
    file: Path | None = None

    def run(self) -> Report:
        """Audits, and stores the verdict on each ledger.

        Raises a click error for a bucket without locks or a wrong checkpoint, before it begins.
        """
        if self.bucket is not None:
            self.bucket.check()
        verdicts, report = kept.verdicts(), self.auditor.report
        with self.auditor.begun() as scratch:
            earlier = Earlier(scratch, report, verdicts)
            earlier.named(self.against)
            if self.anew is None:
                earlier.last(self.bucket)
            self.auditor.audit(scratch)
            if self.anew is None:
                report.add(_fewer(report, verdicts))
            report.found.sort()
            self._store(scratch, report, verdicts)
        return report

    def _store(
        self, scratch: Scratch, report: Report, verdicts: Mapping[str, IntegrityRow]
    ) -> None:
        leaving = Leaving(scratch, report, self.bucket, self.file, self.anew, kept.now())
        ledgers = report.ledgers.keys() | report.wrong.keys() | verdicts.keys()
        for ledger in sorted(ledgers - {""}):
            self._store_verdict(leaving, ledger)

    def _store_verdict(self, leaving: Leaving, ledger: str) -> None:
        report = leaving.report
        before = find(ledger)  # Another audit may have stored it meanwhile.
        checkpoints = kept.named_by(before) if before else []
        if ledger in report.ledgers and not report.wrong[ledger]:
            heads = self.auditor.heads(ledger)
            checkpoints = leaving.checkpoint(ledger, heads, checkpoints)
        events, streams, as_of = report.ledgers.get(ledger, (0, 0, ""))
        most = before.most_events if before and self.anew is None else 0
        row = IntegrityRow(
            ledger,
            audited_at=leaving.at,
            as_of=as_of,
            events=events,
            streams=streams,
            findings=report.wrong[ledger],
            whole=not report.wrong[ledger],
            most_events=max(events, most),
        )
        kept.store(row, checkpoints)


def _fewer(report: Report, verdicts: Mapping[str, IntegrityRow]) -> Iterator[Finding]:
    """A finding for each ledger that has fewer events than an earlier audit counted."""
    for ledger, row in sorted(verdicts.items()):
        count = report.ledgers.get(ledger, (0, 0, ""))[0]
        if count < row.most_events:
            what = f"has {count} events, and had {row.most_events} at an earlier audit"
            yield Finding(ledger, ledger, 0, what)


@dataclass(frozen=True)
class Continuation:
    """An incremental audit since the last checkpoint of each ledger.

    Findings change the verdict. Otherwise the verdict of the last full audit stays, with another
    checkpoint if there are new events.
    """

    auditor: SinceAuditor
    bucket: Vault | None = None
    file: Path | None = None

    def run(self) -> Report:
        """Audits. Raises a click error for a bucket without locks, before it begins."""
        if self.bucket is not None:
            self.bucket.check()
        report = self.auditor.report
        ledgers = {parts_of(row.place)[0] for row in JournalLedger.query(PARTITION)}
        verdicts = {ledger: row for ledger in sorted(ledgers) if (row := find(ledger))}
        with self.auditor.begun() as scratch:
            last = Earlier(scratch, report, verdicts).last(self.bucket, alone=True)
            report.notes += [
                f"{ledger}: no checkpoint to go on from, which a full audit leaves"
                for ledger in sorted(ledgers - last.keys() - report.wrong.keys())
            ]
            self.auditor.ledgers = sorted(last)
            self.auditor.audit(scratch)
            leaving = Leaving(scratch, report, self.bucket, self.file, at=kept.now())
            for ledger, checkpoint in sorted(last.items()):
                self._store(leaving, ledger, checkpoint.at, find(ledger))
        return report

    def _store(self, leaving: Leaving, ledger: str, since: str, row: IntegrityRow | None) -> None:
        report = leaving.report
        if row is None:
            report.notes.append(f"{ledger}: it has no verdict, which a full audit gives")
        elif report.wrong[ledger]:
            row.audited_at, row.whole, row.findings = leaving.at, False, report.wrong[ledger]
            row.save()
        elif not row.whole:
            report.notes.append(f"{ledger}: the last audit had findings: audit it in full")
        elif ledger in report.ledgers:
            heads = leaving.scratch.heads_since(ledger)
            made = leaving.checkpoint(ledger, heads, kept.named_by(row), since=since)
            row.most_events = max(row.most_events, made[-1].events)
            kept.store(row, made)
