"""What the tests of the rooms share: books that are told to them."""

import pytest

from chalicelib.read_models import reading
from tests.books import Bookkeeper


@pytest.fixture
def books(ledger: str, monkeypatch: pytest.MonkeyPatch) -> Bookkeeper:
    """The books of a ledger of this test's own, with the till and a customer; and a read that
    finds the projection behind says so at once.
    """
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", 0.0)
    keeper = Bookkeeper(ledger)
    keeper.open_till()
    return keeper
