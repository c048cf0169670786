"""Building: from the files of the repository to a folder of web pages."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from website import reference, staging

FOLDER = Path(__file__).parent
SHIM = "iframe-worker.js"


class BuildFailed(Exception):
    """Zensical found faults; the message has all that it said."""


def build(target: Path) -> None:
    """Builds the site into a folder, whose former content is removed.

    Raises `BuildFailed` for every fault and every warning.
    """
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch)
        pages = project / "pages"
        pages.mkdir()
        staging.stage(pages)
        reference.write(pages)
        shutil.copytree(FOLDER / "assets", pages / "assets")
        shutil.copyfile(FOLDER / "vendored" / SHIM, pages / "assets" / SHIM)
        settings = settings_for(pages)
        (project / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
        command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildFailed(complaints(done.stdout + done.stderr))
        # Its links begin at the root of a host, which is not known; and hosts have such a page.
        (project / "site" / "404.html").unlink()
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(project / "site", target)


def complaints(output: str) -> str:
    """What Zensical found, without colours and without the traceback with which it ends."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    found, _, traceback = plain.partition("Traceback (most recent call last):\n")
    reason = traceback.strip().rpartition("\n")[2]
    return f"The site was not built.\n{found}{reason}"


def settings_for(pages: Path) -> dict[str, Any]:
    """The site's settings, with the pages of each folder that its navigation names."""
    settings: dict[str, Any] = yaml.safe_load((FOLDER / "mkdocs.yml").read_text())
    settings |= {"docs_dir": "pages", "site_dir": "site"}
    settings["nav"] = [expanded(entry, pages) for entry in settings["nav"]]
    return settings


def expanded(entry: Any, pages: Path) -> Any:
    """An entry of the navigation; one that names a folder becomes the list of its pages."""
    match entry:
        case str():
            return entry
        case dict():
            ((title, content),) = entry.items()
            if isinstance(content, list):
                return {title: [expanded(each, pages) for each in content]}
            if content.endswith("/"):
                return {title: pages_of(content, pages)}
            return entry
    raise TypeError(f"not an entry of the navigation: {entry!r}")


def pages_of(folder: str, pages: Path) -> list[Any]:
    """A folder's index, and then its other pages under their own titles."""
    files = sorted((pages / folder).glob("*.md"), key=lambda file: file.name)
    others = [file for file in files if file.name != "index.md"]
    return [
        f"{folder}index.md",
        *({staging.title_of(file): f"{folder}{file.name}"} for file in others),
    ]
