from typing import Any

import pytest

from benchmarks.judging import Target
from benchmarks.pages.markdown import dollars
from benchmarks.prices import Design, castore
from benchmarks.projectors import NEW
from benchmarks.report import PARTS
from benchmarks.results import load, percentile
from benchmarks.simulation.part import COMBINED, DIRECT
from benchmarks.targets import targets


@pytest.fixture
def found() -> dict[str, Any]:
    """What was measured the last time."""
    return {part: load(part, quick=False) for part in PARTS}


def judged(found: dict[str, Any], part: str, aim: str) -> Target:
    """The one target of a part whose aim says so."""
    (target,) = [one for one in targets({part: found[part]}) if aim in one.aim]
    return target


def test_every_target_that_is_missed_says_why(found: dict[str, Any]) -> None:
    judgements = list(targets(found))

    assert len(judgements) > 20
    assert [one.aim for one in judgements if not one.met and not one.missed] == []


def test_a_transfer_that_costs_a_unit_more_misses_its_target(found: dict[str, Any]) -> None:
    aim = "a transfer: 2 round trips"
    assert judged(found, "cost", aim).met
    for row in found["cost"]["rows"]:
        row["write_units"] += 1

    assert not judged(found, "cost", aim).met


def test_growth_by_more_than_a_twentieth_misses_its_target(found: dict[str, Any]) -> None:
    for of_shortest, met in ((1.05, True), (1.06, False)):
        for row in found["growth"]["histories"]:
            row["of_shortest"] = of_shortest

        assert judged(found, "growth", "within 5 %").met is met


def test_a_peer_is_compared_with_twofold_without_head_cache(found: dict[str, Any]) -> None:
    for row in found["stores"]["histories"]:
        row["of_loading"] = {"Castore": 0.51, "Twofold": 2.0}.get(row["contestant"], 1.0)

    target = judged(found, "stores", "Castore 2 times at 500")

    assert not target.met
    assert target.measured == "1.96 times; 3.92 with head cache"


def test_the_bare_loop_is_judged_where_it_is_fastest(found: dict[str, Any]) -> None:
    assert judged(found, "stores", "a bare loop").met
    (fastest,) = [
        row
        for row in found["stores"]["clients"]
        if (row["contestant"], row["clients"]) == ("bare loop", 4)
    ]
    fastest["of_loading"] = 9.0

    target = judged(found, "stores", "a bare loop")

    assert not target.met
    assert target.measured == "9.00 times at worst (100 events, 4 clients)"


def test_a_projector_meets_its_target_only_if_it_does_everywhere(found: dict[str, Any]) -> None:
    rows = [
        row
        for row in found["projectors"]["rows"]
        if row["stack"] == "accounts" and row["spread"] != NEW
    ]
    for row in rows:
        row["of_bare"] = 0.6
    assert judged(found, "projectors", "group accounts: 60 %").met
    rows[0]["of_bare"] = 0.5

    target = judged(found, "projectors", "group accounts: 60 %")

    assert not target.met
    assert target.missed.startswith("by 0 to 10 points")


def test_a_cold_start_is_judged_against_the_floor_as_it_is_installed(found: dict[str, Any]) -> None:
    for of_floor, met in ((1.25, True), (1.26, False)):
        for row in found["cold"]["rows"]:
            row["of_floor"], row["of_trimmed"] = of_floor, 9.0

        assert judged(found, "cold", "write Lambda").met is met


def test_a_hot_account_meets_its_targets_by_rate_refusals_latency_and_units(
    found: dict[str, Any],
) -> None:
    row = {"per_second": 400.0, "refused": 0, "p99": 499.0, "write_units": 10.0}
    before = {"per_second": 60.0, "refused": 0, "p99": 1200.0, "write_units": 8.0}
    few = {**before, "per_second": 60.0, "write_units": 11.2}
    rows = [{**row, "kind": COMBINED, "clients": number} for number in (64, 256)]
    rows += [{**before, "kind": DIRECT, "clients": number} for number in (1, 2, 4)]
    rows += [{**few, "kind": COMBINED, "clients": number} for number in (2, 4)]
    rows.append({**before, "kind": COMBINED, "clients": 1})
    found["simulation"] = {"combining": rows}
    aims = ("64 clients of one", "256 clients of one", "one client:", "2 clients:", "4 clients:")

    assert all(judged(found, "simulation", aim).met for aim in aims)
    for name, value in (("per_second", 399.0), ("refused", 1), ("p99", 500.0)):
        rows[0][name], right = value, rows[0][name]
        assert not judged(found, "simulation", "64 clients of one").met, name
        rows[0][name] = right
    rows[-2]["write_units"] = 11.3
    rows[-1]["write_units"] = 8.1
    assert not judged(found, "simulation", "4 clients:").met
    assert not judged(found, "simulation", "one client:").met


def test_castores_transfer_reads_both_histories() -> None:
    design = castore(139, 500)

    assert (design.reads, design.writes) == (34, 7)
    assert dollars(design.dollars) == "$8.63"


def test_half_a_cent_is_a_cent() -> None:
    assert [dollars(Design(reads, 0).dollars) for reads in (0, 1, 5)] == ["$0.00", "$0.13", "$0.63"]


def test_a_percentile_is_a_value_that_so_many_do_not_exceed() -> None:
    assert percentile([], 0.99) is None
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(number) for number in range(1, 201)], 0.99) == 198.0
    assert percentile([1.0], 0.99) == 1.0


@pytest.mark.parametrize(
    ("changed", "met"),
    [
        ({}, True),
        ({"per_second": 99.0}, False),
        ({"p99": 300.0}, False),
        ({"refused": 1}, False),
        ({"done": 0, "per_second": 0.0, "p50": None, "p99": None}, False),
    ],
)
def test_a_laptop_is_judged_by_rate_and_latency_of_the_most_clients(
    found: dict[str, Any], changed: dict[str, Any], met: bool
) -> None:
    good = {"per_second": 100.0, "p99": 299.0, "refused": 0}
    for row in found["laptop"]["rows"]:
        row.update(good if row["clients"] == 8 else {"per_second": 1.0, "p99": 9000.0})
    found["laptop"]["rows"][-1].update(changed)

    assert [target.met for target in targets({"laptop": found["laptop"]})] == [True, met]
