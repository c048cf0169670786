"""Tune: what a stage has besides what `chalice deploy` makes of it (ops/tuning)."""

from collections import Counter
from collections.abc import Iterable
from functools import cache

import click

from ops.answers import Answer, answers, dry_run
from ops.aws import client, home_region
from ops.deploying.adoption import events_stream
from ops.stages import Stage, required
from ops.tuning import tuner
from ops.tuning.deployed import Deployed, check_limits, deployed
from ops.tuning.handling import Target


@click.command()
@click.option("--remove", is_flag=True, help="Removes it again: before `chalice delete`.")
@dry_run()
@answers
@click.pass_obj
def tune(stage: Stage | None, remove: bool, dry_run: bool) -> Answer:
    """Gives a stage what `chalice deploy` cannot: run it after each one."""
    stage = required(stage)
    check_limits(stage)
    region, of_region = home_region(), cache(client)
    identity = of_region("sts").get_caller_identity()
    if remove:
        partition = str(identity["Arn"]).split(":")[1]
        target = Target(stage, Deployed(identity["Account"], region, partition), of_region)
        wanted = list(filter(tuner.is_removed, tuner.steps(target)))
        if not dry_run:
            _say("removed", tuner.remove(target, wanted))
    else:
        target = Target(stage, deployed(stage, identity, region), of_region)
        stream = events_stream(of_region("dynamodb"), stage.environment)
        wanted = tuner.steps(target, stream or "")
        if not dry_run:
            _say("applied", tuner.apply(target, wanted))
    return _answer(target, Counter(step.kind for step in wanted), remove=remove, dry_run=dry_run)


def _say(done: str, lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(f"{done}: {line}")


def _answer(target: Target, kinds: Counter[str], *, remove: bool, dry_run: bool) -> Answer:
    document = {
        "stage": target.stage.name,
        "dry_run": dry_run,
        "removed" if remove else "applied": kinds,
        "address": target.deployed.url or None,
    }
    done = "remove" if remove else "apply"
    lines = [f"would {done}: {count:>3} {kind}" for kind, count in kinds.items() if dry_run]
    if not remove:
        lines.append(f"{target.stage.name} is at {target.deployed.url}")
    return Answer(document, lines)
