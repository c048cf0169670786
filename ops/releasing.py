"""Releasing: a tag must be the version of everything that is built, and have its changelog.

`python -m ops.releasing v1.2.3 --notes FILE`, which the release workflow runs, writes the notes.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click

from ops.stages import PROJECT

HEADING = re.compile(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d|unreleased)\)$", re.MULTILINE)
"""A heading of the changelog: a version, and its date."""


def versions() -> dict[str, str]:
    """The version in each file that has one, by the file's path."""
    python = PROJECT / "clients" / "python" / "pyproject.toml"
    return {
        "chalicelib/__init__.py": _first(r'__version__ = "(.*)"', "chalicelib/__init__.py"),
        "chalicelib/http/openapi.json": _json("chalicelib/http/openapi.json")["info"]["version"],
        "clients/python/pyproject.toml": tomllib.loads(python.read_text())["project"]["version"],
        "clients/typescript/package.json": _json("clients/typescript/package.json")["version"],
    }


def releases(changelog: str) -> dict[str, str]:
    """The date of each version in a changelog, newest first; `unreleased` for none."""
    return dict(HEADING.findall(changelog))


def notes(changelog: str, version: str) -> str:
    """What a changelog says about a version."""
    _, _, after = changelog.partition(f"\n## {version} (")
    return re.split(r"^## ", after, flags=re.MULTILINE)[0].partition("\n")[2].strip() + "\n"


def faults(tag: str, changelog: str) -> list[str]:
    """Why a tag cannot be released; empty if it can."""
    version = tag.removeprefix("v")
    found = [
        f"{path} has version {other}" for path, other in versions().items() if tag != f"v{other}"
    ]
    date = releases(changelog).get(version)
    if date in (None, "unreleased"):
        found.append(f"CHANGELOG.md has no heading `## {version} (YYYY-MM-DD)`")
    return found


@click.command()
@click.argument("tag")
@click.option("--notes", "out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def main(tag: str, out: Path) -> None:
    """Writes a release's notes, unless TAG is not the version that everything has."""
    changelog = (PROJECT / "CHANGELOG.md").read_text()
    if found := faults(tag, changelog):
        raise click.ClickException(f"{tag} cannot be released: " + "; ".join(found))
    out.write_text(notes(changelog, tag.removeprefix("v")))


def _first(pattern: str, path: str) -> str:
    found = re.search(pattern, (PROJECT / path).read_text())
    assert found, path
    return found[1]


def _json(path: str) -> Any:
    return json.loads((PROJECT / path).read_text())


if __name__ == "__main__":
    main()
