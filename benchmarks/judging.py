"""Judging: what a target is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Found = Mapping[str, Any]
Rows = Sequence[Found]


@dataclass(frozen=True)
class Target:
    """One line of the table. `missed` says by how much and why, should it not be met."""

    aim: str
    measured: str
    met: bool
    missed: str = ""
