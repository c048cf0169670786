"""The commands, each in a module of its own, loaded when it is asked for: all of them take a second
to load.
"""

import os
from importlib import import_module

import click

from chalicelib.settings import read_again, settings
from ops.errors import in_words
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
    "package": "ops.package",
    "parked": "ops.dead_letters",
    "policies": "ops.policies",
    "provision": "ops.provision",
    "rebuild": "ops.rebuild",
    "redrive": "ops.dead_letters",
    "reset": "ops.reset",
    "restore": "ops.restore",
    "template": "ops.template",
    "tune": "ops.tune",
}
"""Each command and the module that has it."""


class Late(click.Group):
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
        """Runs a command. What AWS refuses is one line, not a traceback."""
        try:
            return super().invoke(context)
        except Exception as error:  # Raised again unless it is one of AWS's.
            words = in_words(error)
            if words is None:
                raise
            raise click.ClickException(words) from error


def become(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Gives this process the environment variables of a stage."""
    if name is not None:
        os.environ.update(stage_named(name).variables)
        read_again()
    return name


def attach(_: click.Context, __: click.Parameter, local: bool) -> None:
    """Points this process at the engine of a running server: the embedded one, or that it names.

    Raises a click error if there is none.
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


@click.group(cls=Late)
@click.option(
    "--local", is_flag=True, expose_value=False, callback=attach, help="Work on `make run`'s books."
)
@click.option("--stage", callback=become, help="Work on this stage of .chalice/config.json.")
@click.pass_context
def ops(context: click.Context, stage: str | None) -> None:
    """Operates a Twofold ledger."""
    context.obj = stage and stage_named(stage)


if __name__ == "__main__":
    ops()
