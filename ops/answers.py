"""Answers: the options `--json` and `--dry-run`, which are the same for every command.

A command that answers a question returns an `Answer`, which is printed as text or as JSON. One that
changes something has `--dry-run`.
"""

import json
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

AS_JSON = "as_json"
"""The name of the parameter of `--json`."""

DRY_RUN = "dry_run"
"""The name of the parameter of `--dry-run`."""

_P = ParamSpec("_P")
_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Answer:
    """What a command answers: a document for programs, and lines of text for people.

    With an `error` the command ends with that line and the exit status 1, after the answer.
    """

    document: Any
    lines: Iterable[str] = ()
    status: int = 0
    error: str | None = None


def counted(count: int, thing: str) -> str:
    """A number of things in words, such as "1 table" and "1,200 tables"."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def answers(command: Callable[_P, Answer]) -> Callable[..., None]:
    """Gives a command the option `--json`: its answer as one JSON document on standard output.

    Whatever else the command prints then goes to standard error.
    """

    @click.option("--json", AS_JSON, is_flag=True, help="Print one JSON document.")
    @wraps(command)
    def printed(*arguments: _P.args, **options: _P.kwargs) -> None:
        as_json = options.pop(AS_JSON)
        with redirect_stdout(sys.stderr) if as_json else nullcontext():
            answer = command(*arguments, **options)
        if as_json:
            click.echo(json.dumps(answer.document, indent=2))
        else:
            for line in answer.lines:
                click.echo(line)
        if answer.error is not None:
            raise click.ClickException(answer.error)
        if answer.status:
            raise SystemExit(answer.status)

    return printed


def dry_run(*other_names: str) -> Callable[[_Command], _Command]:
    """The option `--dry-run` of a command, which may have other names too."""
    return click.option(
        "--dry-run",
        *other_names,
        DRY_RUN,
        is_flag=True,
        help="Only say what would be done; change nothing.",
    )
