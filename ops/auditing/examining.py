"""Examining: an audit, the verdict on each ledger, and a checkpoint of each that is whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from chalicelib.domain.fields import rfc3339
from chalicelib.read_models.integrity.table import Checkpoint, IntegrityRow
from chalicelib.settings import settings
from ops.auditing.auditor import Auditor
from ops.auditing.findings import Finding, Report
from ops.auditing.scratch import Scratch, scratch_file
from ops.checkpoints import kept
from ops.checkpoints.checkpoint import make
from ops.checkpoints.earlier import Earlier
from ops.checkpoints.vault import Vault


@dataclass(frozen=True)
class Examination:
    """What is to be audited against, and where checkpoints are left besides the table.

    `against` names checkpoints by time, address or file; the last of each ledger is always one of
    them. With a reason to begin `anew` nothing earlier counts, such as after a wanted restore.
    """

    auditor: Auditor
    bucket: Vault | None = None
    against: Sequence[str] = ()
    anew: str | None = None
    file: Path | None = None

    def run(self) -> Report:
        """Audits, and stores the verdict on each ledger. Raises a click error before it begins for
        a bucket without locks, and for a checkpoint that is none.
        """
        if self.bucket is not None:
            self.bucket.check()
        verdicts, report = kept.verdicts(), self.auditor.report
        with scratch_file() as scratch:
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
        at = rfc3339(datetime.now(UTC))
        for ledger in sorted(report.ledgers.keys() | report.wrong.keys() | verdicts.keys()):
            if not ledger:
                continue
            before = verdicts.get(ledger)
            checkpoints = before.kept() if before else []
            if ledger in report.ledgers and not report.wrong[ledger]:
                checkpoints.append(self._checkpoint(scratch, report, ledger, at, checkpoints))
            self._verdict(ledger, report, at, before, checkpoints[-kept.MOST :])
            for old in checkpoints[: -kept.MOST]:
                kept.drop(old)

    def _checkpoint(
        self,
        scratch: Scratch,
        report: Report,
        ledger: str,
        at: str,
        before: Sequence[Checkpoint],
    ) -> Checkpoint:
        file = scratch.folder / "checkpoint"
        previous = before[-1].root if before else None
        made = make(file, ledger, scratch.heads(ledger), at=at, previous=previous, anew=self.anew)
        kept.keep(made, file)
        if self.bucket is not None:
            address = self.bucket.put(made, settings().environment, file)
            report.notes.append(f"{ledger}: its checkpoint is locked in {address}")
        if self.file is not None:
            with self.file.open("ab") as all_of_them:
                all_of_them.write(file.read_bytes())
        report.checkpoints.append(made)
        return made

    def _verdict(
        self,
        ledger: str,
        report: Report,
        at: str,
        before: IntegrityRow | None,
        checkpoints: Sequence[Checkpoint],
    ) -> None:
        events, streams, as_of = report.ledgers.get(ledger, (0, 0, ""))
        most = before.most_events if before and self.anew is None else 0
        IntegrityRow(
            ledger,
            audited_at=at,
            as_of=as_of,
            events=events,
            streams=streams,
            findings=report.wrong[ledger],
            whole=not report.wrong[ledger],
            most_events=max(events, most),
            checkpoints=msgspec.json.encode(checkpoints).decode(),
        ).save()


def _fewer(report: Report, verdicts: Mapping[str, IntegrityRow]) -> list[Finding]:
    """The ledgers that have fewer events than an earlier audit counted."""
    counts = {ledger: report.ledgers.get(ledger, (0, 0, ""))[0] for ledger in verdicts}
    return [
        Finding(
            ledger,
            ledger,
            0,
            f"has {counts[ledger]} events, and had {row.most_events} at an earlier audit",
        )
        for ledger, row in sorted(verdicts.items())
        if counts[ledger] < row.most_events
    ]
