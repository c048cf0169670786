"""Handling: how `tune` applies a type of resource, and what it passes to the handler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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


Action = Callable[[Target, str, Properties], object]
"""Acts on one resource: its logical id and its resolved properties."""


@dataclass(frozen=True)
class Handler:
    """A type of resource: its properties, how they are applied, and how it is removed.

    `known` and `elsewhere` are names of properties, separated by spaces. Those `elsewhere` are
    applied by `provision` or Chalice, or concern SAM alone. `remove` is None for a resource that
    `chalice delete` or `ops destroy` removes.
    """

    known: str
    apply: Action
    remove: Action | None = None
    elsewhere: str = ""

    def check(self, name: str, properties: Mapping[str, Any]) -> None:
        """Raises Unknown for a property that this handler does not know."""
        only(name, properties, *self.known.split(), *self.elsewhere.split())


def only(name: str, value: Mapping[str, Any], *known: str) -> None:
    """Raises Unknown if a property has other keys than these."""
    unknown = value.keys() - set(known)
    if unknown:
        raise Unknown(f"{', '.join(sorted(unknown))} of {name}")


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in the form that most services want."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
