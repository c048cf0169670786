"""Checkpoints in the table `integrity`, in parts, and written to a bucket and a file."""

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
"""The most checkpoints of a ledger in the table."""

CHUNK = 350_000
"""Bytes of a part. DynamoDB's limit of an item is 400 KB."""


def verdicts() -> dict[str, IntegrityRow]:
    """The verdicts on all audited ledgers, by ledger."""
    there = IntegrityRow.audited_at.exists()
    return {row.ledger: row for row in IntegrityRow.scan(there, consistent_read=True)}


def named_by(verdict: IntegrityRow) -> list[Checkpoint]:
    """The checkpoints of a verdict, oldest first. Raises a click error if it was altered."""
    try:
        return verdict.kept()
    except msgspec.DecodeError as error:
        raise click.ClickException(
            f"the verdict on {verdict.ledger} in the table {IntegrityRow.Meta.table_name} was "
            f"altered, and names no checkpoints: {error}. Delete this item, and audit --against a "
            "checkpoint that is kept elsewhere"
        ) from None


def keep(checkpoint: Checkpoint, file: Path) -> None:
    """Stores a checkpoint's parts, before the verdict that names it."""
    with file.open("rb") as content:
        for number, part in enumerate(iter(lambda: content.read(CHUNK), b"")):
            CheckpointChunk(chunk_key(checkpoint, number), content=part).save()


def fetch(checkpoint: Checkpoint, file: Path) -> None:
    """Writes the existing parts of a checkpoint to a file."""
    with file.open("wb") as content:
        for chunk in _chunks(checkpoint):
            content.write(chunk.content or b"")


def _chunks(checkpoint: Checkpoint) -> Iterator[CheckpointChunk]:
    for number in count():
        try:
            yield CheckpointChunk.get(chunk_key(checkpoint, number), consistent_read=True)
        except (DoesNotExist, AttributeDeserializationError):
            return  # The root shows that a part was altered.


@dataclass(frozen=True)
class Leaving:
    """Writes the checkpoints of one audit at the time `at`; `anew` is the reason to begin anew."""

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
        """Writes the checkpoint of these heads; all checkpoints of the ledger."""
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
        for chunk in _chunks(old):
            chunk.delete()


def now() -> str:
    """The time of a verdict and its checkpoint."""
    return rfc3339(datetime.now(UTC))
