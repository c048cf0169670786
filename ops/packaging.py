"""Packaging: each stage's template and code as files, made without credentials and without AWS.

A stage is packaged from a copy of the project, so that edits meanwhile do not get into it.
Chalice describes the app (routes, Lambdas, roles) and packs its own runtime; the pinned libraries
come as wheels for the Lambdas' Python and processor, whatever Python runs this.
"""

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import click

from ops import policies
from ops.aws import home_region
from ops.lambda_runtimes import notice, platforms, runtime_named
from ops.processes import run_ops
from ops.stages import PROJECT, Stage, stages
from ops.trimming import trim
from ops.wheels import install

TEMPLATE, CODE = "template.json", "code.zip"

_SOURCES = ("app.py", "chalicelib", "ops")
_INGREDIENTS = (*_SOURCES, "requirements.txt", ".chalice", "environments")
"""What code and templates are made of."""

_CHALICE_ZIP = "deployment.zip"


@dataclass(frozen=True)
class Package:
    """One packaged stage."""

    stage: Stage
    folder: Path

    @property
    def template(self) -> Path:
        """The CloudFormation template."""
        return self.folder / TEMPLATE

    @property
    def code(self) -> Path:
        """The zip of the Lambdas' code, the same for all stages of a runtime."""
        return self.folder / CODE


def package_stages(stages: Sequence[Stage], out: Path) -> list[Package]:
    """Packages stages into `out/{stage}/`. Raises a click error where one cannot be packaged."""
    made = []
    with tempfile.TemporaryDirectory() as temporary:
        project, work = Path(temporary, "project"), Path(temporary, "work")
        lay_out(stages, project)
        for stage in stages:
            folder = out / stage.name
            folder.mkdir(parents=True, exist_ok=True)
            template, base = describe(project, stage, work / stage.name)
            (folder / TEMPLATE).write_text(template)
            made.append(Package(stage, folder))
        code: dict[tuple[str, str], Path] = {}
        for each in made:
            kind = (each.stage.runtime, each.stage.architecture)
            if kind not in code:
                code[kind] = pack(base, *kind, work / "-".join(kind))
            shutil.copyfile(code[kind], each.code)
    return made


def lay_out(stages: Sequence[Stage], project: Path) -> None:
    """A copy of the project that Chalice packages: with these stages, and without libraries."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in _SOURCES:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=ignored)
        else:
            project.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, project / name)
    (project / "requirements.txt").write_text("")
    entries: dict[str, Any] = {}
    for stage in stages:
        functions = {}
        for name in stage.functions:
            path = Path("policies", stage.name, f"{name}.json")
            written = project / ".chalice" / path
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(json.dumps(policies.of_function(stage, name)))
            own = stage.config.get("lambda_functions", {}).get(name, {})
            functions[name] = {**own, "iam_policy_file": str(path)}
        entries[stage.name] = {
            **stage.config,
            "api_gateway_endpoint_type": "REGIONAL",
            "lambda_functions": functions,
        }
    config = {"version": "2.0", "app_name": "twofold", "stages": entries}
    (project / ".chalice" / "config.json").write_text(json.dumps(config))


def describe(project: Path, stage: Stage, out: Path) -> tuple[str, Path]:
    """A stage's template, and the zip that Chalice makes of the app and its own runtime."""
    out.mkdir(parents=True)
    region = stage.region or os.environ.get("AWS_DEFAULT_REGION") or home_region()
    # The table names, and what the app declares, follow from the stage's variables. Chalice needs a
    # region, which the template does not name.
    others = {name: value for name, value in os.environ.items() if not name.startswith("TWOFOLD_")}
    done = run_ops(
        *(stage, "template", str(out)),
        environment=others,
        region=region,
        cwd=project,
        capture_output=True,
    )
    if done.returncode:
        output = (done.stderr or done.stdout).strip()
        raise click.ClickException(f"{stage.name} can not be packaged:\n{output}")
    return (out / TEMPLATE).read_text(), out / _CHALICE_ZIP


def pack(base: Path, runtime: str, architecture: str, work: Path) -> Path:
    """The zip of the code: the app with Chalice's runtime, and the pinned libraries; trimmed."""
    libraries, packed = work / "libraries", work / CODE
    install(PROJECT / "requirements.txt", libraries, runtime, architecture)
    with zipfile.ZipFile(base) as app, zipfile.ZipFile(packed, "w") as whole:
        for entry in app.infolist():
            whole.writestr(entry, app.read(entry))
        taken = set(app.namelist())
        for path in sorted(libraries.rglob("*")):
            name = path.relative_to(libraries).as_posix()
            if path.is_file() and name not in taken:
                whole.write(path, name)
    trim(packed, runtime=runtime)
    return packed


@cache
def uncommitted() -> tuple[str, ...]:
    """The files of a package with uncommitted changes; none outside of git."""
    words = ["git", "status", "--porcelain", "--", *_INGREDIENTS]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    return tuple(line[3:] for line in done.stdout.splitlines()) if done.returncode == 0 else ()


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
    for made in package_stages(found, out):
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
    changed = uncommitted()
    if changed:
        click.echo(f"packaging uncommitted changes: {', '.join(changed)}", err=True)
