"""A server with the tests' books, which asks for keys, and pages of the console on it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from tests.console.books import load_bank, load_shop
from tests.engines import ROOT
from tests.local.server import Server, chalice_local, copy_project, environment

_HTTP = urllib3.PoolManager(retries=False, timeout=30)


@dataclass(frozen=True)
class Served:
    """The address of the server, and a key that may read its books."""

    url: str
    key: str

    def read(self, path: str) -> Any:
        """What the API answers."""
        headers = {"Authorization": f"Bearer {self.key}"}
        reply = _HTTP.request("GET", f"{self.url}/ledgers/{path}", headers=headers)
        assert reply.status == 200, reply.data
        return reply.json()


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A server with the books."""
    project = folder / "project"
    project.mkdir()
    copy_project(project)
    shutil.copytree(ROOT / "ops", project / "ops", ignore=shutil.ignore_patterns("__pycache__"))
    with chalice_local(project, folder / "home", TWOFOLD_AUTH="keys") as server:
        server.options.append("--no-autoreload")
        server.start()
        writer = _key(server, "write", "read")
        load_bank(server.url, writer)
        load_shop(server.url, writer)
        yield Served(server.url, _key(server, "read"))


def _key(server: Server, *scopes: str) -> str:
    may = [word for scope in scopes for word in ("--scope", scope)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ops", "--local", "keys", "create"),
            *("--name", "console", "--all-ledgers", *may),
        ],
        cwd=server.project,
        env=environment(server.home),
        capture_output=True,
        text=True,
        check=True,
    )
    [key] = re.findall(r"tf_[A-Za-z0-9_-]{43}", done.stdout)
    return str(key)
