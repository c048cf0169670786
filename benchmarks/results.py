"""Results: one JSON file per part, and on which machine and engine it was measured."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

FULL = Path(__file__).parent / "results"
QUICK = Path.home() / ".cache" / "twofold" / "bench" / "quick"
"""A quick look leaves what a whole run found alone."""


def folder(*, quick: bool) -> Path:
    """Where results are kept."""
    return QUICK if quick else FULL


def save(part: str, *, quick: bool, **found: Any) -> None:
    """Writes what a part found."""
    home = folder(quick=quick)
    home.mkdir(parents=True, exist_ok=True)
    content = {
        "part": part,
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "commit": commit(),
        "machine": machine(),
        **found,
    }
    (home / f"{part}.json").write_text(json.dumps(content, indent=1) + "\n")


def load(part: str, *, quick: bool) -> dict[str, Any] | None:
    """What a part found the last time; None if it never ran."""
    path = folder(quick=quick) / f"{part}.json"
    return dict(json.loads(path.read_text())) if path.exists() else None


def commit() -> str:
    """Which build was measured, with a + where its code was changed since; "" outside of git."""
    known = _first_line("git", "rev-parse", "--short", "HEAD")
    changed = _first_line("git", "diff", "--stat", "HEAD", "--", "chalicelib", "benchmarks/*.py")
    return "" if " " in known else known + ("+" if changed else "")


def machine() -> dict[str, str]:
    """What a reader needs to know of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": platform.system(),
        "python": platform.python_version(),
        "java": _first_line("java", "-version"),
        "node": _first_line("node", "--version"),
    }


def percentile(values: Sequence[float], share: float) -> float | None:
    """The least of the values that this share of them does not exceed (the nearest rank); None of
    none.
    """
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


def median(values: Sequence[float]) -> float:
    """The median; 0 of none."""
    return statistics.median(values) if values else 0.0


def say(line: str) -> None:
    """Tells the person at the terminal how far it has come."""
    sys.stderr.write(f"{line}\n")


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # Our own words.
            command, capture_output=True, text=True, check=False
        )
    except OSError:
        return "none"
    return (done.stdout or done.stderr).partition("\n")[0]
