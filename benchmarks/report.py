"""Report: `docs/performance.md`, its tables out of the results and its words out of `page.md`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import pages, results
from benchmarks.engine import Missing
from benchmarks.pages.markdown import table
from benchmarks.targets import targets

Results = Mapping[str, Mapping[str, Any] | None]
"""What each part found the last time, if it ever ran."""

PARTS = ("cost", "growth", "stores", "contention", "projectors", "cold", "cpu")
_TEMPLATE = Path(__file__).with_name("page.md")
_DOCS = Path(__file__).parents[1] / "docs"
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def run(*, quick: bool) -> None:
    """Writes the page and its pictures; of a quick look, beside its results. Raises Missing."""
    try:
        from benchmarks import plots
    except ImportError:
        raise Missing("pip install -r benchmarks/requirements.txt") from None
    found = {part: results.load(part, quick=quick) for part in PARTS}
    home = results.folder(quick=True) if quick else _DOCS
    plots.draw(found, home / "performance")
    path = home / "performance.md"
    path.write_text(page(found))
    results.say(f"report: {path}")


def page(found: Results) -> str:
    """The page of these results."""

    def fill(place: "re.Match[str]") -> str:
        name = place[1]
        if name in _OF_ALL:
            return _OF_ALL[name](found)
        parts, write = pages.TABLES[name]
        given = [found[part] for part in parts]
        if None in given:
            return f"*(not measured: `python -m benchmarks {parts[given.index(None)]}`)*"
        return write(*given)

    return _PLACE.sub(fill, _TEMPLATE.read_text())


def _targets(found: Results) -> str:
    judged = list(targets(found))
    met = sum(target.met for target in judged)
    lines = [
        (target.aim, target.measured, "yes" if target.met else f"**no**: {target.missed}")
        for target in judged
    ]
    return f"{met} of {len(judged)} are met.\n\n{table(('target', 'measured', 'met'), lines)}"


def _machines(found: Results) -> str:
    """On what each part was measured, and which build; said once where it is all the same."""
    measured: dict[str, list[str]] = {}
    for part, one in found.items():
        if one is not None:
            of, build = one["machine"], one["commit"] or "unknown"
            machine = (
                f"{of['cores']} cores, {of['memory']} of memory, {of['system']}, "
                f"Python {of['python']}, {of['java']}, Node {of['node']}; build {build}"
            )
            measured.setdefault(machine, []).append(f"{part} ({one['measured_at']})")
    return "\n".join(f"- {machine}: {', '.join(parts)}" for machine, parts in measured.items())


_OF_ALL = {"targets": _targets, "machines": _machines}
"""What is said of all parts together."""
