"""Programs of npm: installed from a lock file, outside of the project's tree, once."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from tests.programs import needed

CACHE = Path.home() / ".cache" / "twofold" / "npm"
KEPT, HOUR = 6, 3600
LOCKED = ("package.json", "package-lock.json", ".npmrc")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def installed(source: Path) -> Path:
    """A folder with the `node_modules` of a folder's lock, kept from run to run.

    Skips a test where there is no Node, and fails it in CI.
    """
    needed("node", "npm")

    def install(folder: Path) -> None:
        for name in LOCKED:
            shutil.copy(source / name, folder)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)

    return made_once([source / "package-lock.json"], install)


def made_once(files: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """A folder that `make` fills out of some files, kept until one of them changes. Of those for
    other files, the ones used last are kept.
    """
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    folder = CACHE / digest.hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Another worker may be making it.
        is_new = not folder.exists()
        if is_new:
            with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
                made = Path(fresh) / "made"
                made.mkdir()
                make(made)
                made.rename(folder)  # All of it appears at once.
    if is_new:
        _forget_old()
    return folder


def _forget_old() -> None:
    """Deletes the folders that were not used for an hour, but for some. Opening a folder's lock for
    writing, as above, sets the time of its last use.
    """

    def last_use(lock: Path) -> float:
        return lock.stat().st_mtime

    for lock in sorted(CACHE.glob("*.lock"), key=last_use, reverse=True)[KEPT:]:
        with lock.open() as held, suppress(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - last_use(lock) > HOUR:
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)


def run(*command: str, folder: Path, may_fail: bool = False) -> str:
    """What a program prints. Fails the test, with all of it, if the program does."""
    environment = {**os.environ, **QUIET}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if not may_fail:
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
