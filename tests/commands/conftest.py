"""What the tests of commands share."""

import pytest

from tests.commands.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """A desk with nothing in its books."""
    return Desk()
