"""Checkpoints written: to the table of the verdicts, in parts, to a bucket, and to a file."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import click
import msgspec
from pynamodb.exceptions import AttributeDeserializationError, DoesNotExist

from chalicelib.domain.fields import rfc3339
from chalicelib.read_models.integrity.table import (
    Checkpoint,
    CheckpointChunk,
    IntegrityRow,
    chunk_key,
)
from chalicelib.settings import settings
from ops.auditing.findings import Report
from ops.auditing.scratch import Scratch
from ops.auditing.streams import Head
from ops.checkpoints.checkpoint import make
from ops.checkpoints.vault import Vault

MOST = 7
"""The number of checkpoints of a ledger that stay in the table."""

CHUNK = 350_000
"""Bytes of a part. An item of DynamoDB has at most 400 KB."""


def verdicts() -> dict[str, IntegrityRow]:
    """The verdicts on all ledgers that were ever audited, by the ledger."""
    there = IntegrityRow.audited_at.exists()
    return {row.ledger: row for row in IntegrityRow.scan(there, consistent_read=True)}


def named_by(verdict: IntegrityRow) -> list[Checkpoint]:
    """The checkpoints that a verdict names, the oldest first.

    Raises a click error if they cannot be read, since the verdict was altered.
    """
    try:
        return verdict.kept()
    except msgspec.DecodeError as error:
        raise click.ClickException(
            f"the verdict on {verdict.ledger} in the table {IntegrityRow.Meta.table_name} was "
            f"altered, and names no checkpoints: {error}. Delete this item, and audit --against a "
            "checkpoint that is kept elsewhere"
        ) from None


def keep(checkpoint: Checkpoint, file: Path) -> None:
    """Stores a checkpoint's parts. The verdict on its ledger must name it afterwards."""
    with file.open("rb") as content:
        for number, part in enumerate(iter(lambda: content.read(CHUNK), b"")):
            CheckpointChunk(chunk_key(checkpoint, number), content=part).save()


def fetch(checkpoint: Checkpoint, file: Path) -> None:
    """Writes the existing parts of a checkpoint to a file."""
    with file.open("wb") as content:
        for chunk in _chunks(checkpoint):
            content.write(chunk.content or b"")


def drop(checkpoint: Checkpoint) -> None:
    """Deletes a checkpoint's parts, after no verdict names it any more."""
    for chunk in _chunks(checkpoint):
        chunk.delete()


def _chunks(checkpoint: Checkpoint) -> Iterator[CheckpointChunk]:
    for number in count():
        try:
            yield CheckpointChunk.get(chunk_key(checkpoint, number), consistent_read=True)
        except (DoesNotExist, AttributeDeserializationError):
            return  # After an altered part, the heads do not give the root.


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
        keep(made, path)
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
    row.checkpoints = msgspec.json.encode(checkpoints[-MOST:]).decode()
    row.save()
    for old in checkpoints[:-MOST]:
        drop(old)


def now() -> str:
    """The time of a verdict and its checkpoint."""
    return rfc3339(datetime.now(UTC))
