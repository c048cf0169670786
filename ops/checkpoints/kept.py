"""Checkpoints in the table of the verdicts, in parts that fit into its items."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import click
import msgspec
from pynamodb.exceptions import AttributeDeserializationError, DoesNotExist

from chalicelib.read_models.integrity.table import (
    Checkpoint,
    CheckpointChunk,
    IntegrityRow,
    chunk_key,
)

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
