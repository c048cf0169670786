"""`make run` and `chalice local` with something wrong: a line that says what to do, and the end."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.engines import ROOT, free_port
from tests.local.server import CHALICE, copy_project, end_all, environment

OLD_PYTHON = "import sys; sys.version_info = (3, 10, 13, 'final', 0)"
NO_VENV = "import sys; sys.modules['ensurepip'] = None"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which nothing is installed."""
    folder = copy_project(tmp_path_factory.mktemp("checkout"))
    shutil.copy(ROOT / "Makefile", folder)
    return folder


def python(folder: Path, before: str = "pass") -> str:
    """A PATH whose `python3` runs this code before each script."""
    fake = folder / "bin" / "python3"
    fake.parent.mkdir()
    run = (
        f"{before}; import runpy, sys; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], None, '__main__')"
    )
    fake.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{run}" "$@"\n')
    fake.chmod(0o755)
    return f"{fake.parent}:{os.environ['PATH']}"


def refusal(checkout: Path, *words: str, **environ: str) -> str:
    """The one line that `make run` prints before it ends, having done nothing."""
    ended = subprocess.run(
        ["make", "run", *words],
        cwd=checkout,
        env=environment(checkout.with_name("home"), **environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    line, make = ended.stderr.splitlines()
    assert ended.returncode == 2, "make's status for a command that failed"
    assert make.endswith("Error 1"), make
    assert ended.stdout == ""
    assert not (checkout / ".venv").exists()
    assert line.startswith("twofold: ")
    return line.removeprefix("twofold: ")


def test_an_old_python_is_named_and_how_to_name_another(checkout: Path, tmp_path: Path) -> None:
    line = refusal(checkout, PATH=python(tmp_path, OLD_PYTHON))

    assert "3.11, 3.12 or 3.13" in line
    assert "is 3.10.13: " in line
    assert "make run PYTHON=python3.12" in line


def test_a_python_that_makes_no_virtual_environments_is_named(
    checkout: Path, tmp_path: Path
) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"

    assert f"apt install python{version}-venv" in refusal(checkout, PATH=python(tmp_path, NO_VENV))


def test_without_any_python_what_to_install_is_said(checkout: Path) -> None:
    line = refusal(checkout, "PYTHON=python-of-nobody")

    assert line == "there is no python-of-nobody; install Python 3.11, 3.12 or 3.13"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("PORT=80000", "a port is a number from 1 to 65535, not 80000"),
        ("PORT=0", "a port is a number from 1 to 65535, not 0"),
        ("PORT=abc", "a port is a number from 1 to 65535, not abc"),
        ("PORT=", "a port is a number from 1 to 65535, not empty"),
        ("AUTH=yes", "AUTH is one of keys, iam, cognito, none, not yes; without it, it is none"),
    ],
)
def test_a_port_or_an_authentication_that_does_not_exist_is_refused(
    checkout: Path, tmp_path: Path, given: str, said: str
) -> None:
    assert refusal(checkout, given, PATH=python(tmp_path)) == said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TWOFOLD_AUTH", "yes", "AUTH is one of keys, iam, cognito, none, not yes"),
        ("TWOFOLD_SERVES", "reads", "TWOFOLD_SERVES names no such API: reads"),
        ("TWOFOLD_STRONG_READS", "yes", "TWOFOLD_STRONG_READS is 1 or 0, not yes"),
    ],
)
def test_a_value_of_the_environment_that_does_not_exist_is_refused(
    checkout: Path, tmp_path: Path, name: str, value: str, said: str
) -> None:
    assert refusal(checkout, PATH=python(tmp_path), **{name: value}).startswith(said)


class _Twofold(BaseHTTPRequestHandler):
    """Answers as a Twofold of another checkout does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok", "serves": ["write"], "version": "9.8.7"}')

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def another() -> Iterator[int]:
    """The port of another Twofold."""
    with HTTPServer(("127.0.0.1", 0), _Twofold) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_port_of_another_twofold_is_named_and_a_free_one(
    checkout: Path, tmp_path: Path, another: int
) -> None:
    line = refusal(checkout, f"PORT={another}", PATH=python(tmp_path))

    said, _, free = line.rpartition("=")
    assert said == (
        f"port {another} is in use by Twofold 9.8.7; stop it, or take another port: make run PORT"
    )
    assert 0 < int(free) < 65536  # Another test may have taken it by now.
    assert int(free) != another


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which a program listens, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def ended(project: Path, home: Path, *words: str, **environ: str) -> tuple[int, str]:
    """The status of a `chalice local`, and what it printed as an error."""
    try:
        done = subprocess.run(
            [CHALICE, "local", *words],
            cwd=project,
            env=environment(home, **environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        end_all(home)
    return done.returncode, done.stderr


@pytest.mark.parametrize("reloading", ["--autoreload", "--no-autoreload"])
def test_chalice_local_ends_with_a_line_where_the_port_is_taken(
    project: Path, tmp_path: Path, taken: int, reloading: str
) -> None:
    status, said = ended(project, tmp_path / "home", "--port", str(taken), reloading)

    assert said.startswith(
        f"twofold: port {taken} is in use by another program; stop it, or take another port: "
        "chalice local --port "
    )
    assert len(said.splitlines()) == 1
    assert status == (1 if reloading == "--no-autoreload" else -15), "the supervisor is ended"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"TWOFOLD_AUTH": "yes"}, "TWOFOLD_AUTH is keys, iam, cognito or none, not yes"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "here"}, "DynamoDB at here cannot be used: "),
        ({"TWOFOLD_HOME": "{project}/data"}, "TWOFOLD_HOME is outside of {project}, not "),
    ],
)
def test_chalice_local_ends_with_a_line_where_a_setting_is_wrong(
    project: Path, tmp_path: Path, given: dict[str, str], said: str
) -> None:
    environ = {name: value.format(project=project) for name, value in given.items()}
    home = Path(environ.pop("TWOFOLD_HOME", tmp_path / "home"))

    status, printed = ended(project, home, "--port", str(free_port()), **environ)

    assert printed.startswith("twofold: " + said.format(project=project))
    assert len(printed.splitlines()) == 1
    assert status != 0
    assert not home.exists()
