from typing import Any

import pytest

from benchmarks.units import item_size, of_call, read_units, write_units


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"id": {"S": "alice"}}, 2 + 5),
        ({"id": {"S": "Zoë"}}, 2 + 4),
        ({"version": {"N": "12"}}, 7 + 2),
        ({"version": {"N": "123"}}, 7 + 3),
        ({"version": {"N": "-12"}}, 7 + 3),
        ({"version": {"N": "1000000"}}, 7 + 2),
        ({"hash": {"B": b"\x00" * 32}}, 4 + 32),
        ({"hash": {"B": "AAAA"}}, 4 + 3),
        ({"hash": {"B": "AAA="}}, 4 + 2),
        ({"open": {"BOOL": True}}, 4 + 1),
        ({"all": {"L": [{"S": "a"}, {"S": "bc"}]}}, 3 + 3 + 2 + 3),
        ({"map": {"M": {"k": {"S": "v"}}}}, 3 + 3 + 1 + 2),
    ],
)
def test_an_item_is_as_large_as_its_names_and_values(item: Any, size: int) -> None:
    assert item_size(item) == size


@pytest.mark.parametrize(("size", "units"), [(1, 1), (1024, 1), (1025, 2), (3072, 3)])
def test_a_write_costs_a_unit_per_kilobyte_begun(size: int, units: int) -> None:
    assert write_units(size) == units


def test_a_transactional_write_costs_double() -> None:
    assert write_units(1025, transactional=True) == 4


@pytest.mark.parametrize(("size", "units"), [(0, 1), (4096, 1), (4097, 2)])
def test_a_consistent_read_costs_a_unit_per_four_kilobytes_begun(size: int, units: int) -> None:
    assert read_units(size, consistent=True) == units


def test_an_eventually_consistent_read_costs_half() -> None:
    assert read_units(4097, consistent=False) == 1


def test_a_query_is_charged_for_all_it_read_at_once() -> None:
    items = [{"data": {"S": "x" * 1500}} for _ in range(3)]

    assert of_call("Query", {"ConsistentRead": True}, {"Items": items}) == (2, 0)


def test_an_update_says_too_little_to_be_charged() -> None:
    assert of_call("UpdateItem", {"Key": {}}, {}) is None
