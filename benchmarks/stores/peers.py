"""Peers: what the other contestants need, from their registries, installed beside the project.

Everything goes to `~/.cache/twofold/bench`; nothing of it is copied into the project.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.engine import CACHE, Missing

HOME = CACHE / "bench"

CASTORE = (
    "@castore/core@2.4.2",
    "@castore/event-storage-adapter-dynamodb@2.4.2",
    "@aws-sdk/client-dynamodb@3",
)
EVENTSOURCING = ("eventsourcing-dynamodb==0.1.0", "eventsourcing==9.3.5", "boto3==1.43.106")
HORDAK = ("django-hordak==2.0.0", "Django==5.2.19", "psycopg2-binary==2.9.13")


def castore() -> list[str]:
    """The command that runs Castore's worker. Raises Missing."""
    node, npm = _found("node"), _found("npm")
    folder = HOME / "castore"
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"name": "bench", "private": true}\n')
        _run([npm, "install", "--silent", "--no-audit", "--no-fund", *CASTORE], folder)
        (folder / "ready").touch()
    # Node looks for packages beside the file that asks for them.
    script = folder / "castore.mjs"
    shutil.copy(Path(__file__).with_name("castore.mjs"), script)
    return [node, str(script)]


def python(name: str, requirements: Sequence[str]) -> str:
    """An interpreter that has these packages. Raises Missing."""
    folder = HOME / name
    interpreter = folder / "bin" / "python"
    if not (folder / "ready").exists():
        _run([sys.executable, "-m", "venv", str(folder)], HOME)
        _run([str(interpreter), "-m", "pip", "install", "--quiet", *requirements], HOME)
        (folder / "ready").touch()
    return str(interpreter)


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs; Debian's package is installed where that is allowed.

    Raises Missing.
    """
    if (folder := _postgres_folder()) is None and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qqy", "postgresql"]):
            subprocess.run(  # noqa: S603  # Our own words.
                command, capture_output=True, check=False
            )
        folder = _postgres_folder()
    if folder is None:
        raise Missing("PostgreSQL is not installed")
    return folder


def _postgres_folder() -> Path | None:
    if shutil.which("initdb") and shutil.which("pg_ctl"):
        return Path(str(shutil.which("initdb"))).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Missing(f"{program} is not installed")
    return path


def _run(command: Sequence[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603  # Our own words.
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Missing(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-300:]}")
