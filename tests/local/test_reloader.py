"""The reloader: which files of the project it watches."""

import os
from pathlib import Path

import pytest
from chalice.cli.filewatch.stat import StatFileWatcher

from chalicelib.local.reloader import look


class Watched:
    """A project that Chalice has begun to watch, as it does before it loads the app."""

    def __init__(self, project: Path) -> None:
        self.project = project
        for name in ("app.py", "deep/er/module.py", "README.md", ".venv/lib/module.py"):
            self.write(name, "")
        (project / ".venv" / "pyvenv.cfg").touch()
        self._watcher = StatFileWatcher()
        self._watcher._seed_mtime_cache(str(project))

    def write(self, name: str, text: str) -> None:
        """Writes a file, and makes its folder."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def reloads(self) -> bool:
        """Whether a look at the project finds a change."""
        calls: list[bool] = []
        look(self._watcher, str(self.project), lambda: calls.append(True))
        return bool(calls)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.mark.parametrize("name", ["app.py", "deep/er/module.py", "new/other.py", ".chalice/c.json"])
def test_a_source_file_that_is_new_or_edited_is_a_change_once(watched: Watched, name: str) -> None:
    assert not watched.reloads
    watched.write(name, "x = 1")
    os.utime(watched.project / name, (2**31, 2**31))  # Two writes may share a tick of the clock.

    assert watched.reloads
    assert not watched.reloads


def test_a_source_file_that_goes_back_to_an_older_one_is_a_change(watched: Watched) -> None:
    os.utime(watched.project / "app.py", (1, 1))

    assert watched.reloads


@pytest.mark.parametrize(
    "name",
    [
        "node_modules/left/package.json",
        "clients/node_modules/left/index.py",
        ".venv/lib/module.py",
        ".git/index.json",
        ".mypy_cache/app.data.json",
        "venv/lib/module.py",
        "notes.txt",
        "__pycache__/app.cpython-311.pyc",
    ],
)
def test_what_is_installed_cached_or_no_source_is_none(watched: Watched, name: str) -> None:
    (watched.project / "venv").mkdir()
    (watched.project / "venv" / "pyvenv.cfg").touch()
    watched.write(name, "x = 1")
    os.utime(watched.project / name, (2**31, 2**31))

    assert not watched.reloads
