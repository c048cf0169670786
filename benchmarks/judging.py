"""Judging: the type of a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Found = Mapping[str, Any]
Rows = Sequence[Found]


@dataclass(frozen=True)
class Target:
    """One line of the table of targets. `missed` says why it is not met, if it is not."""

    aim: str
    measured: str
    met: bool
    missed: str = ""
