"""Steps: what a restore does, in order. Each is safe to repeat after an interruption."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.settings import WRITE
from ops.deploying.health import fetch
from ops.deploying.tables import delete_table
from ops.errors import in_words
from ops.mappings import RESTORED_VARIABLE
from ops.restoring import cutting, functions, streams, tables
from ops.restoring.cloud import Cloud
from ops.restoring.record import Record
from ops.stages import Stage

RunIn = Callable[[Stage, Sequence[str]], str]
"""Runs a command of `ops` with a stage's environment; its output."""


@dataclass(frozen=True)
class Step:
    """One step: its name in the record, its description, and its function."""

    name: str
    words: str
    do: Callable[[], object]


@dataclass
class Restore:
    """The restore of one environment: its stages, in the order in which they are brought up."""

    cloud: Cloud
    stages: Sequence[Stage]
    record: Record
    definition: dict[str, Any]
    run_in: RunIn
    keep_copy: bool = False

    def __post_init__(self) -> None:
        writers = [stage for stage in self.stages if WRITE in stage.serves]
        if len(writers) != 1:
            raise click.ClickException(
                f"{self.record.environment} has {len(writers)} stages that serve `write`, not one"
            )
        self.writer = writers[0]
        self.dynamodb = self.cloud.client("dynamodb", self.writer.region)
        self.readers = [stage for stage in self.stages if stage.projectors]

    def steps(self) -> Iterator[Step]:
        """All steps, including those that are done."""
        yield from self._table_steps()
        yield from self._read_side_steps()
        yield Step("audit", f"audit {self.record.table} and the read tables", self._audit)
        yield Step("open", f"open {self.writer.name} and feed the projectors again", self._open)
        yield Step("health", "call /health of every stage", self._health)
        if not self.keep_copy:
            delete = partial(delete_table, self.dynamodb, self.record.copy)
            yield Step("delete copy", f"delete {self.record.copy}", delete)

    def _table_steps(self) -> Iterator[Step]:
        record, table, copy = self.record, self.record.table, self.record.copy
        names = ", ".join(stage.name for stage in self.readers)
        yield Step(
            "check",
            f"check that {table} can be restored to {record.at}, and that all stages are deployed",
            self._check,
        )
        yield Step(
            "stop",
            f"stop every function of {self.writer.name} (reserved concurrency 0), and end its warm "
            f"processes ({RESTORED_VARIABLE}={record.id})",
            lambda: functions.stop(self.cloud, self.stages, record),
        )
        yield Step(
            "pause",
            f"switch off the event sources of the projectors of {names}",
            lambda: functions.pause(self.cloud, self.stages, record, kinesis=False),
        )
        yield Step("copy", f"restore {table} as of {record.at} into {copy}", self._copy)
        yield Step(
            "cut",
            f"cut {copy} back to whole commits, and name what was cut",
            lambda: cutting.cut(self.cloud, record, self.dynamodb),
        )
        yield Step("examine", f"audit the events of {copy}", lambda: cutting.examine(record))
        yield Step("backup", f"back {table} up, as it is, damaged", self._back_up)
        swap = f"back {copy} up, delete {table}, and restore that backup as {table}"
        yield Step("swap", swap, self._swap)
        yield Step(
            "settings",
            f"give {table} its stream, deletion protection, point-in-time recovery and tags",
            self._set_right,
        )
        yield Step(
            "streams",
            f"feed the projectors of {names} from the new stream of {table}",
            lambda: streams.feed_from(self.cloud, self.stages, record),
        )
        yield Step(
            "drain",
            "let projectors that read a Kinesis stream read to its end, and switch them off",
            lambda: functions.pause(self.cloud, self.stages, record, kinesis=True),
        )

    def _read_side_steps(self) -> Iterator[Step]:
        for stage in self.readers:
            words = f"empty the read tables of {stage.name}"
            yield Step(f"empty {stage.name}", words, partial(self._in, stage, "empty"))
        for stage in self.readers:
            for group in stage.groups:
                words = f"rebuild {group} of {stage.name} from {self.record.table}"
                rebuild = partial(self._in, stage, "rebuild", group)
                yield Step(f"rebuild {stage.name} {group}", words, rebuild)

    def plan(self) -> None:
        """Prints every step, and changes nothing."""
        self._check()
        for stage in self.stages:
            for name in functions.functions_of(self.cloud, stage).values():
                self.cloud.say(f"  {stage.name} has the function {name}")
        for number, step in enumerate(self.steps(), start=1):
            done = " (done)" if self.record.is_done(step.name) else ""
            self.cloud.say(f"{number:>3}. {step.words}{done}")
        self.cloud.say("nothing was changed")

    def run(self) -> None:
        """Does the remaining steps. Raises a click error with the failed step and the state."""
        steps = list(self.steps())
        for number, step in enumerate(steps, start=1):
            if self.record.is_done(step.name):
                continue
            self.cloud.say(f"[{number}/{len(steps)}] {step.words}")
            try:
                step.do()
            except (click.ClickException, ClientError, BotoCoreError) as error:
                what = error.message if isinstance(error, click.ClickException) else in_words(error)
                raise click.ClickException(
                    f"stopped at step {number}, {step.name}: {what}; {self.record.state()}"
                ) from error
            self.record.finished(step.name)
        for line in self.record.lines(keep_copy=self.keep_copy):
            self.cloud.say(line)
        self.record.close()

    def abandon(self) -> None:
        """Opens everything again as it was. Raises a click error if the table may be replaced."""
        if self.record.is_done("backup"):
            raise click.ClickException(
                f"{self.record.table} may be replaced already: finish the restore instead"
            )
        self._open()
        self.record.path.unlink(missing_ok=True)
        self.cloud.say(f"the restore is left; {self.record.copy}, if it was made, stays")

    def _check(self) -> None:
        tables.check(
            self.cloud, self.dynamodb, self.record.table, datetime.fromisoformat(self.record.at)
        )
        functions.check(self.cloud, self.stages)
        streams.check(self.cloud, self.stages)

    def _copy(self) -> None:
        tables.make_copy(self.cloud, self.dynamodb, self.record, self.definition)

    def _back_up(self) -> None:
        stopped = self.record.saw("stopped", self.cloud.now())
        self.cloud.wait_until(stopped + tables.BACKUP_MARGIN, "for the last writes to be backed up")
        name = f"twofold-{self.record.environment}-damaged-{self.record.id}"
        arn = tables.back_up(self.cloud, self.dynamodb, self.record.table, name)
        self.record.backups["damaged"] = arn
        self.record.save()
        self.cloud.say(f"  {arn}")

    def _swap(self) -> None:
        cut = self.record.saw("cut", self.cloud.now())
        self.cloud.wait_until(cut + tables.BACKUP_MARGIN, "for the cuts to be backed up")
        tables.swap(self.cloud, self.dynamodb, self.record, self.definition)

    def _set_right(self) -> None:
        tables.set_right(self.cloud, self.dynamodb, self.record, self.definition)
        streams.feed_kinesis(self.cloud, self.writer, self.record)

    def _in(self, stage: Stage, *arguments: str) -> None:
        for line in self.run_in(stage, arguments).splitlines():
            self.cloud.say(f"  {line}")

    def _audit(self) -> None:
        """Audits with the tables of each replica, once. Raises a click error for any finding.

        Checkpoints are begun anew, since events after the moment are gone on purpose.
        """
        replicas = {stage.replica: stage for stage in self.readers}
        why = f"restored to {self.record.at}"
        for stage in replicas.values():
            report = json.loads(self.run_in(stage, ["audit", "--json", "--anew", why]))
            self.cloud.say(f"  {report['events']} events of {report['streams']} streams")
            if report["findings"]:
                found = "".join(
                    f"\n  WRONG {each['where']} {each['version']}: {each['what']}"
                    for each in report["found"][: cutting.SHOWN]
                )
                raise click.ClickException(f"{report['findings']} findings{found}")
            if (report["events"], report["streams"]) != (self.record.events, self.record.streams):
                raise click.ClickException(
                    f"{self.record.copy} had {self.record.events} events of "
                    f"{self.record.streams} streams, and {self.record.table} has not: compare them"
                )

    def _open(self) -> None:
        functions.feed_again(self.cloud, self.record)
        functions.open_again(self.cloud, self.record)

    def _health(self) -> None:
        for stage in self.stages:
            url = streams.address_of(self.cloud, stage)
            if url is None:
                self.cloud.say(f"  {stage.name} has no known address: call it yourself")
                continue
            self.cloud.until(partial(_answers, url), f"{url}/health", hours=0.05)
            self.cloud.say(f"  {stage.name} answers at {url}")


def _answers(url: str) -> bool | None:
    status, _ = fetch(f"{url}/health")
    return status == 200 or None
