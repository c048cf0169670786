"""Checkpoints kept in the table of the verdicts, in parts that fit into its items."""

from collections.abc import Iterator
from pathlib import Path

from pynamodb.exceptions import DoesNotExist

from chalicelib.read_models.integrity.table import (
    Checkpoint,
    CheckpointChunk,
    IntegrityRow,
    chunk_key,
)

MOST = 7
"""The checkpoints of a ledger that are kept in the table."""

CHUNK = 350_000
"""Bytes of a part. An item of DynamoDB has up to 400 KB."""


def verdicts() -> dict[str, IntegrityRow]:
    """The verdicts on all ledgers that were ever audited, by the ledger."""
    there = IntegrityRow.audited_at.exists()
    return {row.ledger: row for row in IntegrityRow.scan(there, consistent_read=True)}


def keep(checkpoint: Checkpoint, file: Path) -> None:
    """Stores a checkpoint's parts. It is kept once the verdict on its ledger names it."""
    with file.open("rb") as content:
        number = 0
        while part := content.read(CHUNK):
            CheckpointChunk(chunk_key(checkpoint, number), content=part).save()
            number += 1


def fetch(checkpoint: Checkpoint, file: Path) -> None:
    """Writes a kept checkpoint to a file: what is there of it."""
    with file.open("wb") as content:
        for chunk in _chunks(checkpoint):
            content.write(chunk.content)


def drop(checkpoint: Checkpoint) -> None:
    """Deletes a checkpoint's parts, which no verdict names any more."""
    for chunk in _chunks(checkpoint):
        chunk.delete()


def _chunks(checkpoint: Checkpoint) -> Iterator[CheckpointChunk]:
    number = 0
    while True:
        try:
            yield CheckpointChunk.get(chunk_key(checkpoint, number), consistent_read=True)
        except DoesNotExist:
            return
        number += 1
