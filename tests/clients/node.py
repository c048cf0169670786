"""Node: the TypeScript client, installed and built outside of the project's tree."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engines import ROOT

SOURCE = ROOT / "clients" / "typescript"
CACHE = Path.home() / ".cache" / "twofold" / "typescript"
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist")


def needs_node() -> None:
    """Skips a test where there is no Node, and fails it in CI."""
    if not (shutil.which("node") and shutil.which("npm")):
        reason = "the TypeScript client needs node and npm"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def run(*command: str, folder: Path) -> str:
    """What a program prints. Fails the test, with all of it, if the program does."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def built_client() -> Path:
    """The client, built: a copy of its folder that nothing else changes.

    The packages of its lock, and what is built of its sources, are kept from run to run.
    """
    needs_node()
    files = [path for path in sorted(SOURCE.rglob("*")) if path.is_file()]
    kept = [path for path in files if not {"node_modules", "dist"} & {*path.parts}]

    def build(folder: Path) -> None:
        shutil.copytree(SOURCE, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
        (folder / "node_modules").symlink_to(_packages() / "node_modules")
        run("npm", "run", "build", folder=folder)

    return _made("client", kept, build)


def _packages() -> Path:
    """A folder with the `node_modules` of the lock."""

    def install(folder: Path) -> None:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(SOURCE / name, folder)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)

    return _made("packages", [SOURCE / "package-lock.json"], install)


def _made(name: str, files: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """A folder that is made of some files, once; all of it appears at the same time."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(SOURCE)}\n".encode() + file.read_bytes())
    folder = CACHE / f"{name}-{digest.hexdigest()[:16]}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
            made = Path(fresh) / "made"
            made.mkdir()
            make(made)
            # Another worker may have been faster.
            with suppress(OSError):
                made.rename(folder)
    return folder
