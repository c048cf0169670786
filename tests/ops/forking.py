"""Forking: commands of `ops` in forks of a process that has loaded the libraries once.

In processes of their own, most of the time of a command is that of loading Chalice and botocore.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops.processes import region_variables
from ops.stages import Stage
from tests import engines

_SERVER = """
import json, os, runpy, sys
import chalice.cli, pynamodb.models, aws_lambda_powertools, msgspec, click, yaml, jsonschema

for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        for place, file in enumerate(asked["output"], 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), place)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        sys.path[0] = asked["folder"]
        sys.argv = [asked["program"], *asked["words"]]
        if asked["program"] == "chalice":
            sys.exit(chalice.cli.main())
        runpy.run_module("ops", run_name="__main__", alter_sys=True)
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forking:
    """A process that forks: it runs one command after another."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self._printed, self._said = folder / "stdout", folder / "stderr"
        self._one_at_a_time = threading.Lock()

    def run(
        self, program: str, *words: str, environment: Mapping[str, str], folder: Path
    ) -> "subprocess.CompletedProcess[str]":
        """Runs `python -m ops` or `chalice` in a folder to its end. Does not raise if it fails."""
        asked: dict[str, Any] = {
            "program": program,
            "words": words,
            "environment": dict(environment),
            "folder": str(folder),
            "output": [str(self._printed), str(self._said)],
        }
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        with self._one_at_a_time:
            stdin.write(json.dumps(asked) + "\n")
            stdin.flush()
            code = int(stdout.readline())
            printed, said = self._printed.read_text(), self._said.read_text()
        return subprocess.CompletedProcess([program, *words], code, printed, said)

    def run_ops(
        self,
        stage: Stage,
        *words: str,
        environment: Mapping[str, str],
        region: str,
        cwd: Path,
        capture_output: bool,
    ) -> "subprocess.CompletedProcess[str]":
        """Runs `python -m ops --stage …` to its end, as `ops.processes.run_ops` does."""
        assert capture_output
        variables = {**environment, **stage.variables, **region_variables(region)}
        return self.run("ops", "--stage", stage.name, *words, environment=variables, folder=cwd)


@contextmanager
def forking(folder: Path) -> Iterator[Forking]:
    """Such a process, which is gone at the end; `folder` is for what it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": engines.quick_path()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Forking(process, folder)
