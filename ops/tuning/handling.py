"""Handling: what `tune` knows of a type of resource, and what a handler is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ops.stages import Stage
from ops.tuning.deployed import Deployed
from ops.tuning.resolving import Unknown

Properties = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """The stage that is tuned, what is deployed of it, and clients of AWS's services."""

    stage: Stage
    deployed: Deployed
    client: Callable[[str], Any]


Action = Callable[[Target, str, Properties], None]
"""Acts on one resource: its logical id and its resolved properties."""


@dataclass(frozen=True)
class Handler:
    """What is known of a type: its properties, how they are applied, and how it is removed.

    `remove` is None for what `chalice delete` or `ops destroy` removes.
    """

    known: frozenset[str]
    apply: Action
    remove: Action | None = None
    elsewhere: frozenset[str] = frozenset()
    """Properties that are applied by `provision` or by Chalice, or mean something to SAM alone."""

    def check(self, name: str, properties: Mapping[str, Any]) -> None:
        """Raises Unknown for a property that this handler does not know."""
        unknown = properties.keys() - self.known - self.elsewhere
        if unknown:
            raise Unknown(f"{', '.join(sorted(unknown))} of {name}")


def only(name: str, value: Mapping[str, Any], *known: str) -> None:
    """Raises Unknown if a part of a property says more than is known of it."""
    unknown = value.keys() - set(known)
    if unknown:
        raise Unknown(f"{', '.join(sorted(unknown))} of {name}")


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most services want them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def unless(codes: str | tuple[str, ...], call: Callable[..., Any], **parameters: Any) -> Any:
    """A call's result, or None if AWS answers with one of these errors ("it is there already")."""
    try:
        return call(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"].rpartition(".")[2]
        if code not in (codes if isinstance(codes, tuple) else (codes,)):
            raise
        return None
