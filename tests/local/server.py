"""A `chalice local` of a test's own: started, asked, killed in every way, and gone at the end."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.engines import ROOT, free_port, quick_path, wait_until_up

CHALICE = str(Path(sys.executable).with_name("chalice"))

GONE = (OSError, http.client.HTTPException)
"""What a client sees of a server that ends in the middle of a reply, or has ended."""


class Reply(NamedTuple):
    """What a request was answered."""

    status: int
    headers: Message
    body: Any


def copy_project(folder: Path) -> Path:
    """What `chalice local` needs of the project, where nobody else edits it."""
    shutil.copy(ROOT / "app.py", folder)
    for package in ("chalicelib", "simulator"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    (folder / ".chalice").mkdir()
    shutil.copy(ROOT / ".chalice" / "config.json", folder / ".chalice")
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    """That of a newcomer: no AWS, no make around it, no settings of ours but where data are."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TWOFOLD_", "POWERTOOLS_", "MAKE", "MFLAGS"))
    }
    if "PYTHONPYCACHEPREFIX" not in os.environ:
        kept["PYTHONDONTWRITEBYTECODE"] = "1"  # A server reloads when a file of its folder changes.
    return {**kept, "PYTHONPATH": quick_path(), "TWOFOLD_HOME": str(home), **more}


class Server:
    """A `chalice local` on a copy of the project, with its own port and folder of books."""

    def __init__(self, project: Path, home: Path, **environ: str) -> None:
        self.project = project
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options: list[str] = []
        self.log = home.with_name(f"{home.name}-{self.port}.log")
        self._environment = environment(home, **environ)
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Starts the server, and does not wait until it answers."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [CHALICE, "local", "--port", str(self.port), *self.options],
                cwd=self.project,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # It would ignore Ctrl-C if these tests were started in a shell's background.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def start(self) -> None:
        """Starts the server; returns once it answers."""
        self.launch()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Returns once the server answers."""
        wait_until_up(f"{self.url}/health", self.process)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The parent: what a person at a terminal started."""
        assert self._process is not None
        return self._process

    def worker(self) -> psutil.Process | None:
        """The process that serves, which Chalice replaces when a file changes."""
        return next(iter(psutil.Process(self.process.pid).children()), None)

    def engine(self) -> Any:
        """What the running engine's file says, or None if there is no engine."""
        files = list(self.home.rglob("engine.json"))
        return json.loads(files[0].read_text()) if files else None

    def interrupt(self) -> None:
        """Ctrl-C at the terminal: every process of the foreground gets it."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)

    def terminate(self) -> None:
        """What a process supervisor does."""
        self.process.terminate()
        self.process.wait(60)

    def kill(self) -> None:
        """Ends the parent without asking it."""
        self.process.kill()
        self.process.wait(60)

    def kill_worker(self) -> None:
        """Ends the process that serves, without asking it."""
        worker = self.worker()
        assert worker is not None
        worker.kill()
        self.process.wait(60)

    def reap(self) -> None:
        """Takes note of the parent's end, if it was ever started."""
        if self._process is not None:
            self._process.wait(60)

    def is_gone(self, seconds: float = 10) -> bool:
        """Whether every process of these books ends within a time."""
        deadline = time.monotonic() + seconds
        while processes(self.home):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def ask(self, method: str, path: str, body: object = None) -> Reply:
        """One request, whatever it is answered. Bytes are sent as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else data,
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            answered = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            answered = error
        with answered as reply:
            return Reply(reply.status, reply.headers, json.loads(reply.read()))

    def post(self, path: str, body: object) -> Reply:
        """Sends a command."""
        return self.ask("POST", path, body)

    def read(self, path: str) -> Any:
        """A query's answer, asked again while the projection is behind, as clients are told to."""
        deadline = time.monotonic() + 60
        while True:
            reply = self.ask("GET", path)
            behind = reply.status == 503 or reply.body.get("code") == "ledger_not_found"
            if behind and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            assert reply.status == 200, (path, reply.status, reply.body)
            return reply.body


def processes(home: Path) -> list[psutil.Process]:
    """All processes that were started with this folder of books, dead ones left out."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("TWOFOLD_HOME") == str(home):
                found.append(process)
    return found


@contextmanager
def chalice_local(project: Path, home: Path, **environ: str) -> Iterator[Server]:
    """A server that is not started yet, of which nothing is left at the end."""
    server = Server(project, home, **environ)
    try:
        yield server
    finally:
        end_all(home)
        server.reap()


@contextmanager
def steady_server(folder: Path) -> Iterator[str]:
    """The address of a server on a copy of the project in an empty folder.

    It does not reload: while it restarts, its port refuses connections.
    """
    with chalice_local(copy_project(folder), folder.with_name(f"{folder.name}-home")) as server:
        server.options.append("--no-autoreload")
        server.start()
        yield server.url


def end_all(home: Path) -> None:
    """Kills every process of these books, and those that they start meanwhile."""
    while left := processes(home):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.02)
