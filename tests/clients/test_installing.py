"""Installing: the line of the client's README, from a repository that has it in a folder."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.engines import ROOT

README = (ROOT / "clients" / "python" / "README.md").read_text()


def run(*command: str, cwd: Path) -> str:
    """What a command prints. Raises CalledProcessError."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


def repository(folder: Path) -> Path:
    """A repository with the client as it is in this checkout, and one commit."""
    client = folder / "clients" / "python"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "clients" / "python", client, ignore=ignored)
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", ".", cwd=folder)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    run("git", *identity, "commit", "--quiet", "--message", "The client", cwd=folder)
    return folder


def test_one_line_installs_the_client_from_a_repository(tmp_path: Path) -> None:
    (requirement,) = re.findall(r'pip install "(.*)"', README)
    source = repository(tmp_path / "repository")
    there = tmp_path / "site-packages"
    # What the line would download for building and running is here already.
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--target", str(there))

    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", *offline),
        requirement.replace("REPOSITORY", f"file://{source}"),
        cwd=tmp_path,
    )

    found = run(
        *(sys.executable, "-c"),
        f"import sys; sys.path.insert(0, {str(there)!r}); import twofold; print(twofold.__file__)",
        cwd=tmp_path,
    )
    assert Path(found.strip()).parent == there / "twofold"
    assert (there / "twofold" / "py.typed").is_file()
