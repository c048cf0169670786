"""Judges of the document that others wrote: programs of npm, at the versions of `node/`."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).with_name("node")
CACHE = Path.home() / ".cache" / "twofold" / "openapi-judges"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def installed() -> Path:
    """A folder with the packages of the lock, kept from run to run.

    Skips a test where there is no Node, and fails it in CI.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        reason = "what judges openapi.json needs node and npm"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LOCKED)).hexdigest()
    folder = CACHE / digest[:16]
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
            made = Path(fresh) / "made"
            made.mkdir()
            for name in LOCKED:
                shutil.copy(HERE / name, made)
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=made)
            # All of it appears at once; another worker may have been faster.
            with suppress(OSError):
                made.rename(folder)
    return folder


def workplace(folder: Path) -> Path:
    """A folder to work in, which has the packages and the files of `node/`."""
    for file in HERE.iterdir():
        shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(installed() / "node_modules")
    return folder


def run(*command: str, folder: Path, may_fail: bool = False) -> str:
    """What a program prints. Fails the test, with all of it, if the program does."""
    environment = {**os.environ, **QUIET}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if not may_fail:
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def judged(folder: Path, tool: str, *arguments: str) -> Iterator[Any]:
    """What a linter finds, as the JSON that it prints, value by value; it may refuse a document."""
    left = run(f"node_modules/.bin/{tool}", *arguments, folder=folder, may_fail=True).strip()
    decoder = json.JSONDecoder()
    while left:
        value, end = decoder.raw_decode(left)
        yield value
        left = left[end:].strip()
