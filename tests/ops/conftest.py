"""What the tests of the operator's commands share: an engine with nothing in its tables."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from chalicelib import tables
from chalicelib.local.stack import TABLES
from chalicelib.read_models.transactions import projector as transactions
from tests import engines


@pytest.fixture
def own_ministack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A ministack of the test's own, and a home for what commands keep; its endpoint."""
    monkeypatch.setenv("TWOFOLD_HOME", str(tmp_path / "home"))
    with (
        engines.ministack(tmp_path / "engine") as endpoint,
        engines.connected(endpoint),
        patch.object(transactions, "_known_days", set()),  # Of another engine.
    ):
        tables.create(TABLES)
        yield endpoint
