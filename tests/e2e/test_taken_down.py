"""Deploying again changes nothing, and taking down keeps the books unless it is told otherwise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cloud import Cloud, cloud


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Cloud]:
    """All stages of production."""
    with cloud(tmp_path) as made:
        made.ops("deploy")
        yield made


def test_the_books_outlive_what_is_taken_down(deployed: Cloud) -> None:
    stacks = deployed.client("cloudformation")
    before = {each["StackId"] for each in stacks.describe_stacks()["Stacks"]}
    assert "prod is up" in deployed.ops("deploy")
    assert {each["StackId"] for each in stacks.describe_stacks()["Stacks"]} == before

    with pytest.raises(AssertionError, match="delete-the-books"):
        deployed.ops("destroy", "--events", "yes")
    assert "kept: twofold-prod-events" in deployed.ops("destroy")

    tables = deployed.client("dynamodb").list_tables()["TableNames"]
    assert sorted(tables) == ["twofold-prod-events", "twofold-prod-keys"]
    assert deployed.client("lambda").list_functions()["Functions"] == []
