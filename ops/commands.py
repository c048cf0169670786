"""The commands: each in its own module, which is imported when the command runs."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from chalicelib.settings import read_again
from ops.errors import reported_in_one_line

Entry = tuple[str, str]
"""The module of a command, and its line in the list of all commands: at most 60 characters."""

SECTIONS: Mapping[str, Mapping[str, Entry]] = {
    "Data": {
        "audit": ("ops.audit", "Verifies every event and every row of every ledger."),
        "dead-letters": ("ops.dead_letters", "Shows the events that could not be projected."),
        "redrive": ("ops.dead_letters", "Projects dead letters again, once the cause is fixed."),
        "rebuild": ("ops.rebuild", "Corrects the read tables from the events."),
        "restore": ("ops.restore", "Restores the event table to an earlier moment."),
    },
    "Access": {
        "keys": ("ops.keys", "Creates, lists and revokes API keys."),
    },
    "Environments on AWS": {
        "deploy": ("ops.deploy", "Creates or updates the stages of an environment."),
        "destroy": ("ops.deploy", "Deletes the stages of an environment, but not its books."),
        "package": ("ops.packaging", "Writes the templates and the code that deploy would use."),
        "provision": ("ops.provision", "Creates what a stage needs before `chalice deploy`."),
        "tune": ("ops.tune", "Adds what a stage needs after `chalice deploy`."),
    },
    "This computer": {
        "demo": ("ops.demo", "Posts a bank's transactions and compares its balances."),
        "reset": ("ops.reset", "Deletes the data of `make run`."),
    },
    "Twofold's own development": {
        "chaos": ("ops.chaos.command", "Writes and projects among injected faults, and verifies."),
        "deployer": ("ops.deployer", "Writes the policies of who may deploy: docs/examples."),
        "faults": ("ops.faults.command", "Sends requests through a faulty proxy, and verifies."),
        "openapi": ("ops.openapi", "Writes the description of the API."),
        "policies": ("ops.policies", "Writes the policies of the Lambdas: .chalice/policies."),
        "problems": ("ops.problems", "Writes a page for each error code: docs/problems."),
    },
}
"""The commands in the sections of `--help`."""

HIDDEN: Mapping[str, str] = {
    "empty": "ops.restore",
    "parked": "ops.dead_letters",
    "template": "ops.template",
}
"""Commands that other commands run, and former names: each with its module."""

EXIT_STATUSES = (
    ("0", "done"),
    ("1", "not done, or an audit has findings"),
    ("2", "wrong arguments"),
)


class Commands(click.Group):
    """The group of all commands. Imports the module of a command when it is used."""

    def list_commands(self, _: click.Context) -> list[str]:
        """The names of the commands that are shown."""
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """The command of this name."""
        module = _modules().get(name)
        if module is None:
            return None
        command = getattr(import_module(module), name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands by section, without importing them, and the exit statuses."""
        widest = max(map(len, _modules()))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                rows = [(f"{name:{widest}}", line) for name, (_, line) in section.items()]
                formatter.write_dl(rows)
        with formatter.section("Exit status"):
            formatter.write_dl([(f"{status:{widest}}", text) for status, text in EXIT_STATUSES])

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Reads the options before the command. A wrong setting is an error of one line."""
        try:
            read_again()
        except ValueError as error:
            raise click.ClickException(str(error)) from None
        with reported_in_one_line():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, context: click.Context) -> object:
        """Runs a command. A known error is one line, without a traceback."""
        with reported_in_one_line():
            return super().invoke(context)


def _modules() -> dict[str, str]:
    shown = {name: module for section in SECTIONS.values() for name, (module, _) in section.items()}
    return {**shown, **HIDDEN}
