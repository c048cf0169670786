"""An embedded engine of one run's own, and which engine this process uses."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from chalicelib import tables
from chalicelib.local import engine
from chalicelib.settings import read_again, settings


@contextmanager
def fresh_engine() -> Iterator[None]:
    """Starts an embedded engine for this process, and stops it and deletes its books at the end."""
    with tempfile.TemporaryDirectory(prefix="twofold-chaos-") as home:
        os.environ["TWOFOLD_HOME"] = home
        read_again()
        running = engine.ensure(owner=psutil.Process())
        _connect(running.endpoint)
        try:
            yield
        finally:
            process = psutil.Process(running.pid)
            process.terminate()
            process.wait()


@contextmanager
def connected(endpoint: str) -> Iterator[None]:
    """Connects this process to another address of the engine until the end of the block."""
    before = str(settings().endpoint)
    _connect(endpoint)
    try:
        yield
    finally:
        _connect(before)


def _connect(endpoint: str) -> None:
    engine.connect(endpoint)
    tables.disconnect()
