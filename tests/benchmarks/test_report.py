import re
from pathlib import Path

from benchmarks import pages, report, results
from benchmarks.pages.markdown import table
from tests.engines import ROOT

TEMPLATE = Path(report.__file__).with_name("page.md").read_text()


def test_a_page_of_nothing_names_the_part_that_each_table_waits_for() -> None:
    page = report.page(dict.fromkeys(report.PARTS))

    waiting = set(re.findall(r"not measured: `python -m benchmarks (\w+)`", page))
    assert waiting == set(report.PARTS)
    assert "{{" not in page


def test_every_table_has_its_place_on_the_page() -> None:
    assert set(re.findall(r"\{\{(\w+)\}\}", TEMPLATE)) == {*pages.TABLES, "targets", "machines"}


def test_the_page_as_it_stands_is_made_of_the_results_as_they_stand() -> None:
    found = {part: results.load(part, quick=False) for part in report.PARTS}

    assert (ROOT / "docs" / "performance.md").read_text() == report.page(found)


def test_numbers_stand_to_the_right() -> None:
    assert table(("name", "value"), [("a", 1), ("b", "$2.50")]).splitlines() == [
        "| name | value |",
        "| --- | --: |",
        "| a | 1 |",
        "| b | $2.50 |",
    ]
