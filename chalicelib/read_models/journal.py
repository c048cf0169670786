"""The journal projection group, and the Lambdas that feed and watch it."""

from typing import Any

from chalicelib.read_models.read_model import ProjectionGroup

GROUP = ProjectionGroup(
    "journal",
    (
        "transactions",
        "totals",
        "ledgers:JOURNAL_REGISTRY",
        "integrity",
    ),
)


def __getattr__(name: str) -> Any:
    """The Lambdas `project_journal` and `watch_journal`, which the Read API does not load."""
    return GROUP.function(name)
