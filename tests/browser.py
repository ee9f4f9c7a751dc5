"""A headless Chromium for tests of pages: what a person does with a page, and everything that the page complains about.

    def test_it(browser):                       # the fixture of tests/conftest.py; skips where there is no Chromium
        with browser.open(path, width=390) as seen:
            seen.page.hover("#graph-n1")
            assert seen.page.inner_text(".dp-card h2") == "matmul"

Leaving the block fails the test if the page wrote an error or a warning to the console, raised, broke its own
Content-Security-Policy, or asked for anything beyond itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS = ("--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb", "--font-render-hinting=none")


@dataclass
class Seen:
    """A page in the browser, and what it has said so far."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


class Browser:
    """A running Chromium."""

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium

    @contextmanager
    def open(
        self,
        path: Path,
        *,
        width: int = 1400,
        height: int = 900,
        dark: bool = False,
        touch: bool = False,
        script: bool = True,
    ) -> Iterator[Seen]:
        """``path`` in a window of its own; afterwards the page must have complained of nothing and asked for nothing."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            has_touch=touch,
            java_script_enabled=script,
        )
        try:
            page = context.new_page()
            page.set_default_timeout(60_000)
            seen = Seen(page)
            own = path.resolve().as_uri()
            page.on("console", lambda said: said.type in ("error", "warning") and seen.complaints.append(said.text))
            page.on("pageerror", lambda error: seen.complaints.append(str(error)))
            page.on("dialog", lambda dialog: (seen.complaints.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
            page.on("request", lambda asked: asked.url.partition("#")[0] != own and seen.requests.append(asked.url))
            page.goto(own)
            yield seen
            assert not seen.complaints
            assert not seen.requests
        finally:
            context.close()


def executable() -> str | None:
    """The Chromium of this machine: the one that ``DIPTYCH_CHROMIUM`` names, or one on the path."""
    return os.environ.get("DIPTYCH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running() -> Iterator[Browser]:
    """A Chromium; skips the test where there is none, or no playwright to drive it."""
    api = pytest.importorskip("playwright.sync_api")
    found = executable()
    if found is None:
        pytest.skip("no Chromium here")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found,
            headless=True,
            chromium_sandbox=hasattr(os, "geteuid") and os.geteuid() != 0,
            args=list(ARGUMENTS),
        )
        try:
            yield Browser(chromium)
        finally:
            chromium.close()
