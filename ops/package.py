"""Package: an environment's stages as templates and code, the files that `deploy` uploads."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from ops import packaging
from ops.lambda_runtimes import notice, platforms, runtime_named
from ops.stages import Stage, stages

Command = TypeVar("Command", bound=Callable[..., None])


def stages_options(command: Command) -> Command:
    """The options of a command for an environment's stages."""
    only = click.option("--only", multiple=True, help="This stage and no other; may be repeated.")
    return click.option("--environment", default="prod", show_default=True)(only(command))


@click.command()
@stages_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
def package(environment: str, only: tuple[str, ...], out: Path) -> None:
    """Writes `OUT/{stage}/template.json` and `OUT/{stage}/code.zip` for every stage.

    Needs neither credentials nor AWS; the pinned libraries come from the package index.
    """
    found = chosen(environment, only)
    warn(found)
    for made in packaging.package(found, out):
        click.echo(f"{made.stage.name}: {made.template}, {made.code}")


def chosen(environment: str, only: tuple[str, ...] = ()) -> list[Stage]:
    """The stages of an environment, or those named. Raises a click error for an unknown one."""
    found = stages(environment)
    if not found:
        raise click.ClickException(
            f"there is no environment {environment}: describe it in environments/{environment}.json"
        )
    unknown = set(only) - {stage.name for stage in found}
    if unknown:
        names = ", ".join(stage.name for stage in found)
        raise click.ClickException(
            f"{environment} has no stage {', '.join(sorted(unknown))}; it has {names}"
        )
    return [stage for stage in found if not only or stage.name in only]


def warn(found: Sequence[Stage]) -> None:
    """Warns of uncommitted files, and of runtimes whose support ends.

    Raises a click error for a runtime or an architecture that cannot be packaged.
    """
    for runtime, architecture in sorted({(each.runtime, each.architecture) for each in found}):
        known = runtime_named(runtime)
        platforms(known, architecture)
        ending = notice(known, datetime.now(UTC).date())
        if ending:
            click.echo(ending, err=True)
    changed = packaging.uncommitted()
    if changed:
        click.echo(f"packaging uncommitted changes: {', '.join(changed)}", err=True)
