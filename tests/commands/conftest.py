"""What the tests of commands share."""

import pytest

from tests.commands.executor_fixture import ExecutorFixture


@pytest.fixture
def fixture() -> ExecutorFixture:
    """A fixture with nothing in its books."""
    return ExecutorFixture()
