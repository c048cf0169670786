"""Writing checkpoints: to the table of the verdicts, to a bucket, and to a file."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from chalicelib.domain.fields import rfc3339
from chalicelib.read_models.integrity.table import Checkpoint, IntegrityRow
from chalicelib.settings import settings
from ops.auditing.findings import Report
from ops.auditing.scratch import Scratch
from ops.auditing.streams import Head
from ops.checkpoints import kept
from ops.checkpoints.checkpoint import make
from ops.checkpoints.vault import Vault


@dataclass(frozen=True)
class Leaving:
    """Writes the checkpoints of one audit, which have the same time.

    With a reason they are begun `anew`.
    """

    scratch: Scratch
    report: Report
    bucket: Vault | None = None
    file: Path | None = None
    anew: str | None = None
    at: str = ""

    def checkpoint(
        self,
        ledger: str,
        heads: Iterable[Head],
        earlier: list[Checkpoint],
        *,
        since: str | None = None,
    ) -> list[Checkpoint]:
        """Writes the checkpoint of these heads, which may continue `since` another; all of them."""
        path = self.scratch.folder / "checkpoint"
        made = make(
            path,
            ledger,
            heads,
            at=self.at,
            previous=earlier[-1].root if earlier else None,
            anew=self.anew,
            since=since,
        )
        kept.keep(made, path)
        if self.bucket is not None:
            address = self.bucket.put(made, settings().environment, path)
            self.report.notes.append(f"{ledger}: its checkpoint is locked in {address}")
        if self.file is not None:
            with self.file.open("ab") as all_of_them, path.open("rb") as one:
                shutil.copyfileobj(one, all_of_them)
        self.report.checkpoints.append(made)
        return [*earlier, made]


def store(row: IntegrityRow, checkpoints: list[Checkpoint]) -> None:
    """Stores a verdict with its newest checkpoints, and deletes the oldest ones."""
    row.checkpoints = msgspec.json.encode(checkpoints[-kept.MOST :]).decode()
    row.save()
    for old in checkpoints[: -kept.MOST]:
        kept.drop(old)


def now() -> str:
    """The time of a verdict and its checkpoint."""
    return rfc3339(datetime.now(UTC))
