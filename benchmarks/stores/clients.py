"""Clients: the processes of one contestant, which run in parallel, and the sum of their results
(`worker.py`).
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks import results
from tests.engines import ROOT

Answer = dict[str, Any]


def rate(answers: Sequence[Answer]) -> float:
    """Transfers per second, summed over all clients."""
    return float(sum(answer["done"] / answer["seconds"] for answer in answers))


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """What was done, refused and lost, and how long a transfer took in milliseconds."""
    took = [each for answer in answers for each in answer["milliseconds"]]
    return {
        **{
            name: sum(answer[name] for answer in answers)
            for name in ("done", "refused", "conflicts")
        },
        "p50": results.percentile(took, 0.5),
        "p99": results.percentile(took, 0.99),
    }


class Clients:
    """Up to so many processes that obey `worker.py`'s protocol."""

    def __init__(
        self,
        stack: ExitStack,
        command: Sequence[str],
        number: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self._processes = [stack.enter_context(_Process(command, env)) for _ in range(number)]

    def tell(self, told: Mapping[str, Any], number: int = 1) -> list[Answer]:
        """What the first so many of them answer, all told at the same time."""
        chosen = self._processes[:number]
        for process in chosen:
            process.say(told)
        return [process.answer() for process in chosen]


class _Process:
    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # Our own words.
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def say(self, told: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Answer:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait(10)}")
        return dict(json.loads(line))
