"""A browser: Debian's Chromium, driven by Playwright, which reports all that a page does."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.programs import needed


def _program() -> str | None:
    """Chromium without windows where it is installed: the same engine in half the CPU time."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    """A running browser without a profile. Skips a test where there is none, and fails it in CI."""
    if not _program():
        needed("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=_program(),
            # A container has no user namespaces for Chromium's sandbox; the pages are ours. A
            # graphics card would be emulated.
            args=["--no-sandbox", "--disable-gpu"],
        )
        try:
            yield running
        finally:
            running.close()


class Watched:
    """A page that remembers the errors of its console and the addresses that it asked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _said(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind == "error":
            self.errors.append(text)

    @property
    def other_hosts(self) -> list[str]:
        """The requests to other origins than the page's own."""
        origin = self.page.evaluate("location.origin")
        return [url for url in self.requests if not url.startswith((origin, "data:", "blob:"))]

    @property
    def is_wider_than_the_screen(self) -> bool:
        """Whether a reader has to scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
