"""Pictures of the console's pages, wide and narrow, light and dark, on a server with books.

`python -m tests.console.pictures DIR` writes a PNG file for each. With an address as its second
argument it uses that server, on which the tests' books are.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from tests.browser import browser
from tests.console.books import BANK, CUSTOMER, SHOP, load_bank, load_shop, rows_of
from tests.local.server import steady_server

Theme = Literal["light", "dark"]

THEMES: tuple[Theme, ...] = ("light", "dark")
WIDE, NARROW = (1280, 900), (390, 844)

PAGES = {
    "ledgers": "",
    "accounts": f"ledgers/{SHOP}/accounts",
    "group": f"ledgers/{SHOP}/accounts?prefix=customers:",
    "account": f"ledgers/{BANK}/accounts/{CUSTOMER}",
    "account-events": f"ledgers/{SHOP}/accounts/customers:bob?show=events",
    "account-frozen": f"ledgers/{SHOP}/accounts/customers:carol",
    "transactions": f"ledgers/{BANK}/transactions",
    "pending": f"ledgers/{SHOP}/transactions?state=pending",
    "transaction": f"ledgers/{SHOP}/transactions/order-1001",
    "reversal": f"ledgers/{SHOP}/transactions/topup-twice-reversal",
    "trial-balance": f"ledgers/{SHOP}/trial-balance",
    "status": f"ledgers/{SHOP}/status",
    "search": f"ledgers/{BANK}/find?q={rows_of()[0].id}",
    "missing": f"ledgers/{SHOP}/accounts/nobody",
}
"""The pages, each by the hash of its address."""


@contextmanager
def page_of(running: Browser, size: tuple[int, int], theme: Theme) -> Iterator[Page]:
    """An empty page of this size, on a system that is light or dark."""
    width, height = size
    context = running.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        reduced_motion="reduce",
        timezone_id="Europe/Berlin",
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def show(page: Page, url: str, place: str) -> None:
    """Goes to a page of the console; returns once nothing of it is loading."""
    page.goto(f"{url}/console#/{place}")
    settle(page)


def settle(page: Page) -> None:
    """Returns once a page is shown and nothing of it is loading."""
    expect(page.locator("main")).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)
    if page.locator(".plot").count():
        expect(page.locator(".plot canvas")).to_be_visible()


def take(url: str, folder: Path) -> None:
    """Writes a picture of each page in each size and theme."""
    with browser() as running:
        for label, size in (("wide", WIDE), ("narrow", NARROW)):
            for theme in THEMES:
                with page_of(running, size, theme) as page:
                    for name, place in PAGES.items():
                        show(page, url, place)
                        page.screenshot(path=folder / f"{name}-{label}-{theme}.png", full_page=True)


def main(folder: str, url: str = "") -> None:
    """Takes the pictures, on a server of its own if no address is given."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    if url:
        take(url, Path(folder))
        return
    with tempfile.TemporaryDirectory() as made:
        project = Path(made) / "project"
        project.mkdir()
        with steady_server(project) as started:
            load_bank(started)
            load_shop(started)
            take(started, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
