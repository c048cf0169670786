import re

import pytest

from benchmarks import pages, report, results
from benchmarks.pages.markdown import table
from tests.engines import ROOT

TEMPLATES = {name: path.read_text() for name, path in report.TEMPLATES.items()}


def test_pages_of_nothing_name_the_part_that_each_table_waits_for() -> None:
    nothing = dict.fromkeys(report.PARTS)
    text = "".join(report.page(name, nothing) for name in TEMPLATES)

    waiting = set(re.findall(r"not measured: `python -m benchmarks (\w+)`", text))
    assert waiting == set(report.PARTS)
    assert "{{" not in text


def test_every_table_has_its_slot_on_a_page() -> None:
    slots = re.findall(r"\{\{(\w+)\}\}", "".join(TEMPLATES.values()))

    assert sorted(slots) == sorted({*pages.TABLES, "targets", "met", "machines", "machine"})


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_page_as_it_stands_is_made_of_the_results_as_they_stand(name: str) -> None:
    found = {part: results.load(part, quick=False) for part in report.PARTS}

    assert (ROOT / "docs" / name).read_text() == report.page(name, found)


def test_the_page_opens_with_one_table_and_at_most_300_words() -> None:
    text = (ROOT / "docs" / "performance.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    words = [word for line in text.splitlines() if line not in rows for word in line.split()]

    assert sum(line.startswith("| ---") for line in rows) == 1
    assert len(words) <= 300


def test_numbers_stand_to_the_right() -> None:
    assert table(("name", "value"), [("a", 1), ("b", "$2.50")]).splitlines() == [
        "| name | value |",
        "| --- | --: |",
        "| a | 1 |",
        "| b | $2.50 |",
    ]
