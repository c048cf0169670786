"""What the tests of the operator's commands share: an engine with nothing in its tables."""

from pathlib import Path

import pytest

from chalicelib.settings import read_again


@pytest.fixture
def own_ministack(empty_ministack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Empty tables of the test's own, and a home for what commands keep; the endpoint."""
    monkeypatch.setenv("TWOFOLD_HOME", str(tmp_path / "home"))
    read_again()
    return empty_ministack
