"""Checkpoints as compressed files: a line of JSON for the checkpoint, then one for each head.

The heads are in the order of the streams' names as bytes. Each line is a leaf of the Merkle tree. A
file may have several checkpoints.
"""

import gzip
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

import msgspec

from chalicelib.read_models.integrity.table import Checkpoint
from chalicelib.settings import settings
from ops.auditing.streams import Head
from ops.checkpoints.merkle import MerkleTree

_Version = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Line = tuple[str, _Version, str]

Decoded = TypeVar("Decoded")


class DamagedCheckpoint(Exception):
    """A checkpoint cannot be read, or its heads do not give its root."""


def make(path: Path, ledger: str, heads: Iterable[Head], **about: Any) -> Checkpoint:
    """Writes the checkpoint of these sorted heads. `about` are its other fields, such as `at`."""
    tree, streams, events = MerkleTree(), 0, 0
    spool = path.with_suffix(".heads")
    with gzip.open(spool, "wb") as lines:
        for head in heads:
            line = msgspec.json.encode([head.stream, head.version, head.hash.hex()])
            tree.add(line)
            lines.write(line + b"\n")
            streams, events = streams + 1, events + head.version
    made = Checkpoint(
        environment=settings().environment,
        ledger=ledger,
        root=tree.root(),
        streams=streams,
        events=events,
        **about,
    )
    with path.open("wb") as file, spool.open("rb") as rest:
        file.write(gzip.compress(msgspec.json.encode(made) + b"\n"))
        shutil.copyfileobj(rest, file)
    spool.unlink()
    return made


def read(file: BinaryIO) -> Iterator[tuple[Checkpoint, Iterator[Head]]]:
    """The checkpoints in a file, each with its heads, which must be read before the next one.

    Raises DamagedCheckpoint, also at the end of heads that do not give the root.
    """
    lines = _lines(file)
    line = next(lines, None)
    if line is None:
        raise DamagedCheckpoint("it is empty")

    def heads(of: Checkpoint) -> Iterator[Head]:
        nonlocal line
        tree, streams = MerkleTree(), 0
        line = next(lines, None)
        while line is not None and line.startswith(b"["):
            tree.add(line)
            streams += 1
            yield _decoded(line, _head)
            line = next(lines, None)
        if (tree.root(), streams) != (of.root, of.streams):
            raise DamagedCheckpoint("its heads do not give its root")

    while line is not None:
        found = _decoded(line, lambda text: msgspec.json.decode(text, type=Checkpoint))
        rest = heads(found)
        yield found, rest
        for _ in rest:
            pass


def _head(line: bytes) -> Head:
    stream, version, hash = msgspec.json.decode(line, type=_Line)
    return Head(stream, version, bytes.fromhex(hash))


def _decoded(line: bytes, decode: Callable[[bytes], Decoded]) -> Decoded:
    try:
        return decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DamagedCheckpoint(f"it cannot be read: {error}") from error


def _lines(file: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.open(file, "rb") as text:
            for line in text:
                yield line.removesuffix(b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedCheckpoint(f"it cannot be read: {error}") from error
