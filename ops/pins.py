"""Pins: the packages of a lock (`requirements.txt`), each with its version and hashes.

`make lock` makes the locks (docs/decisions/0021-pinned-packages.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"\s--hash=(\S+)")


@dataclass(frozen=True)
class Pin:
    """One package of a lock.

    `name` is normalised (PEP 503), `hashes` are hexadecimal SHA-256 digests of its released files,
    and `marker` restricts it to some Pythons and systems.
    """

    name: str
    version: str
    hashes: frozenset[str]
    marker: Marker | None = None

    def is_for(self, environment: Mapping[str, str]) -> bool:
        """Whether an environment needs it, by the variables of PEP 508."""
        return self.marker is None or self.marker.evaluate(dict(environment))

    def line(self) -> str:
        """Its line for pip, without the marker."""
        hashes = (f"--hash=sha256:{digest}" for digest in sorted(self.hashes))
        return " ".join([f"{self.name}=={self.version}", *hashes])


def read(lock: Path) -> list[Pin]:
    """The packages of a lock, in its order.

    Raises ClickException for a line that does not pin one version with SHA-256 hashes.
    """
    text = re.sub(r"\\\n", " ", lock.read_text())
    lines = (line.split(" #")[0].strip() for line in text.splitlines())
    return [_pin(line, lock) for line in lines if line and not line.startswith("#")]


def _pin(line: str, lock: Path) -> Pin:
    hashes = _HASH.findall(line)
    try:
        requirement = Requirement(_HASH.sub("", line))
    except InvalidRequirement as error:
        raise click.ClickException(f"{lock.name}: {error}") from None
    (version, *others) = [
        each.version for each in requirement.specifier if each.operator == "==" and "*" not in line
    ] or [""]
    if not version or others or len(requirement.specifier) != 1:
        raise click.ClickException(f"{lock.name}: {requirement.name} is not pinned with ==")
    if not hashes or not all(each.startswith("sha256:") for each in hashes):
        raise click.ClickException(f"{lock.name}: {requirement.name} has no sha256 hash")
    return Pin(
        canonicalize_name(requirement.name),
        version,
        frozenset(each.removeprefix("sha256:") for each in hashes),
        requirement.marker,
    )
