"""The README's session is run as it stands, and its output compared."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import engines

_SESSION = re.compile(r"```console\n(\$ .*?)```", re.DOTALL)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def _steps() -> list[tuple[str, str]]:
    """Each command of the README with the output printed below it."""
    text = (engines.ROOT / "README.md").read_text()
    steps: list[tuple[str, str]] = []
    for session in _SESSION.findall(text):
        for step in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            command, output = _split(step)
            steps.append((command, output))
    return steps


def _split(step: str) -> tuple[str, str]:
    """A step's command, which a backslash or an open quote continues, and its output."""
    lines = step.splitlines(keepends=True)
    for end in range(1, len(lines) + 1):
        command = "".join(lines[:end])
        if not command.endswith("\\\n") and command.count("'") % 2 == 0:
            return command.replace("\\\n", " "), "".join(lines[end:])
    raise ValueError(f"The command does not end: {step}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    # A copy, so that Chalice does not reload it for what other tests leave in the project.
    for name in ("app.py", "chalicelib", ".chalice"):
        source = engines.ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    port = engines.free_port()
    chalice = Path(sys.executable).with_name("chalice")
    with engines.running(
        [str(chalice), "local", "--port", str(port), "--no-autoreload"],
        f"http://127.0.0.1:{port}",
        cwd=tmp_path,
        TWOFOLD_HOME=str(tmp_path / "home"),
        TWOFOLD_ENVIRONMENT="dev",
    ) as url:
        yield url


def test_the_session_of_the_readme_prints_what_the_readme_says(server: str) -> None:
    steps = _steps()
    assert len(steps) >= 6
    for command, expected in steps:
        arguments = shlex.split(command.replace("http://127.0.0.1:8000", server))
        printed = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
        assert _comparable(printed) == _comparable(expected), command


def _comparable(output: str) -> str:
    return _INSTANT.sub("<instant>", output).strip()
