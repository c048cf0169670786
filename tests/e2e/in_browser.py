"""The console of a deployed stage, opened in a browser."""

from playwright.sync_api import expect

from tests.browser import Watched, browser

PATIENCE_MS = 180_000
"""The emulator starts a process for each of the files that a browser asks for at once."""


def shows_the_books(stage: str, key: str, account: str, posted: str) -> None:
    """Below a stage's prefix the console asks for a key, and shows an account with its entries.

    `account` is the account's path, and `posted` its balance in units of its asset.
    """
    with browser() as running:
        page = running.new_page()
        watched = Watched(page)
        page.goto(f"{stage}/console#{account}", timeout=PATIENCE_MS)
        page.get_by_label("Read key").fill(key, timeout=PATIENCE_MS)
        page.get_by_role("button", name="Open").click()
        balance = page.locator("dl.figures .figure").first
        expect(balance).to_have_text(posted, timeout=PATIENCE_MS)
        rows = page.get_by_role("table", name="Entries, newest first").locator("tbody tr")
        expect(rows.first.locator('[data-label="Balance"]')).to_have_text(
            posted, timeout=PATIENCE_MS
        )
        assert (watched.errors, watched.other_hosts) == ([], [])
