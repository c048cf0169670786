"""From nothing: `make run` in a fresh checkout, and the steps of the Dockerfile in a fresh folder.

Packages are installed once, by `make run`; the Dockerfile's `pip install` finds them there.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pytest

from ops.pins import read
from tests.engines import ROOT, free_port, wait_until_up
from tests.local.dockerfile import Image, steps, the
from tests.local.server import end_all, environment

ACCOUNTS = "/ledgers/acme/accounts"
SYSTEM = "/usr/bin/python3"
HADOLINT = Path(sys.executable).with_name("hadolint")


def a_python() -> str:
    """The system's Python, which any user can run, where it is new enough; else this one."""
    able = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    if Path(SYSTEM).exists() and subprocess.run([SYSTEM, "-c", able], check=False).returncode == 0:
        return SYSTEM
    return str(Path(sys.base_prefix) / "bin" / "python3")


@dataclass(frozen=True)
class Checkout:
    """A fresh checkout in which `make run` was run once, and what that printed."""

    folder: Path
    printed: str

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """An empty folder that every user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="twofold-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def checkout(place: Path) -> Checkout:
    folder, home, port = place / "checkout", place / "home", free_port()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    log = place / "log"
    with log.open("w") as output:
        make = subprocess.Popen(
            ["make", "run", f"PORT={port}", f"PYTHON={a_python()}"],
            cwd=folder,
            env=environment(home, PYTHONPATH=""),
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/health", make, 400)
        os.killpg(make.pid, signal.SIGINT)
        make.wait(60)
    finally:
        end_all(home)
    return Checkout(folder, log.read_text())


def test_make_run_says_what_it_does(checkout: Checkout) -> None:
    labels = [line.split()[0] for line in checkout.printed.splitlines()]
    known = [
        *(".venv", ".venv", "engine", "API", "console"),
        *("reference", "data", "access", "stop"),
    ]

    assert labels[: len(known)] == known, checkout.printed
    assert re.search(r"^\.venv +creating, with Python 3\.1\d", checkout.printed, re.MULTILINE)
    (number,) = re.findall(r"installing (\d+) packages, once", checkout.printed)
    assert int(number) <= 55
    assert f"installs {number} packages" in (ROOT / "README.md").read_text()


def test_make_run_installs_what_running_needs_and_nothing_else(checkout: Checkout) -> None:
    (site,) = checkout.venv.glob("lib/python3.*/site-packages")
    installed = {distribution.name for distribution in distributions(path=[str(site)])}
    locked = {pin.name for pin in read(ROOT / "requirements-run.txt")}

    assert {name.lower().replace("_", "-") for name in installed} <= {
        *locked,
        "twofold",
        "twofold-client",
    }
    assert len(installed) <= 55


def test_the_operators_command_is_installed_and_has_all_that_it_imports(checkout: Checkout) -> None:
    commands = (
        "from ops.__main__ import ops; from ops.commands import HIDDEN;"
        "assert all(ops.get_command(None, name) for name in [*ops.list_commands(None), *HIDDEN])"
    )
    for words in (["twofold", "--help"], ["python", "-c", commands]):
        ran = subprocess.run(
            [checkout.venv / "bin" / words[0], *words[1:]],
            cwd=checkout.folder,
            env=environment(checkout.folder.parent / "home", PYTHONPATH=""),
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.startswith("Usage: twofold ") or words[0] == "python"


def test_a_second_start_installs_nothing(checkout: Checkout) -> None:
    asked = subprocess.run(
        ["make", "--question", ".venv/run-ready"], cwd=checkout.folder, check=False
    )

    assert asked.returncode == 0


def test_a_changed_lock_installs_again_and_so_do_the_sets_above(checkout: Checkout) -> None:
    after = time.time() + 60
    os.utime(checkout.folder / "requirements-run.txt", (after, after))
    planned = subprocess.run(
        ["make", "--dry-run", ".venv/bench-ready"],
        cwd=checkout.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    os.utime(checkout.folder / "requirements-run.txt")
    os.utime(checkout.venv / "run-ready")

    for lock in ("requirements-run.txt", "requirements-dev.txt", "benchmarks/requirements.txt"):
        assert f"--requirement {lock}" in planned


def test_the_dockerfile_is_judged_by_hadolint() -> None:
    judged = subprocess.run(
        [HADOLINT, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (judged.returncode, judged.stdout) == (0, "")


def test_the_image_is_slim_pinned_not_root_and_has_one_port() -> None:
    assert re.fullmatch(r"python:3\.1[123]-slim-\w+", the("FROM").rest)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", the("USER").rest)
    assert the("EXPOSE").rest == "8000"
    assert the("VOLUME").rest == "/data"
    assert [step.name for step in steps()].index("USER") < len(steps()) - 1
    assert "--require-hashes" in next(step.rest for step in steps() if step.name == "RUN")


def ask(port: int, path: str, body: object = None) -> object:
    """A reply's body."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def is_healthy(image: Image, port: int) -> bool:
    """What the image's own check says."""
    words = [word.replace("8000", str(port)) for word in the("HEALTHCHECK").words()]
    return image.start(words, stderr=subprocess.DEVNULL).wait(60) == 0


def test_the_steps_of_the_dockerfile_make_a_ledger_that_keeps_its_data(
    place: Path, checkout: Checkout
) -> None:
    image = Image(place / "image", checkout.venv)
    image.build()
    assert image.other_user() or os.geteuid() != 0 or a_python() != SYSTEM
    transfer = {
        "id": "t-1",
        "entries": [
            {"account": "cash", "direction": "debit", "amount": "5"},
            {"account": "alice", "direction": "credit", "amount": "5"},
        ],
    }
    opened = {"asset": "USD/2", "min_balance": None}
    try:
        for start in ("first", "second"):
            port = free_port()
            words = [word.replace("8000", str(port)) for word in the("CMD").words()]
            server = image.start(words, stdout=subprocess.DEVNULL)
            wait_until_up(f"http://127.0.0.1:{port}/health", server)
            assert is_healthy(image, port)
            if start == "first":
                ask(port, ACCOUNTS, {**opened, "id": "cash", "normal_balance": "debit"})
                ask(port, ACCOUNTS, {**opened, "id": "alice", "normal_balance": "credit"})
                ask(port, "/ledgers/acme/transactions", transfer)
            balance = ask(port, f"{ACCOUNTS}/alice/balance?min_version=2")
            assert isinstance(balance, dict)
            assert balance["posted"] == "5"
            server.terminate()
            assert server.wait(60) == 0
            assert not is_healthy(image, port)
    finally:
        end_all(image.path("/data"))
