"""Engine: ministack as a child process that outlives reloads and ends with its servers.

The engine keeps the books in memory and saves them when it stops, which it does, within a second,
when the last server that uses it is gone, however that one ended. The next start reads them again,
and says so where the engine itself was killed, and what was not saved is lost.
All of it lives in one folder per project, outside the project, since Chalice reloads the server
when a file inside changes.
"""

import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from chalicelib.domain.fields import rfc3339
from chalicelib.settings import settings

START_SECONDS = 30.0
_PROJECT = Path(__file__).resolve().parents[2]


class EngineError(Exception):
    """The engine could not be started."""


@dataclass(frozen=True)
class Engine:
    """A running engine, and where the readers of its stream keep how far they have come."""

    endpoint: str
    id: str
    checkpoints: Path


def home() -> Path:
    """The folder of this project's engine: its books, log, lock and owners."""
    name = hashlib.sha256(str(_PROJECT).encode()).hexdigest()[:12]
    return settings().home / f"{_PROJECT.name}-{name}"


def ensure(owner: psutil.Process) -> Engine:
    """The engine of this project, started if none is running.

    It lives as long as its owners, the servers that use it. Raises EngineError with a message for
    the person at the terminal where it cannot start.
    """
    folder = home()
    (folder / "owners").mkdir(parents=True, exist_ok=True)
    with locked(folder):
        (folder / "owners" / f"{owner.pid}-{owner.create_time()}").touch()
        running = _of_file(folder)
        if running is None or not _answers(running["endpoint"]):
            running = _start(folder)
    return Engine(running["endpoint"], running["id"], folder / "checkpoints.json")


def running() -> Engine:
    """The engine of this project, as it runs. Raises EngineError if it does not."""
    found = _of_file(home())
    if found is None:
        raise EngineError("no server of this project is running: make run")
    return Engine(found["endpoint"], found["id"], home() / "checkpoints.json")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the engine's lock. An engine that stops holds it until its books are saved."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def has_owner(folder: Path) -> bool:
    """Whether a server that uses the engine is alive."""
    try:
        return any(_alive(*owner.name.split("-")) for owner in (folder / "owners").iterdir())
    except FileNotFoundError:
        return False


def forget(folder: Path) -> None:
    """Removes this process from its folder as the engine that runs there."""
    running = _of_file(folder)
    if running is not None and running["pid"] == os.getpid():
        (folder / "engine.json").unlink()


def _of_file(folder: Path) -> Any:
    """What the folder says of its engine, running or not; None if it says nothing."""
    try:
        return json.loads((folder / "engine.json").read_text())
    except (FileNotFoundError, ValueError):  # It may be cut off, by a full disk.
        return None


def _start(folder: Path) -> dict[str, Any]:
    if (folder / "engine.json").exists():
        _say_what_was_lost(folder)
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    log = folder / "engine.log"
    # What the engine has to say of the books, it says where the server was started.
    console = (
        os.dup(sys.__stderr__.fileno()) if sys.__stderr__ else os.open(os.devnull, os.O_WRONLY)
    )
    with log.open("w") as output, os.fdopen(console, "wb"):
        child = subprocess.Popen(
            [
                *(sys.executable, "-m", "chalicelib.local.engine_process"),
                *(str(folder), str(port), str(console)),
            ],
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(console,),
            start_new_session=True,  # Ctrl-C is for the server; the engine follows it.
        )
    deadline = time.monotonic() + START_SECONDS
    while not _answers(endpoint):
        if child.poll() is not None or time.monotonic() > deadline:
            child.kill()
            raise EngineError(_last_words(log))
        time.sleep(0.05)
    running = {"endpoint": endpoint, "id": str(uuid4()), "pid": child.pid}
    (folder / "engine.json").write_text(json.dumps(running))
    return running


def _say_what_was_lost(folder: Path) -> None:
    try:
        saved = (folder / "books" / "dynamodb.json").stat().st_mtime
        what = f"what was written after {rfc3339(datetime.fromtimestamp(saved, UTC))}"
    except FileNotFoundError:
        what = "all that was written"
    print(
        f"twofold: the embedded engine ended before it saved the books: {what} is lost.",
        file=sys.stderr,
        flush=True,
    )


def _last_words(log: Path) -> str:
    last = "\n  ".join(log.read_text().splitlines()[-5:])
    return (
        f"the embedded engine (ministack) did not start. Its last words, from {log}:\n  {last}\n"
        "Install it with `pip install -r requirements-dev.txt`, or set AWS_ENDPOINT_URL_DYNAMODB "
        "to another engine."
    )


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _alive(pid: str, created: str) -> bool:
    """Whether this very process runs, and not another one that was given its number."""
    try:
        process = psutil.Process(int(pid))
        same = str(process.create_time()) == created
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
