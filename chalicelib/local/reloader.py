"""Chalice's reloader: a supervisor process restarts the worker that serves when a file changes.

The user starts and ends the supervisor. If it is killed, Chalice leaves the worker running; here
the worker ends too.
"""

import os
import signal
import threading
import time
from typing import NoReturn

import psutil

from chalicelib.local import terminal
from chalicelib.settings import supervised

_CHECK_SECONDS = 0.25


def follow() -> psutil.Process:
    """The process that the user started: the supervisor, whose end this one follows, or this."""
    worker = psutil.Process()
    if not supervised():
        return worker
    supervisor = worker.parent()
    # A supervisor has its worker's command line; another process has adopted an orphan.
    if supervisor is None or supervisor.cmdline() != worker.cmdline():
        os._exit(0)
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


def _end_with(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(_CHECK_SECONDS)
    os._exit(0)
