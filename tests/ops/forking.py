"""Forking: commands of `ops` in forks of a process that has loaded the libraries once.

In processes of their own, most of the time of `ops template` is that of loading Chalice.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops.processes import region_variables
from ops.stages import Stage

_SERVER = """
import json, os, runpy, sys
import chalice.cli, pynamodb.models, aws_lambda_powertools, msgspec, click, yaml, jsonschema

for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        sys.path[0] = asked["folder"]
        sys.argv = ["ops", *asked["words"]]
        runpy.run_module("ops", run_name="__main__", alter_sys=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forking:
    """A process that forks: what `ops.processes.run_ops` does, one command after another."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process, self._output = process, folder / "output"
        self._one_at_a_time = threading.Lock()

    def run_ops(
        self,
        stage: Stage,
        *words: str,
        environment: Mapping[str, str],
        region: str,
        cwd: Path,
        capture_output: bool,
    ) -> "subprocess.CompletedProcess[str]":
        """Runs `python -m ops --stage …` to its end; what it printed is its `stdout`."""
        assert capture_output
        asked: dict[str, Any] = {
            "words": ["--stage", stage.name, *words],
            "environment": {**environment, **stage.variables, **region_variables(region)},
            "folder": str(cwd),
            "output": str(self._output),
        }
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        with self._one_at_a_time:
            stdin.write(json.dumps(asked) + "\n")
            stdin.flush()
            code = int(stdout.readline())
            printed = self._output.read_text()
        return subprocess.CompletedProcess(asked["words"], code, printed, "")


@contextmanager
def forking(folder: Path) -> Iterator[Forking]:
    """Such a process, which is gone at the end; `folder` is for what it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Forking(process, folder)
