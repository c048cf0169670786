"""The commands, each in its own module, which is imported when the command runs."""

import os
from importlib import import_module

import click

from chalicelib.settings import read_again, settings
from ops.aws import in_words
from ops.stages import stage_named

COMMANDS = {
    "audit": "ops.audit",
    "chaos": "ops.chaos.command",
    "dead-letters": "ops.dead_letters",
    "demo": "ops.demo",
    "deploy": "ops.deploy",
    "deployer": "ops.deployer",
    "destroy": "ops.deploy",
    "empty": "ops.restore",
    "faults": "ops.faults.command",
    "keys": "ops.keys",
    "openapi": "ops.openapi",
    "package": "ops.packaging",
    "parked": "ops.dead_letters",
    "policies": "ops.policies",
    "problems": "ops.problems",
    "provision": "ops.provision",
    "rebuild": "ops.rebuild",
    "redrive": "ops.dead_letters",
    "reset": "ops.reset",
    "restore": "ops.restore",
    "template": "ops.template",
    "tune": "ops.tune",
}
"""The module of each command."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is run."""

    def list_commands(self, _: click.Context) -> list[str]:
        """The names of the commands."""
        return sorted(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """The command of this name."""
        if name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[name]), name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def invoke(self, context: click.Context) -> object:
        """Runs a command. An error of AWS is printed in one line, without a traceback."""
        try:
            return super().invoke(context)
        except Exception as error:  # Raised again unless it is one of AWS's.
            words = in_words(error)
            if words is None:
                raise
            raise click.ClickException(words) from error


def use_stage(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Gives this process the environment variables of a stage."""
    if name is not None:
        os.environ.update(stage_named(name).variables)
        read_again()
    return name


def use_local_engine(_: click.Context, __: click.Parameter, local: bool) -> None:
    """Makes this process use the engine of a running server, or the configured endpoint.

    Raises a click error if no server is running.
    """
    if not local:
        return
    from chalicelib.local import engine

    os.environ["TWOFOLD_ENVIRONMENT"] = "dev"
    if settings().endpoint is None:
        try:
            endpoint = engine.running().endpoint
        except engine.EngineError as error:
            raise click.ClickException(str(error)) from None
        engine.connect(endpoint)


@click.group(cls=LazyGroup)
@click.option(
    "--local",
    is_flag=True,
    expose_value=False,
    callback=use_local_engine,
    help="Work on `make run`'s books.",
)
@click.option("--stage", callback=use_stage, help="Work on this stage of .chalice/config.json.")
@click.pass_context
def ops(context: click.Context, stage: str | None) -> None:
    """Operates a Twofold ledger."""
    context.obj = stage and stage_named(stage)


def main() -> None:
    """The command `twofold`."""
    ops(prog_name="twofold")


if __name__ == "__main__":
    ops()
