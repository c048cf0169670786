"""Supervision: this server and Chalice's reloader above it live and end together.

With its reloader on, Chalice serves from a worker process and starts another one when a file
changes. The supervisor is then the server that a person sees and ends; should it be killed, it
would leave its worker behind.
"""

import os
import signal
import threading
import time
from typing import NoReturn

import psutil

from chalicelib.settings import settings

_CHECK_SECONDS = 0.25


def follow() -> psutil.Process:
    """The process that is the server: the supervisor, which is followed into its end, or we."""
    if not settings().supervised:
        return psutil.Process()
    worker = psutil.Process()
    supervisor = worker.parent()
    # A supervisor starts its worker with its own command line; what adopts an orphan has another.
    if supervisor is None or supervisor.cmdline() != worker.cmdline():
        os._exit(0)
    threading.Thread(target=_end_with, args=(supervisor.pid,), daemon=True).start()
    return supervisor


def end(code: int) -> NoReturn:
    """Ends the server, its supervisor included.

    Chalice imports the app in a thread, where SystemExit would end only that thread, and its
    supervisor does not pass a worker's exit code on.
    """
    if settings().supervised:
        os.kill(os.getppid(), signal.SIGTERM)
    os._exit(code)


def _end_with(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(_CHECK_SECONDS)
    os._exit(0)
