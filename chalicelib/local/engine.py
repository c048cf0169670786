"""The embedded engine of this project: ministack, started as a child process of the first server.

It outlives reloads of the server, and holds the data in memory. Within a second after the last
server that uses it has ended, it saves the data and stops. The next start loads them, and reports
data that were lost if the engine process was killed.
Its files are in one folder per project, outside of the project, because Chalice reloads the server
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
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psutil

from chalicelib.domain.fields import rfc3339
from chalicelib.local import terminal
from chalicelib.settings import read_again, settings

START_SECONDS = 30.0
RELEASE_SECONDS = 8.0
"""Docker kills what has not ended 10 seconds after it was told to."""

PROJECT = Path(__file__).resolve().parents[2]
"""The folder whose files Chalice's reloader watches."""


class EngineError(Exception):
    """The engine could not be started, or is not running. The text is for the user."""


@dataclass(frozen=True)
class Engine:
    """A running engine process with a unique `id`."""

    endpoint: str
    id: str
    pid: int


def home() -> Path:
    """The folder of this project's engine: its data, log, lock and owners."""
    name = hashlib.sha256(str(PROJECT).encode()).hexdigest()[:12]
    return settings().home / f"{PROJECT.name}-{name}"


def checkpoints() -> Path:
    """The file with the checkpoints of this project's projectors."""
    return home() / "checkpoints.json"


def ensure(owner: psutil.Process) -> Engine:
    """The engine of this project, started if it is not running. Raises EngineError.

    It runs as long as any of its owners, the servers that use it.
    """
    folder = home()
    record = _record(owner)
    record.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        again = record.exists()
        record.touch()
        engine = _recorded(folder)
        if engine is None or not _responds(engine.endpoint):
            return _start(folder)
        if not again:
            terminal.say("engine", "already running, for another server of this folder")
        return engine


def is_owner(process: psutil.Process) -> bool:
    """Whether this server uses the engine, and so was reloaded if it is starting."""
    return _record(process).exists()


def release(owner: psutil.Process) -> None:
    """Ends this server's use of the engine, and waits until the engine has saved its data.

    Does not wait while other servers use it, nor longer than RELEASE_SECONDS.
    """
    folder = home()
    _record(owner).unlink(missing_ok=True)
    deadline = time.monotonic() + RELEASE_SECONDS
    while (folder / "engine.json").exists() and not has_owner(folder):
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def running() -> Engine:
    """The running engine of this project. Raises EngineError."""
    engine = _recorded(home())
    if engine is None or not _responds(engine.endpoint):
        raise EngineError("no server of this project is running: make run")
    return engine


def connect(endpoint: str) -> None:
    """Configures this process for an engine on this machine, which accepts any credentials."""
    os.environ.update(
        AWS_ENDPOINT_URL_DYNAMODB=endpoint,
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106  # Not a secret.
    )
    read_again()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the engine's lock, as an engine does while it saves its data and stops."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def has_owner(folder: Path) -> bool:
    """Whether a server that uses the engine is running."""
    return any(_runs(*owner.name.split("-")) for owner in (folder / "owners").glob("*"))


def forget(folder: Path) -> None:
    """Removes the record of this process as the running engine."""
    engine = _recorded(folder)
    if engine is not None and engine.pid == os.getpid():
        (folder / "engine.json").unlink()


def _record(owner: psutil.Process) -> Path:
    return home() / "owners" / f"{owner.pid}-{owner.create_time()}"


def _recorded(folder: Path) -> Engine | None:
    """The engine that was recorded as running, and may have been killed."""
    try:
        return Engine(**json.loads((folder / "engine.json").read_text()))
    except (FileNotFoundError, ValueError):  # A full disk may have truncated it.
        return None


def _start(folder: Path) -> Engine:
    if (folder / "engine.json").exists():
        _report_loss(folder)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    endpoint = f"http://127.0.0.1:{port}"
    terminal.say("engine", "starting ministack, a DynamoDB emulator")
    books = folder / "books" / "dynamodb.json"
    if books.exists():
        terminal.say("data", f"loading {books.stat().st_size / 1000:,.0f} kB from {books}")
    log = folder / "engine.log"
    # Messages for the user go to the terminal where the server was started.
    console = (
        os.dup(sys.__stderr__.fileno()) if sys.__stderr__ else os.open(os.devnull, os.O_WRONLY)
    )
    module = "chalicelib.local.engine_process"
    with log.open("w") as output, os.fdopen(console, "wb"):
        child = subprocess.Popen(
            [sys.executable, "-m", module, str(folder), str(port), str(console)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(console,),
            start_new_session=True,  # Ctrl-C ends the server; the engine ends after it.
        )
    deadline = time.monotonic() + START_SECONDS
    while not _responds(endpoint):
        if child.poll() is not None or time.monotonic() > deadline:
            child.kill()
            last = "\n  ".join(log.read_text().splitlines()[-5:])
            raise EngineError(
                "the embedded engine (ministack) did not start. The end of its log, "
                f"{log}:\n  {last}\nInstall it with `make run`, or set "
                "AWS_ENDPOINT_URL_DYNAMODB to another engine."
            )
        time.sleep(0.05)
    engine = Engine(endpoint, str(uuid4()), child.pid)
    (folder / "engine.json").write_text(json.dumps(asdict(engine)))
    return engine


def _report_loss(folder: Path) -> None:
    what = "all that was written"
    with suppress(FileNotFoundError):
        saved = (folder / "books" / "dynamodb.json").stat().st_mtime
        what = f"what was written after {rfc3339(datetime.fromtimestamp(saved, UTC))}"
    terminal.fault(f"the embedded engine ended before it saved the books: {what} is lost.")


def _responds(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _runs(pid: str, created: str) -> bool:
    """Whether this process is running, and not a later one with the same id."""
    try:
        process = psutil.Process(int(pid))
        same = str(process.create_time()) == created
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
