"""What tests make of npm's packages: kept from run to run, and the oldest forgotten."""

import os
from pathlib import Path

import pytest

from tests import npm


def test_of_what_was_made_the_ones_used_last_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npm, "CACHE", tmp_path / "cache")
    source = tmp_path / "source"

    def made(content: str) -> Path:
        source.write_text(content)
        return npm.made_once([source], lambda folder: (folder / "kept").touch())

    folders = [made(str(number)) for number in range(npm.KEPT + 2)]
    assert all((folder / "kept").exists() for folder in folders), "other runs may use them still"
    for age, folder in enumerate(folders):
        os.utime(folder.with_suffix(".lock"), (age, age))
    assert made("0") == folders[0], "the oldest is used again"

    newest = made("another")

    assert [folder for folder in folders if folder.exists()] == [
        folders[0],
        *folders[2 - npm.KEPT :],
    ]
    assert newest.exists()
