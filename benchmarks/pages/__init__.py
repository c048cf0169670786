"""Pages: the tables of `docs/performance.md`, each out of the results of a part or two."""

from collections.abc import Callable

from benchmarks.pages import cost, speed

TABLES: dict[str, tuple[tuple[str, ...], Callable[..., str]]] = {
    "machine": (("cost",), speed.machine),
    "decide": (("cost", "stores"), cost.decide),
    "bill": (("cost", "projectors"), cost.bill),
    "cost": (("cost",), cost.cost),
    "reported": (("cost",), cost.reported),
    "histories": (("growth",), cost.histories),
    "in_tables": (("growth",), cost.in_tables),
    "stores_by_history": (("stores",), speed.stores_by_history),
    "stores_by_clients": (("stores",), speed.stores_by_clients),
    "contention": (("contention",), speed.contention),
    "projectors": (("projectors",), speed.projectors),
    "lag": (("projectors",), speed.lag),
    "cold": (("cold",), speed.cold),
    "cpu": (("cpu",), speed.cpu),
    "hot_spots": (("cpu",), speed.hot_spots),
}
"""Each table by its place in the template, the parts whose results it needs, and how it is made."""
