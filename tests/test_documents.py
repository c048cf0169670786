"""Documents: links lead somewhere; the glossary names places that exist, and each term once."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("environments/*.md"),
    *ROOT.glob("clients/*/README.md"),
]
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", page.read_text())):
        if not link.startswith("http"):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_the_glossary_has_each_term_once_and_names_places_that_exist() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    rows = [row.strip("|").split(" | ") for row in text.splitlines() if row.startswith("| ")]
    terms = [row[0].strip() for row in rows if row[0].strip() not in ("term", "---")]
    paths = {path for row in rows for path in re.findall(r"`([\w./]+[/.]\w*)`", row[-1])}

    assert len(terms) == len(set(terms)) > 40
    assert len(paths) > 20
    for path in paths:
        places = [
            *ROOT.glob(path),
            *ROOT.glob(f"chalicelib/{path}"),
            *ROOT.glob(f"chalicelib/*/*/{path}"),
        ]
        assert places, path


def test_every_claim_of_the_comparison_names_a_source_that_is_listed_and_each_is_used() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text()
    claims, _, sources = text.partition("\n## Sources\n")
    listed = set(re.findall(r"\[([A-Z]\d+)\] ", sources))
    used = {
        each
        for found in re.findall(r"\[((?:[A-Z]\d+(?:, )?)+)\]", claims)
        for each in found.split(", ")
    }

    assert listed == used
    assert len(listed) > 30
