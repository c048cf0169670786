"""Deploy and destroy: an environment's stages brought up, planned, and taken down.

Safe to repeat: an unchanged stage is left alone, and an interrupted deploy is finished.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from chalicelib import __version__
from chalicelib.settings import WRITE
from ops import cognito, cursor_key, logging_role
from ops.answers import Answer, answers, counted, dry_run
from ops.aws import account, client, home_region, partition
from ops.deploying import health, takedown
from ops.deploying.bucket import Bucket, used_keys
from ops.deploying.plan import plan
from ops.deploying.stacks import Step
from ops.deploying.stage import Deployment
from ops.packaging import chosen, package_stages, stages_options, warn
from ops.stages import Stage, stages

EVENTS_WORD = "delete-the-books"
"""The word without which `destroy` keeps the event table and the keys."""


@click.command()
@stages_options
@dry_run("--plan")
@click.option("--health/--no-health", "calls", default=True, help="Call /health of each stage.")
@click.option("--release", multiple=True, help="Let this table leave its stack; it is kept.")
@answers
def deploy(
    environment: str, only: tuple[str, ...], dry_run: bool, calls: bool, release: tuple[str, ...]
) -> Answer:
    """Brings up every stage of an environment, and prints the addresses."""
    found = chosen(environment, only)
    warn(found)
    for pool in sorted({each.user_pool for each in found if each.user_pool}):
        cognito.check(pool)
    with _deployments(found, release) as deployments:
        if dry_run:
            return _plan(deployments)
        return _bring_up(_in_order(deployments), calls=calls)


@click.command()
@stages_options
@click.option("--events", "word", default="", help=f"'{EVENTS_WORD}' deletes the books as well.")
@click.option("--replicas", is_flag=True, help="Delete copies of tables in other regions too.")
@dry_run("--plan")
@answers
def destroy(
    environment: str, only: tuple[str, ...], word: str, replicas: bool, dry_run: bool
) -> Answer:
    """Takes every stage of an environment down; the event table and the keys only on request."""
    if word not in ("", EVENTS_WORD):
        raise click.ClickException(f"to delete the books as well, say --events {EVENTS_WORD}")
    found = chosen(environment, only)
    stages_down = []
    for stage in reversed(found):
        down = takedown.Takedown(stage, _region(stage), client, bool(word), replicas)
        stages_down.append(down.document())
        for line in down.plan() if dry_run else down.run():
            click.echo(line)
    lines = [_in_numbers(stages_down)] if dry_run else []
    if not word and any(WRITE in stage.serves for stage in found):
        lines.append(f"to delete the books as well, say --events {EVENTS_WORD}")
    return Answer({"environment": environment, "dry_run": dry_run, "stages": stages_down}, lines)


def _in_numbers(stages_down: Sequence[dict[str, Any]]) -> str:
    stacks = sum(each["status"] is not None for each in stages_down)
    deleted, kept = (sum(len(each[what]) for each in stages_down) for what in ("deleted", "kept"))
    return (
        f"{counted(stacks, 'stack')} and {counted(deleted, 'table')} would be deleted, and "
        f"{counted(kept, 'table')} kept"
    )


@contextmanager
def _deployments(found: Sequence[Stage], released: Sequence[str]) -> Iterator[list[Deployment]]:
    """The stages packaged, with the clients of their regions."""
    owner = account()
    click.echo(f"packaging {', '.join(stage.name for stage in found)}")
    with tempfile.TemporaryDirectory() as out:
        made = []
        for packaged in package_stages(found, Path(out)):
            region = _region(packaged.stage)
            made.append(
                Deployment(
                    packaged,
                    client("cloudformation", region),
                    client("dynamodb", region),
                    Bucket(client("s3", region), owner, region),
                    client("dynamodb", _events_region(packaged.stage.environment)),
                    client("kms", region),
                    released,
                )
            )
        yield made


def _in_order(deployments: Sequence[Deployment]) -> list[Deployment]:
    """Existing readers come before the writer, so that they understand what it will write.

    New readers come after it, since they read its table, and so do all readers if the custom domain
    is new or has another name, since the writer makes it.
    """
    writers = [each for each in deployments if WRITE in each.stage.serves]
    readers = [each for each in deployments if WRITE not in each.stage.serves]
    if not all(_exists(each) and not each.lacks_domain() for each in writers):
        return writers + readers
    existing = [each for each in readers if _exists(each)]
    return existing + writers + [each for each in readers if each not in existing]


def _exists(each: Deployment) -> bool:
    return each.stack.state().step not in (Step.CREATE, Step.CLEAR)


def _bring_up(deployments: Sequence[Deployment], *, calls: bool) -> Answer:
    for region, group in _by_region(deployments).items():
        logging_role.ensure(partial(client, region=region), partition(region))
        group[0].bucket.prepare()
        sent = [each.upload() for each in group]
        click.echo(f"code in {region}: {'uploaded' if any(sent) else 'already there'}")
    if all(_exists(each) for each in deployments if WRITE in each.stage.serves):
        # Before the readers, which use it: the table exists.
        cursor_key.ensure(deployments[0].events, deployments[0].stage.environment)
    addresses = [
        (each.stage, _deploy_stage(each, f"[{number}/{len(deployments)}] {each.stage.name}"))
        for number, each in enumerate(deployments, start=1)
    ]
    if calls:
        for stage, address in addresses:
            health.check(address, stage.serves, __version__)
    environment = deployments[0].stage.environment
    click.echo(f"\n{environment} is up:")
    for stage, address in addresses:
        click.echo(f"  {stage.name:<12} {address}")
    for group in _by_region(deployments).values():
        used = used_keys(group[0].formation)
        if used is not None:
            group[0].bucket.expire(used, datetime.now(UTC))
    found = [{"stage": stage.name, "address": address} for stage, address in addresses]
    return Answer({"environment": environment, "stages": found})


def _deploy_stage(each: Deployment, step: str) -> str:
    """Brings one stage up; its address."""
    click.echo(f"{step}: deploying")
    outcome = each.bring_up()
    if WRITE in each.stage.serves:
        cursor_key.ensure(each.events, each.stage.environment)
    for name in outcome.adopted:
        click.echo(f"{step}: adopted the table {name} with all that is in it")
    if outcome.unfinished:
        each.finish()
    click.echo(f"{step}: {outcome.what}")
    return outcome.address


def _plan(deployments: Sequence[Deployment]) -> Answer:
    planned = [plan(each) for each in _in_order(deployments)]
    refused = [f"{each.stage}: {'; '.join(each.refusals)}" for each in planned if each.refusals]
    error = "deploy would stop: " + "; ".join(refused) if refused else None
    lines = [line for each in planned for line in each.lines()]
    return Answer([each.as_json() for each in planned], lines, error=error)


def _by_region(deployments: Sequence[Deployment]) -> dict[str, list[Deployment]]:
    groups: dict[str, list[Deployment]] = {}
    for each in deployments:
        groups.setdefault(each.bucket.region, []).append(each)
    return groups


def _region(stage: Stage) -> str:
    return stage.region or home_region()


def _events_region(environment: str) -> str:
    """Where the event table is: in the region of the stage that writes."""
    writers = [stage for stage in stages(environment) if WRITE in stage.serves]
    return _region(writers[0]) if writers else home_region()
