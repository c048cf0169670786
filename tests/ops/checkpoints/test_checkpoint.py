"""A checkpoint is written, read back, and cannot be altered unseen."""

import gzip
import io
from pathlib import Path

from chalicelib.read_models.integrity.table import Checkpoint
from ops.auditing.streams import Head
from ops.checkpoints.checkpoint import DamagedCheckpoint, make, read
from ops.checkpoints.merkle import MerkleTree

HEADS = [
    Head(f"acme/account/a{number:03}", number + 1, bytes([number]) * 32) for number in range(9)
]


def made(path: Path, ledger: str = "acme") -> Checkpoint:
    return make(path, ledger, HEADS, at="2026-11-26T01:00:00.000000Z", previous="ab", anew="why")


def all_of(content: bytes) -> list[tuple[Checkpoint, list[Head]]]:
    return [(found, list(heads)) for found, heads in read(io.BytesIO(content))]


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "one"
    checkpoint = made(file)

    assert all_of(file.read_bytes()) == [(checkpoint, HEADS)]
    assert (checkpoint.streams, checkpoint.events) == (9, sum(range(10)))
    assert list(tmp_path.iterdir()) == [file]


def test_its_leaves_are_the_lines_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "one"
    root = made(file).root

    tree = MerkleTree()
    _, *lines = gzip.decompress(file.read_bytes()).splitlines()
    for line in lines:
        tree.add(line)
    assert lines[0] == b'["acme/account/a000",1,"' + b"00" * 32 + b'"]'
    assert tree.root() == root


def test_several_follow_each_other_in_one_file(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    checkpoints = [made(first), made(second, "other")]

    content = first.read_bytes() + second.read_bytes()
    assert [found for found, _ in all_of(content)] == checkpoints


def test_whatever_is_altered_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "one"
    made(file)
    header, *lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    altered = {
        "a head": [header, lines[0].replace(b"1,", b"2,"), *lines[1:]],
        "a head less": [header, *lines[:-1]],
        "a head more": [header, *lines, lines[-1]],
        "two swapped": [header, lines[1], lines[0], *lines[2:]],
        "the root": [header.replace(b'"root":"', b'"root":"0'), *lines],
        "no header": lines,
        "a head that is none": [header, b"[1]\n", *lines],
        "a version that is too large": [header, b'["acme/account/a",%d,"00"]\n' % 2**70, *lines],
        "a header that is no text": [b'{"ledger":"\xff"}\n', *lines],
        "a header that is too deep": [b'{"zz":' + b"[" * 9**5 + b"]" * 9**5 + b"}\n", *lines],
        "nothing": [],
    }

    contents = {what: gzip.compress(b"".join(said)) for what, said in altered.items()}
    contents |= {"cut": file.read_bytes()[:-20], "no gzip": b"text", "no byte": b""}
    for what, content in contents.items():
        assert is_damaged(content), what


def is_damaged(content: bytes) -> bool:
    try:
        all_of(content)
    except DamagedCheckpoint:
        return True
    return False
