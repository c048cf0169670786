"""The judge of the pages' accessibility that others wrote: axe-core, at the version of `node/`."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests import npm

HERE = Path(__file__).with_name("node")

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]


def axe() -> str:
    """The source of axe-core. Skips a test where there is no Node, and fails it in CI."""
    return (npm.installed(HERE) / "node_modules" / "axe-core" / "axe.min.js").read_text()


def findings(page: Page) -> list[str]:
    """What axe-core finds on a page that has it, as lines."""
    found: list[dict[str, Any]] = page.evaluate(
        "tags => axe.run({runOnly: tags}).then(({violations}) => violations)", RULES
    )
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]
