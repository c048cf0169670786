"""Pages: the tables of `docs/performance.md` and its appendix, each from some parts' results."""

from collections.abc import Callable

from benchmarks.pages import auditing, cost, hot, laptop, projecting, speed, starting, summary

TABLES: dict[str, tuple[tuple[str, ...], Callable[..., str]]] = {
    "summary": (("cost", "stores", "contention", "projectors", "cold"), summary.summary),
    "decide": (("cost", "stores", "projectors"), cost.decide),
    "break_even": (("cost", "projectors"), cost.break_even),
    "assumptions": (("cost", "stores"), cost.assumptions),
    "bill": (("cost", "projectors"), cost.bill),
    "kept": (("cost",), cost.kept),
    "at_rest": (("cost",), cost.at_rest),
    "cost": (("cost",), cost.cost),
    "combined": (("cost",), hot.counted),
    "reported": (("cost",), cost.reported),
    "histories": (("growth",), cost.histories),
    "in_tables": (("growth",), cost.in_tables),
    "stores_by_history": (("stores",), speed.stores_by_history),
    "stores_shared": (("stores",), speed.stores_shared),
    "stores_by_clients": (("stores",), speed.stores_by_clients),
    "contention": (("contention",), hot.contention),
    "simulated": (("simulation",), hot.simulated),
    "throttled": (("simulation",), hot.throttled),
    "escrow": (("simulation",), hot.escrow),
    "projectors": (("projectors",), projecting.projectors),
    "lag": (("projectors",), projecting.lag),
    "cold": (("cold",), starting.cold),
    "cpu": (("cpu",), starting.cpu),
    "hot_spots": (("cpu",), starting.hot_spots),
    "audits": (("auditing",), auditing.measured),
    "audits_on_paper": (("auditing",), auditing.on_paper),
    "laptop": (("laptop",), laptop.laptop),
}
"""Each table by its name in the templates, the parts whose results it needs, and how it is made."""
