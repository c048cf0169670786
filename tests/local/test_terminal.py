"""What `chalice local` prints, and its end without the reloader, as in a container."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.engines import ROOT, free_port, wait_until_up
from tests.local.server import CHALICE, Server, end_all, environment


def test_a_start_prints_what_it_does_and_where_everything_is(running: Server) -> None:
    running.read("/health")
    lines = [line for line in running.log.read_text().splitlines() if "GET /health" not in line]
    said = dict(line.split(maxsplit=1) for line in lines)

    assert list(said) == ["engine", "API", "console", "reference", "data", "access", "stop"]
    assert {line.index(text) for line, text in zip(lines, said.values(), strict=True)} == {11}
    assert said["API"] == running.url
    assert said["console"] == f"{running.url}/console"
    assert said["reference"] == f"{running.url}/docs"
    assert said["data"].startswith(str(running.home))
    assert said["stop"] == "Ctrl-C"


def test_an_operators_command_prints_nothing_of_pynamodb() -> None:
    script = "import logging; logging.basicConfig(level=0); import ops.keys, ops.audit"
    logged = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "pynamo" not in logged.stderr


def test_a_python_without_the_packages_is_told_which_command_has_them() -> None:
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "ops", "audit"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert ".venv/bin/twofold" in line
    assert "make .venv/run-ready" in line


def test_a_server_that_is_told_to_end_saves_its_data_before(project: Path, tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    try:
        with (tmp_path / "log").open("w") as log:
            server = subprocess.Popen(
                [CHALICE, "local", "--no-autoreload", "--host", "0.0.0.0", "--port", str(port)],
                cwd=project,
                env=environment(home),
                stdout=log,
                stderr=log,
            )
        wait_until_up(f"http://127.0.0.1:{port}/health", server)
        os.kill(server.pid, signal.SIGTERM)

        assert server.wait(60) == 0
        assert list(home.rglob("books/dynamodb.json"))
        assert not list(home.rglob("engine.json"))
        assert f"warning    Whoever reaches port {port} can" in (tmp_path / "log").read_text()
    finally:
        end_all(home)
