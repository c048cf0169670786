"""Pages: the tables of `docs/performance.md`, each out of the results of a part or two."""

from collections.abc import Callable

from benchmarks.pages import cost, projecting, speed, starting

TABLES: dict[str, tuple[tuple[str, ...], Callable[..., str]]] = {
    "decide": (("cost", "stores", "projectors"), cost.decide),
    "break_even": (("cost", "projectors"), cost.break_even),
    "assumptions": (("cost", "stores"), cost.assumptions),
    "bill": (("cost", "projectors"), cost.bill),
    "cost": (("cost",), cost.cost),
    "reported": (("cost",), cost.reported),
    "histories": (("growth",), cost.histories),
    "in_tables": (("growth",), cost.in_tables),
    "stores_by_history": (("stores",), speed.stores_by_history),
    "stores_shared": (("stores",), speed.stores_shared),
    "stores_by_clients": (("stores",), speed.stores_by_clients),
    "hordak": (("stores",), speed.hordak),
    "contention": (("contention",), speed.contention),
    "projectors": (("projectors",), projecting.projectors),
    "lag": (("projectors",), projecting.lag),
    "cold": (("cold",), starting.cold),
    "cpu": (("cpu",), starting.cpu),
    "hot_spots": (("cpu",), starting.hot_spots),
}
"""Each table by its place in the template, the parts whose results it needs, and how it is made."""
