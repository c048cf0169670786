"""Report: `docs/performance.md` and its appendix: tables from the results, words from templates."""

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

PARTS = (
    *("cost", "growth", "stores", "contention", "simulation"),
    *("projectors", "cold", "cpu", "auditing", "laptop"),
)
TEMPLATES = {
    "performance.md": Path(__file__).with_name("page.md"),
    "performance/appendix.md": Path(__file__).with_name("appendix.md"),
}
"""Each page, by its path below `docs/`, and its template."""
_DOCS = Path(__file__).parents[1] / "docs"
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def run(*, quick: bool) -> None:
    """Writes the pages and plots; those of a quick look beside its results. Raises Missing."""
    try:
        from benchmarks import plots
    except ImportError:
        raise Missing("pip install -r benchmarks/requirements.txt") from None
    found = {part: results.load(part, quick=quick) for part in PARTS}
    home = results.folder(quick=True) if quick else _DOCS
    plots.draw(found, home / "performance")
    for name in TEMPLATES:
        path = home / name
        path.write_text(page(name, found))
        results.say(f"report: {path}")


def page(name: str, found: Results) -> str:
    """The page of that name, filled with these results."""

    def fill(slot: "re.Match[str]") -> str:
        name = slot[1]
        if name in _OF_ALL:
            return _OF_ALL[name](found)
        parts, write = pages.TABLES[name]
        given = [found[part] for part in parts]
        if None in given:
            return f"*(not measured: `python -m benchmarks {parts[given.index(None)]}`)*"
        return write(*given)

    return _SLOT.sub(fill, TEMPLATES[name].read_text())


def _targets(found: Results) -> str:
    judged = list(targets(found))
    met = sum(target.met for target in judged)
    lines = [
        (target.aim, target.measured, "yes" if target.met else f"**no**: {target.missed}")
        for target in judged
    ]
    return f"{met} of {len(judged)} are met.\n\n{table(('target', 'measured', 'met'), lines)}"


def _met(found: Results) -> str:
    """How many of the targets are met."""
    judged = list(targets(found))
    met = sum(target.met for target in judged)
    return f"{met} of {len(judged)} targets are met; the appendix says why the others are not."


def _machine(found: Results) -> str:
    """The machine on which the parts were measured, and when; several where they differ."""
    dates: dict[str, set[str]] = {}
    for one in filter(None, found.values()):
        of = one["machine"]
        machine = (
            f"{of['cores']} cores with {of['memory']} of memory, {of['system']}, "
            f"Python {of['python']}"
        )
        dates.setdefault(machine, set()).add(one["measured_at"][:10])
    return "; ".join(
        f"{machine}, on {' and '.join(sorted(on))}" for machine, on in sorted(dates.items())
    )


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


_OF_ALL = {"targets": _targets, "met": _met, "machines": _machines, "machine": _machine}
"""What is said of all parts together."""
