"""Tune: what a stage has besides what `chalice deploy` makes of it (ops/tuning)."""

from functools import cache

import click

from ops.aws import client, home_region
from ops.deploying.adoption import events_stream
from ops.stages import Stage, required
from ops.tuning import tuner
from ops.tuning.deployed import Deployed, check_limits, deployed
from ops.tuning.handling import Target


@click.command()
@click.option("--remove", is_flag=True, help="Removes it again: before `chalice delete`.")
@click.pass_obj
def tune(stage: Stage | None, remove: bool) -> None:
    """Gives a stage what `chalice deploy` cannot: run it after each one."""
    stage = required(stage)
    check_limits(stage)
    region, of_region = home_region(), cache(client)
    identity = of_region("sts").get_caller_identity()
    if remove:
        partition = str(identity["Arn"]).split(":")[1]
        target = Target(stage, Deployed(identity["Account"], region, partition), of_region)
        for line in tuner.remove(target, tuner.steps(target)):
            click.echo(f"removed: {line}")
        return
    target = Target(stage, deployed(stage, identity, region), of_region)
    stream = events_stream(of_region("dynamodb"), stage.environment)
    for line in tuner.apply(target, tuner.steps(target, stream or "")):
        click.echo(f"applied: {line}")
    click.echo(f"{stage.name} is at {target.deployed.url}")
