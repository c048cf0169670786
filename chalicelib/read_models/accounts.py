"""The accounts projection group, and the Lambdas that feed and watch it."""

from typing import Any

from chalicelib.read_models.read_model import ProjectionGroup

GROUP = ProjectionGroup(
    "accounts",
    (
        "balances",
        "statements",
        "ledgers:ACCOUNTS_REGISTRY",
    ),
)


def __getattr__(name: str) -> Any:
    """The Lambdas `project_accounts` and `watch_accounts`, which the Read API does not load."""
    return GROUP.function(name)
