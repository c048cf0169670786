"""The record of a restore: what was found and what is done, in a file, so that it can go on.

Most of it could be seen from what exists. What could not is how many concurrent executions the
writers had reserved, which commits were torn, and which moment is being restored to.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ops.environments import events_table


@dataclass
class Record:
    """One restore of an environment. `id` is when it began, which no other restore shares.

    `functions` has the writers, each with the concurrency that it had reserved; `mappings` the
    event source mappings that were switched off. `cuts` are the streams that were cut back.
    """

    environment: str
    at: str
    id: str
    done: list[str] = field(default_factory=list)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    mappings: dict[str, dict[str, Any]] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)
    cuts: list[dict[str, Any]] | None = None
    events: int = 0
    streams: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    backups: dict[str, str] = field(default_factory=dict)
    stream: str = ""
    path: Path = Path()

    @property
    def table(self) -> str:
        """The event table."""
        return events_table(self.environment)

    @property
    def copy(self) -> str:
        """The table that the moment is restored into."""
        return f"{self.table}-restored-{compact(self.at)}"

    @property
    def report(self) -> Path:
        """The file that is left when the restore is over."""
        return self.path.with_name(f"{self.environment}-{self.id}-report.json")

    def is_done(self, step: str) -> bool:
        """Whether a step was finished."""
        return step in self.done

    def finished(self, step: str) -> None:
        """A step is finished."""
        if step not in self.done:
            self.done.append(step)
        self.save()

    def saw(self, moment: str, now: datetime) -> datetime:
        """When something happened first, in this run or an earlier one."""
        self.moments.setdefault(moment, now.isoformat())
        self.save()
        return datetime.fromisoformat(self.moments[moment])

    def save(self) -> None:
        """Keeps it. Written aside and moved into place: a kill leaves the old or the new."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(self._said(), indent=2))
        fresh.replace(self.path)

    def close(self, **result: Any) -> None:
        """The restore is over: the report stays, the record goes."""
        self.report.parent.mkdir(parents=True, exist_ok=True)
        self.report.write_text(json.dumps({**self._said(), **result}, indent=2))
        self.path.unlink(missing_ok=True)

    def _said(self) -> dict[str, Any]:
        said = asdict(self)
        del said["path"]
        return said


def found(environment: str, home: Path) -> Record | None:
    """The restore of this environment that is under way, if there is one."""
    path = _path(environment, home)
    if not path.exists():
        return None
    return Record(**json.loads(path.read_text()), path=path)


def begun(environment: str, at: datetime, home: Path, now: datetime) -> Record:
    """The restore to this moment that is under way, or a new one.

    One to another moment begins again in its place, as long as the event table was not touched: the
    writers are stopped already. Raises a click error where it was.
    """
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    before = found(environment, home)
    if before is not None and before.at == moment:
        return before
    path = _path(environment, home)
    fresh = Record(environment, moment, now.strftime("%Y%m%dT%H%M%S"), path=path)
    if before is None:
        return fresh
    if before.is_done("backup"):
        raise click.ClickException(
            f"a restore of {environment} to {before.at} is under way, and its event table may be "
            f"replaced already: finish it with --at {before.at}"
        )
    click.echo(f"the restore to {before.at} is left; its copy {before.copy} stays if it was made")
    fresh.done = ["stop"] if before.is_done("stop") else []
    fresh.id, fresh.functions, fresh.mappings = before.id, before.functions, before.mappings
    fresh.moments = {key: value for key, value in before.moments.items() if key == "stopped"}
    return fresh


def compact(moment: str) -> str:
    """A moment as it is written in names: `20261125T120000`."""
    return moment.replace("-", "").replace(":", "").removesuffix("Z")


def _path(environment: str, home: Path) -> Path:
    return home / "restores" / f"{environment}.json"
