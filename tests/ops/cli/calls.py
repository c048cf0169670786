"""Calls of the operator's command line: every command, with arguments that it accepts."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from click.testing import CliRunner, Result

from ops.__main__ import ops
from ops.commands import HIDDEN

DATA = str(Path(__file__).resolve().parents[2] / "data" / "berka-sample.csv")

VALUES = {"place": "acme/account/cash#0000000000000002", "data": DATA, "at": "2026-11-25T12:00:00Z"}
"""Values of parameters that accept more than a choice or any text."""

ALSO = {"keys create": ("--all-ledgers",)}
"""What commands need besides their required parameters."""


@dataclass(frozen=True)
class Call:
    """A command by its path, such as ("keys", "list")."""

    path: tuple[str, ...]
    command: click.Command

    @property
    def name(self) -> str:
        """The command as a person types it."""
        return " ".join(self.path)

    def has(self, parameter: str) -> bool:
        """Whether the command has this parameter."""
        return any(each.name == parameter for each in self.command.params)

    def arguments(self, folder: Path) -> list[str]:
        """The command with a value for each required parameter; files are in this folder."""
        words = [*self.path, *ALSO.get(self.name, ())]
        for each in self.command.params:
            needed = each.required or each.name in VALUES
            if not needed and not (isinstance(each, click.Argument) and each.nargs != -1):
                continue
            if isinstance(each, click.Option):
                words.append(each.opts[0])
            words.append(_value(each, folder))
        return words


def _value(parameter: click.Parameter, folder: Path) -> str:
    if parameter.name in VALUES:
        return VALUES[parameter.name]
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    return str(folder / "out") if isinstance(parameter.type, click.Path) else "x"


def calls() -> list[Call]:
    """Every command of the command line, as click knows them, the hidden ones included."""
    context = click.Context(ops)
    names = [*ops.list_commands(context), *HIDDEN]
    return [each for name in sorted(names) for each in _leaves(context, ops, (name,))]


def _leaves(context: click.Context, group: click.Group, path: tuple[str, ...]) -> Iterator[Call]:
    command = group.get_command(context, path[-1])
    assert command is not None, path
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _leaves(context, command, (*path, name))
    else:
        yield Call(path, command)


def run(words: Sequence[str]) -> Result:
    """Runs the command line in this process."""
    return CliRunner().invoke(ops, words, prog_name="twofold")


def without_aws(home: Path) -> dict[str, str]:
    """Environment variables of a person who has never used AWS."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TWOFOLD_"))
    }
    return {**kept, "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
