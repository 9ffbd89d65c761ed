"""A real browser, and pages in it that tell of everything that went wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scene import Scene, scene

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium of this machine. Without one, tests are skipped, and fail in CI."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        why = "NOT TESTED IN A BROWSER: install chromium, and playwright from the extra dev"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def here() -> Iterator[Scene]:
    """A fleet whose page can be looked at."""
    with scene() as running:
        yield running


@pytest.fixture
def look(browser: Any, here: Scene) -> Iterator[Open]:
    """Open the page; nothing may be complained about in any console by the end of the test."""
    complaints: list[str] = []
    contexts = []

    def opened(
        query: str = "", width: int = 1280, scheme: str = "light", *, script: bool = True
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 740 if width < 600 else 900},
            color_scheme=scheme,
            device_scale_factor=2 if width < 600 else 1,
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.goto(here.url + query)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
