"""What the tests of the operator's commands share: an engine with nothing in its tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.settings import read_again


@pytest.fixture
def own_ministack(empty_ministack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Empty tables of the test's own, and a home for what commands keep; the endpoint."""
    monkeypatch.setenv("TWOFOLD_HOME", str(tmp_path / "home"))
    read_again()
    return empty_ministack


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What interrupted commands keep stays with the test."""
    with monkeypatch.context() as patched:
        patched.setenv("TWOFOLD_HOME", str(tmp_path / "home"))
        read_again()
        yield
    read_again()
