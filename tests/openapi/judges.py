"""Judges of the document that others wrote: programs of npm, at the versions of `node/`."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import npm
from tests.npm import run

HERE = Path(__file__).with_name("node")


def workplace(folder: Path) -> Path:
    """A folder to work in, which has the packages and the files of `node/`."""
    for file in HERE.iterdir():
        shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(npm.installed(HERE) / "node_modules")
    return folder


def judged(folder: Path, tool: str, *arguments: str) -> Iterator[Any]:
    """What a linter finds, as the JSON that it prints, value by value; it may refuse a document."""
    left = run(f"node_modules/.bin/{tool}", *arguments, folder=folder, may_fail=True).strip()
    decoder = json.JSONDecoder()
    while left:
        value, end = decoder.raw_decode(left)
        yield value
        left = left[end:].strip()
