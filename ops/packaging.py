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

from chalicelib.settings import settings
from ops import policies
from ops.aws import home_region
from ops.lambda_runtimes import notice, platforms, runtime_named
from ops.package_cache import PackageCache, contents
from ops.processes import run_ops
from ops.stages import PROJECT, Stage, stages
from ops.trimming import trim
from ops.wheels import install

TEMPLATE, CODE = "template.json", "code.zip"

_SOURCES = ("app.py", "chalicelib", "ops")
_INGREDIENTS = (*_SOURCES, "requirements.txt", ".chalice", "environments")
"""What code and templates are made of."""

_CHALICE_ZIP = "deployment.zip"

_POLICIES = ".chalice/policies"

_LOCK = "lock.txt"
"""The lock in a copy of the project, whose `requirements.txt` is empty."""


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


def package_stages(
    stages: Sequence[Stage], out: Path, *, cache: Path | None = None
) -> list[Package]:
    """Packages stages into `out/{stage}/`. Raises a click error where one cannot be packaged.

    `cache` keeps what is packaged; by default it is a folder of the settings.
    """
    made = []
    with tempfile.TemporaryDirectory() as temporary:
        copy = Copy(stages, Path(temporary), cache or settings().home / "packages")
        for stage in stages:
            package = Package(stage, out / stage.name)
            package.folder.mkdir(parents=True, exist_ok=True)
            package.template.write_bytes(copy.template(stage))
            package.code.write_bytes(copy.code(stage))
            made.append(package)
    return made


class Copy:
    """A copy of the project, of which stages are packaged unless a cache has their packages."""

    def __init__(self, stages: Sequence[Stage], folder: Path, cache: Path) -> None:
        self._project, self._work = folder / "project", folder / "work"
        self._cache = PackageCache(cache)
        lay_out(stages, self._project)
        files = contents(self._project)  # Before Chalice adds some.
        self._policies = [file for file in files if file[0].startswith(f"{_POLICIES}/")]
        self._sources = [file for file in files if not file[0].startswith(".chalice/")]

    def template(self, stage: Stage) -> bytes:
        """A stage's template. Raises a click error if it cannot be described."""
        own = [file for file in self._policies if file[0].startswith(f"{_POLICIES}/{stage.name}/")]
        return self._cache.get(
            [self._sources, own, stage, _region(stage)],
            lambda: self._described(stage).with_name(TEMPLATE).read_bytes(),
        )

    def code(self, stage: Stage) -> bytes:
        """The zip of a stage's code. Raises a click error if it cannot be packed."""
        kind = (stage.runtime, stage.architecture)
        lock, work = self._project / _LOCK, self._work / "-".join(kind)
        return self._cache.get(
            [self._sources, *kind],
            lambda: pack(self._described(stage), lock, *kind, work).read_bytes(),
        )

    def _described(self, stage: Stage) -> Path:
        """The zip that Chalice makes, which is beside the template."""
        base = self._work / stage.name / _CHALICE_ZIP
        return base if base.exists() else describe(self._project, stage, base.parent)[1]


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
    shutil.copyfile(PROJECT / "requirements.txt", project / _LOCK)
    (project / "requirements.txt").write_text("")
    entries: dict[str, Any] = {}
    for stage in stages:
        functions = {}
        for name in stage.functions:
            path = Path("policies", stage.name, f"{name}.json")
            written = project / _POLICIES / stage.name / path.name
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
    # The table names, and what the app declares, follow from the stage's variables. Chalice needs a
    # region, which the template does not name.
    others = {name: value for name, value in os.environ.items() if not name.startswith("TWOFOLD_")}
    done = run_ops(
        *(stage, "template", str(out)),
        environment=others,
        region=_region(stage),
        cwd=project,
        capture_output=True,
    )
    if done.returncode:
        output = (done.stderr or done.stdout).strip()
        raise click.ClickException(f"{stage.name} can not be packaged:\n{output}")
    return (out / TEMPLATE).read_text(), out / _CHALICE_ZIP


def _region(stage: Stage) -> str:
    """The region in which a stage is described."""
    return stage.region or os.environ.get("AWS_DEFAULT_REGION") or home_region()


def pack(base: Path, lock: Path, runtime: str, architecture: str, work: Path) -> Path:
    """The zip of the code: the app with Chalice's runtime, and the pinned libraries; trimmed."""
    libraries, packed = work / "libraries", work / CODE
    install(lock, libraries, runtime, architecture)
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
