"""The operator's command line: options that come before the command."""

import os

import click
from botocore.exceptions import NoRegionError

from chalicelib.settings import read_again, settings
from ops.aws import configured_region
from ops.commands import Commands
from ops.processes import region_variables
from ops.stages import Stage, stage_named


def use_stage(_: click.Context, __: click.Parameter, name: str | None) -> Stage | None:
    """Gives this process the environment variables and the region of a stage.

    Raises a click error for an unknown stage or another region than the stage's, and NoRegionError.
    """
    if name is None:
        return None
    stage, configured = stage_named(name), configured_region()
    if stage.region and configured not in (None, stage.region):
        raise click.ClickException(
            f"{name} lives in {stage.region}: set AWS_DEFAULT_REGION={stage.region}"
        )
    region = configured or stage.region
    if not region:
        raise NoRegionError
    os.environ.update({**stage.variables, **region_variables(region)})
    read_again()
    return stage


def use_local_engine(_: click.Context, __: click.Parameter, local: bool) -> None:
    """Makes this process use the engine of a running server, or the configured endpoint.

    Raises a click error if no server is running.
    """
    if not local:
        return
    from chalicelib.local import engine

    os.environ["TWOFOLD_ENVIRONMENT"] = "dev"
    read_again()
    if settings().endpoint is None:
        try:
            endpoint = engine.running().endpoint
        except engine.EngineError as error:
            raise click.ClickException(str(error)) from None
        engine.connect(endpoint)


@click.group(cls=Commands, context_settings={"max_content_width": 100})
@click.option(
    "--local",
    is_flag=True,
    expose_value=False,
    callback=use_local_engine,
    help="Use the data of `make run`, on this computer.",
)
@click.option(
    "--stage",
    callback=use_stage,
    metavar="NAME",
    help="Use the tables of this stage on AWS: write, accounts, journal, or another.",
)
@click.pass_context
def ops(context: click.Context, stage: Stage | None) -> None:
    """Operates a Twofold ledger."""
    context.obj = stage


def main() -> None:
    """The command `twofold`."""
    ops(prog_name="twofold")


if __name__ == "__main__":
    ops()
