"""What the tests of `chalice local` share: a copy of the project, and a server with its books."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.server import Server, chalice_local, copy_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that only these tests touch: a server reloads when a file changes."""
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def server(project: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that the test starts and ends, on empty books."""
    with chalice_local(project, tmp_path / "home") as server:
        yield server


@pytest.fixture(scope="module")
def running(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that the tests of a module share, each with a ledger of its own."""
    with chalice_local(project, tmp_path_factory.mktemp("books") / "home") as server:
        server.start()
        yield server
