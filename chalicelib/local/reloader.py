"""Chalice's reloader: a supervisor process restarts the worker that serves when a file changes.

The user starts and ends the supervisor. If it is killed, Chalice leaves the worker running; here
the worker ends too. Chalice looks at each file of the project every second, also of installed
packages; here it looks at source files only.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import psutil
from chalice.cli.filewatch.stat import StatFileWatcher

from chalicelib.local import terminal
from chalicelib.settings import supervised

_CHECK_SECONDS = 0.25
_SOURCES = (".py", ".json")
_CHALICE = ".chalice"
"""The only folder with source files among those that begin with a full stop."""


def follow() -> psutil.Process:
    """The process that the user started: the supervisor, whose end this one follows, or this."""
    worker = psutil.Process()
    if not supervised():
        return worker
    supervisor = worker.parent()
    # A supervisor has its worker's command line; another process has adopted an orphan.
    if supervisor is None or supervisor.cmdline() != worker.cmdline():
        os._exit(0)
    # Chalice starts its watcher, without a hook, while it loads the app.
    StatFileWatcher._single_pass_poll = look  # type: ignore[method-assign, assignment]
    threading.Thread(target=_end_with, args=(supervisor.pid,), daemon=True).start()
    return supervisor


def end(code: int) -> NoReturn:
    """Ends the server and its supervisor.

    SystemExit would end only the thread in which Chalice imports the app, and the supervisor does
    not pass on a worker's exit code.
    """
    if supervised():
        os.kill(os.getppid(), signal.SIGTERM)
    os._exit(code)


def fail(text: str) -> NoReturn:
    """Prints a line about what is wrong, and ends the server."""
    terminal.fault(text)
    end(1)


def look(watcher: StatFileWatcher, project: str, changed: Callable[[], None]) -> None:
    """Calls `changed` if a source file of the project is new or another than at the last look."""
    before, now = watcher._mtime_cache, _sources(project)
    watcher._mtime_cache = now
    if any(before.get(path) != modified for path, modified in now.items()):
        changed()


def _sources(project: str) -> dict[str, float]:
    """When each source file was modified; none of installed packages, caches and Git."""
    modified = {}
    for folder, below, files in os.walk(project):
        if "pyvenv.cfg" in files:
            below.clear()
            continue
        below[:] = [
            name
            for name in below
            if name == _CHALICE or (name[0] != "." and name != "node_modules")
        ]
        for name in files:
            if name.endswith(_SOURCES):
                path = os.path.join(folder, name)  # noqa: PTH118  # A text, as of Chalice.
                with suppress(OSError):  # It was removed in between.
                    modified[path] = Path(path).stat().st_mtime
    return modified


def _end_with(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(_CHECK_SECONDS)
    os._exit(0)
