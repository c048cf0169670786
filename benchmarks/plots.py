"""Plots: what the parts found, as SVG."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.contention import LOCAL
from benchmarks.pages.speed import clients_of

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
            plot(figure, found)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _histories(figure: Figure, found: Result) -> None:
    one, several = figure.subplots(1, 2, sharey=True)
    for axes, rows in ((one, found["histories"]), (several, found["shared"])):
        names = dict.fromkeys(row["contestant"] for row in found["histories"])
        curves = [_curve(name, rows, "contestant", "events", "per_second") for name in names]
        _lines(axes, curves, f"events per account, {clients_of(rows[0]['clients'])}", "")
        axes.set_xscale("log")
        axes.set_yscale("log")
    one.set_ylabel("transfers per second")
    _legend_above(figure, one)


def _contention(figure: Figure, found: Result) -> None:
    rows = [row for row in found["rows"] if row["engine"] == LOCAL]
    delays = list(dict.fromkeys(row["delay_ms"] for row in rows))
    (panels,) = figure.subplots(1, len(delays), sharey=True, squeeze=False)
    for axes, delay in zip(panels, delays, strict=True):
        shown = [row for row in rows if row["delay_ms"] == delay]
        kinds = dict.fromkeys(row["kind"] for row in shown)
        curves = [_curve(kind, shown, "kind", "clients", "per_second") for kind in kinds]
        _lines(axes, curves, f"clients, {delay} ms added per call", "")
        _doubling(axes, shown)
    panels[0].set_ylabel("transfers per second")
    _legend_above(figure, panels[0])


def _doubling(axes: Axes, rows: Sequence[Result]) -> None:
    """Clients as they are counted, each twice the one before."""
    clients = sorted({row["clients"] for row in rows})
    axes.set_xscale("log", base=2)
    axes.set_xticks(clients, [str(number) for number in clients])
    axes.set_ylim(bottom=0)


def _curve(name: Any, rows: Sequence[Result], key: str, x: str, y: str) -> Curve:
    own = [row for row in rows if row[key] == name]
    return str(name), [row[x] for row in own], [row[y] for row in own]


def _lines(axes: Axes, curves: Sequence[Curve], x: str, y: str) -> None:
    for name, places, values in curves:
        axes.plot(places, values, marker="o", markersize=3, label=name)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _legend_above(figure: Figure, axes: Axes) -> None:
    """Of the curves of one panel, which are those of all: above them, where it hides none."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=4, frameon=False, fontsize=7)


PLOTS: dict[str, tuple[str, Callable[[Figure, Result], None]]] = {
    "histories": ("stores", _histories),
    "contention": ("contention", _contention),
}
"""Each picture, the part that it shows, and how."""
