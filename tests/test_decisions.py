"""Every decision has a title, a date and the same four headings, and is in the index."""

import re
from datetime import date
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "decisions"
DECISIONS = sorted(FOLDER.glob("[0-9]*.md"))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_number_a_date_and_the_four_headings_in_order(path: Path) -> None:
    text = path.read_text()
    head = re.match(r"# (\d+)\. (\S.*)\n\nDate: (\S+)\n\n## Context\n", text)

    assert head is not None
    assert int(head[1]) == int(path.name[:4])
    assert date.fromisoformat(head[3]) >= date(2026, 11, 23)
    sections = dict(re.findall(r"^## (.+)\n\n(.+)", text, re.MULTILINE))
    assert list(sections) == ["Context", "Decision", "Alternatives", "Consequences"]


def test_the_index_lists_every_decision_with_its_title() -> None:
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    titles = [
        (path.read_text().partition("\n")[0].removeprefix("# "), path.name) for path in DECISIONS
    ]

    assert listed == titles
