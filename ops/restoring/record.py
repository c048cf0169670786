"""The record of a restore: its progress in a file, from which an interrupted restore continues.

Some of it cannot be found in AWS any more: the reserved concurrency of the writers, the torn
commits, and the moment that is being restored to.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ops.environments import events_table


@dataclass
class Record:
    """One restore of an environment. `id` is the time at which it began.

    `functions` has the writers with their former reserved concurrency, `mappings` the event source
    mappings that were switched off, `cuts` the streams that were cut back.
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
        """The table into which the moment is restored."""
        return f"{self.table}-restored-{compact(self.at)}"

    @property
    def report(self) -> Path:
        """The file that stays after the restore."""
        return self.path.with_name(f"{self.environment}-{self.id}-report.json")

    def is_done(self, step: str) -> bool:
        """Whether a step was finished."""
        return step in self.done

    def finished(self, step: str) -> None:
        """Records a finished step."""
        if step not in self.done:
            self.done.append(step)
        self.save()

    def saw(self, moment: str, now: datetime) -> datetime:
        """The first time at which something happened, in this run or an earlier one."""
        self.moments.setdefault(moment, now.isoformat())
        self.save()
        return datetime.fromisoformat(self.moments[moment])

    def save(self) -> None:
        """Writes the file atomically."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(self._as_json(), indent=2))
        fresh.replace(self.path)

    def close(self, **result: Any) -> None:
        """Writes the report and deletes the record."""
        self.report.parent.mkdir(parents=True, exist_ok=True)
        self.report.write_text(json.dumps({**self._as_json(), **result}, indent=2))
        self.path.unlink(missing_ok=True)

    def _as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "path"}

    def state(self) -> str:
        """The state after a failed step, and how to continue."""
        again = "the same command goes on from here"
        if not self.functions:
            return f"nothing was changed; {again}"
        if self.is_done("open"):
            return f"the restore is done and the writers are open; {again}"
        held = f"the writers are stopped, and stay so; {again}"
        if not self.is_done("backup"):
            return f"{self.table} is as it was; {held}, --abandon opens it as it was"
        kept = ", ".join([self.copy, *self.backups.values()])
        where = "is restored" if self.is_done("swap") else "is being replaced"
        return f"{self.table} {where}; {held}. There are {kept}"

    def lines(self, *, keep_copy: bool) -> Iterator[str]:
        """What was done, line by line."""
        yield f"{self.environment} is restored to {self.at}: {self.events} events"
        cuts = self.cuts or []
        yield f"cut: {sum(len(each['events']) for each in cuts)} events of {len(cuts)} streams"
        for what, arn in sorted(self.backups.items()):
            yield f"kept, until you delete it: the backup of the {what} table, {arn}"
        if keep_copy:
            yield f"kept: {self.copy}"
        yield f"{self.table} can be restored to moments from now on only, and by these backups"
        yield f"all of this is in {self.report}"


def found(environment: str, home: Path) -> Record | None:
    """The restore of this environment that is under way, if any."""
    path = _path(environment, home)
    if not path.exists():
        return None
    return Record(**json.loads(path.read_text()), path=path)


def begun(environment: str, at: datetime, home: Path, now: datetime) -> Record:
    """The restore to this moment that is under way, or a new one.

    A restore to another moment is replaced, and its writers stay stopped. Raises a click error if
    that restore may have replaced the event table already.
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
