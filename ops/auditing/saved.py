"""Saved: the results of an audit's tasks, each in a file, from which a killed audit continues.

A task's files get their names only once they are complete; a task without them is repeated.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ops.workers import Workers

STALE_SECONDS = 3 * 24 * 3600.0
"""An audit that was interrupted longer ago begins again."""

Result = TypeVar("Result", bound=msgspec.Struct)
Task = TypeVar("Task")


@dataclass
class Saved:
    """The results, in `folder/done`. `resumed_from` is when the continued audit began, or None."""

    folder: Path
    workers: Workers
    resumed_from: str | None = None

    def begin(self, about: Mapping[str, Any], plan: Mapping[str, Any]) -> Mapping[str, Any]:
        """The plan to follow: that of an interrupted audit with equal `about`, otherwise `plan`."""
        kept = self._kept()
        if kept is not None and kept["about"] == about:
            self.resumed_from = str(kept["began"])
            return dict(kept["plan"])
        shutil.rmtree(self._done, ignore_errors=True)
        self._done.mkdir(parents=True)
        began = datetime.now(UTC).isoformat(timespec="seconds")
        _write(self._file, json.dumps({"about": about, "plan": plan, "began": began}).encode())
        return plan

    def results(
        self,
        stage: str,
        work: Callable[[Task], Result],
        tasks: Sequence[Task],
        kind: type[Result],
    ) -> Iterator[Result]:
        """The results of tasks: first the saved ones, then the others as they are done.

        Raises what `work` raises, and WorkerLost.
        """
        todo = []
        for task in tasks:
            if (path := _path(self._done, stage, task)).exists():
                yield msgspec.json.decode(path.read_bytes(), type=kind)
            else:
                todo.append(task)
        for path in self.workers.run(partial(_do, work, self._done, stage), todo):
            os.utime(self._file)  # The time of the last progress.
            yield msgspec.json.decode(path.read_bytes(), type=kind)

    @property
    def _done(self) -> Path:
        return self.folder / "done"

    @property
    def _file(self) -> Path:
        return self._done / "plan.json"

    def _kept(self) -> Mapping[str, Any] | None:
        if not self._file.exists():
            return None
        if time.time() - self._file.stat().st_mtime > STALE_SECONDS:
            return None
        return dict(json.loads(self._file.read_bytes()))


def _do(work: Callable[[Task], Result], folder: Path, stage: str, task: Task) -> Path:
    path = _path(folder, stage, task)
    _write(path, msgspec.json.encode(work(task)))
    return path


def _path(folder: Path, stage: str, task: Any) -> Path:
    name = "-".join(map(str, task)) if isinstance(task, tuple) else str(task)
    return folder / f"{stage}-{name}.json"


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)
