"""What is packaged is kept by its inputs, and made again if any input differs."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops import package_cache
from ops.package_cache import PackageCache, contents

INPUTS = ["app.py", "python3.11"]


@pytest.fixture
def kept(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path / "cache")


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "cache").iterdir())


def never() -> bytes:
    raise AssertionError("it was made again")


def makes(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def test_the_same_inputs_give_what_was_made_first(kept: PackageCache, tmp_path: Path) -> None:
    assert kept.get(INPUTS, makes(b"zip")) == b"zip"
    assert kept.get(INPUTS, never) == b"zip"
    assert PackageCache(tmp_path / "cache").get(INPUTS, never) == b"zip"
    assert kept.get(["app.py", "python3.13"], makes(b"other")) == b"other"


def test_other_packages_or_another_python_make_it_again(
    kept: PackageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.get(INPUTS, makes(b"old"))
    assert any(tool.lower().startswith("chalice==") for tool in package_cache._tools())
    tools = [*package_cache._tools(), "chalice==99"]
    monkeypatch.setattr(package_cache, "_tools", lambda: tools)
    assert kept.get(INPUTS, makes(b"new")) == b"new"


def test_a_damaged_entry_is_made_again(kept: PackageCache, tmp_path: Path) -> None:
    for damaged in (b"", b"short", bytes(32) + b"zip"):
        kept.get(INPUTS, makes(b"zip"))
        (entry,) = entries(tmp_path)
        entry.write_bytes(damaged)
        assert kept.get(INPUTS, makes(b"made again")) == b"made again"
        entry.unlink()


def test_what_cannot_be_made_leaves_nothing_behind(kept: PackageCache, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="made again"):
        kept.get(INPUTS, never)
    assert not (tmp_path / "cache").exists()


def test_entries_that_nobody_used_for_a_week_are_deleted(
    kept: PackageCache, tmp_path: Path
) -> None:
    kept.get(["unused"], makes(b"1"))
    kept.get(["used"], makes(b"2"))
    week_ago = time.time() - 8 * 24 * 3600
    for entry in entries(tmp_path):
        os.utime(entry, (week_ago, week_ago))
    kept.get(["used"], never)

    kept.get(["new"], makes(b"3"))

    assert len(entries(tmp_path)) == 2
    assert kept.get(["used"], never) == b"2"
    assert kept.get(["unused"], makes(b"made again")) == b"made again"


def test_the_contents_of_a_folder_are_its_files_by_path_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a" / "__pycache__").mkdir(parents=True)
    (tmp_path / "a" / "one.py").write_text("1")
    before = contents(tmp_path)
    (tmp_path / "a" / "__pycache__" / "one.cpython-311.pyc").write_text("of another run")
    os.utime(tmp_path / "a" / "one.py", (0, 0))
    assert contents(tmp_path) == before

    (tmp_path / "a" / "one.py").write_text("2")
    changed = contents(tmp_path)
    (tmp_path / "a" / "one.py").rename(tmp_path / "one.py")
    assert len({str(each) for each in (before, changed, contents(tmp_path))}) == 3
