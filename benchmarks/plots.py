"""Plots: what the parts found, as SVG."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Result = Mapping[str, Any]
Curve = tuple[str, Sequence[float], Sequence[float]]

mpl.rcParams.update({"svg.hashsalt": "twofold", "svg.fonttype": "none", "font.size": 9})


def draw(results: Mapping[str, Result | None], folder: Path) -> None:
    """Draws whatever was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (part, plot) in PLOTS.items():
        found = results.get(part)
        if found is not None:
            figure = Figure(figsize=(6.4, 3.2), layout="constrained")
            plot(figure.subplots(), found)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _growth(axes: Axes, found: Result) -> None:
    rows = found["histories"]
    names = dict.fromkeys(row["operation"] for row in rows)
    curves = [_curve(name, rows, "operation", "events", "milliseconds") for name in names]
    _lines(axes, curves, "events per account", "milliseconds")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)


def _histories(axes: Axes, found: Result) -> None:
    rows = found["histories"]
    names = dict.fromkeys(row["contestant"] for row in rows)
    curves = [_curve(name, rows, "contestant", "events", "per_second") for name in names]
    _lines(axes, curves, "events per account", "transfers per second, 1 client")
    axes.set_xscale("log")
    axes.set_yscale("log")


def _clients(axes: Axes, found: Result) -> None:
    rows = found["clients"]
    names = dict.fromkeys(row["contestant"] for row in rows)
    curves = [_curve(name, rows, "contestant", "clients", "per_second") for name in names]
    _lines(axes, curves, "clients", "transfers per second")
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)


def _contention(axes: Axes, found: Result) -> None:
    groups = dict.fromkeys((row["stripes"], row["delay_ms"]) for row in found["rows"])
    curves = []
    for stripes, delay in groups:
        rows = [
            row for row in found["rows"] if (row["stripes"], row["delay_ms"]) == (stripes, delay)
        ]
        kind = "strict" if stripes == 1 else f"{stripes} stripes"
        curves.append(
            (
                f"{kind}, {delay} ms added per call",
                [row["clients"] for row in rows],
                [row["per_second"] for row in rows],
            )
        )
    _lines(axes, curves, "clients", "transfers per second into one account")
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)


def _cold(axes: Axes, found: Result) -> None:
    rows = list(reversed(found["rows"]))
    names = [row["lambda"] for row in rows]
    imports = [row["import"] for row in rows]
    axes.barh(names, imports, label="import")
    axes.barh(names, [row["first"] for row in rows], left=imports, label="first request")
    axes.set_xlabel("milliseconds")
    axes.legend(frameon=False)


def _cpu(axes: Axes, found: Result) -> None:
    rows = list(reversed(found["rows"]))
    names = [row["operation"] for row in rows]
    before = [0.0] * len(rows)
    for owner in ("chalicelib", "pynamodb", "botocore", "Python"):
        parts = [
            row["microseconds"] / 1000 * found["profiles"][row["operation"]]["shares"].get(owner, 0)
            for row in rows
        ]
        axes.barh(names, parts, left=before, label=owner)
        before = [left + part for left, part in zip(before, parts, strict=True)]
    axes.set_xlabel("milliseconds of CPU time")
    axes.legend(frameon=False)


def _curve(name: str, rows: Sequence[Result], key: str, x: str, y: str) -> Curve:
    own = [row for row in rows if row[key] == name]
    return name, [row[x] for row in own], [row[y] for row in own]


def _lines(axes: Axes, curves: Sequence[Curve], x: str, y: str) -> None:
    for name, places, values in curves:
        axes.plot(places, values, marker="o", markersize=3, label=name)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(frameon=False, fontsize=7)


PLOTS: dict[str, tuple[str, Callable[[Axes, Result], None]]] = {
    "growth": ("growth", _growth),
    "histories": ("stores", _histories),
    "clients": ("stores", _clients),
    "contention": ("contention", _contention),
    "cold": ("cold", _cold),
    "cpu": ("cpu", _cpu),
}
"""Each picture, the part that it shows, and how."""
