"""The status page in a real Chromium: at phone and desktop width, in the light and in the dark.

``SCREENSHOTS=1`` writes the pictures that the documentation shows into ``fixtures/screenshots``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from engine.apply.result import Result
from tests.scene import CONFIG, Scene

from .conftest import Open

pytestmark = pytest.mark.slow
SCREENSHOTS: Final = Path(__file__).parents[2] / "fixtures/screenshots"
CHOSEN: Final = {
    ("outage", 1280, "light"): "status.png",
    ("outage", 360, "dark"): "status-phone.png",
}
LARGEST: Final = 150_000
CONTRAST: Final = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => {
      const part = v / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const found = colour(getComputedStyle(node).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const pair = [light(colour(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) weak.push([element.textContent.slice(0, 40), ratio]);
  }
  return weak;
}"""
"""The texts whose contrast is below 4.5 (WCAG 2.2, 1.4.3)."""


def empty(here: Scene) -> None:
    here.load()
    here.wait(3)


def healthy(here: Scene) -> None:
    here.cycle(0.1)
    here.configure(CONFIG.replace("rpm: 60", "rpm: 30"))
    here.models["gpu2_11434"].remove("llama3.2:3b")
    here.cycle(95)
    here.cycle()
    here.cycle(20)
    here.wait(12)


def outage(here: Scene) -> None:
    here.cycle(0.1)
    here.models["gpu2_11434"].append("qwen3:14b")
    here.cycle(140)
    row = {"model": "openai/qwen3-32b", "api_base": "http://gpu1:8000/v1", "api_key": "x"}
    body = {"model_name": "house-chat", "litellm_params": row, "model_info": {}}
    here.replay.call("POST", "/model/new", body)
    here.models["gpu3_8080"] = []
    here.cycle(30)
    del here.models["gpu2_11434"]
    here.cycle(4)
    here.edit("qwen3-32b", rpm=5)
    here.models["gpu1_8000"].append("glm-4.5-air")
    here.cycle(1)
    here.wait(21)


def thousand(here: Scene) -> None:
    here.models["gpu1_8000"] = [f"org-{n % 37}/model-{n:04d}-instruct" for n in range(1_000)]
    here.cycle(0.1)
    here.models["gpu1_8000"] = [*here.models["gpu1_8000"][40:], "org-0/new-instruct"]
    here.edit("org-15/model-0052-instruct", rpm=7)
    here.cycle()
    here.wait(5)


def working(here: Scene) -> None:
    here.cycle(0.1)
    here.models["gpu1_8000"] = [f"org-{n % 37}/model-{n:04d}-instruct" for n in range(1_000)]
    here.cycle(dry_run=True)
    snapshot = here.board.snapshot()
    assert snapshot.last is not None
    assert snapshot.last.report is not None
    report = snapshot.last.report
    here.board.plan(report.plan, report.desired)
    here.wait(41)
    for operation in report.plan.operations[:37]:
        here.board.result(Result(operation, "applied"))


def broken(here: Scene) -> None:
    here.cycle(0.1)
    here.configure(CONFIG.replace("rpm: 60", "rpm: 60, oops: {"))
    here.cycle()
    here.configure(CONFIG.replace("litellm:4000", "litellm-old:4000"))
    here.cycle()
    here.wait(8)


def hostile(here: Scene) -> None:
    here.models["gpu1_8000"] = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"'><svg onload=alert(1)>",
        "javascript:alert(1)",
        "right\u202eto left",
        "very-long-" * 90,
        "W" * 900,
    ]
    here.cycle()


STATES: Final = (empty, healthy, outage, thousand, working, broken, hostile)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_at_every_width_and_in_the_dark_it_can_be_read(
    state: Callable[[Scene], None], here: Scene, look: Open, tmp_path: Path
) -> None:
    state(here)
    grounds = set()
    for width in (360, 1280):
        for scheme in ("light", "dark"):
            page = look(width=width, scheme=scheme)
            name = f"{state.__name__}-{width}-{scheme}.png"
            page.screenshot(path=tmp_path / name, full_page=True)
            _keep(page, (state.__name__, width, scheme))
            for opened in (False, True):
                if opened:
                    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = 1)")
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide == width, f"{name}: it scrolls to the side"
                assert page.evaluate(CONTRAST) == [], name
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2, "it is the same in the dark"


def _keep(page: Any, what: tuple[str, int, str]) -> None:
    """Write a picture of the documentation, if that is asked."""
    if what in CHOSEN and os.environ.get("SCREENSHOTS"):
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / CHOSEN[what]
        height = 1120 if what[1] > 600 else 740
        page.set_viewport_size({"width": what[1], "height": height})
        page.screenshot(path=path)
        assert path.stat().st_size < LARGEST


def test_an_update_keeps_folds_the_place_and_what_is_typed(here: Scene, look: Open) -> None:
    here.models["gpu1_8000"] = [f"model-{number:03d}" for number in range(60)]
    here.cycle()
    here.cycle()
    page = look()
    assert not page.locator("#backend-0").evaluate("fold => fold.open")
    page.locator("#backend-0 > summary").click()
    page.locator("#backend-1 > summary").click()
    page.locator("#config-top > summary").click()
    page.locator("#q").fill("gem")
    page.evaluate("window.scrollTo(0, 900)")
    page.locator("#q").evaluate("box => box.focus({preventScroll: true})")
    here.models["gpu1_8000"].append("model-new")
    here.cycle()
    page.evaluate("update()")
    page.get_by_text("model-new", exact=True).first.wait_for(state="attached")
    assert page.locator("#backend-0").evaluate("fold => fold.open")
    assert not page.locator("#backend-1").evaluate("fold => fold.open")
    assert page.locator("#backend-2").evaluate("fold => fold.open")
    assert page.locator("#config-top").evaluate("fold => fold.open")
    assert page.evaluate("window.scrollY") == 900
    assert page.locator("#q").input_value() == "gem"
    assert page.evaluate("document.activeElement.id") == "q"


def test_a_fold_that_nobody_touched_opens_when_its_backend_fails(here: Scene, look: Open) -> None:
    here.models["gpu1_8000"] = [f"model-{number:03d}" for number in range(60)]
    here.cycle()
    page = look()
    assert not page.locator("#backend-0").evaluate("fold => fold.open")
    del here.models["gpu1_8000"]
    here.cycle()
    page.evaluate("update()")
    page.get_by_text("1 backend needs attention").wait_for()
    assert page.locator("#backend-0").evaluate("fold => fold.open")
    assert page.title() == "1 backend needs attention · ModelProvisioner"


def test_it_updates_itself_and_lets_a_selection_be(here: Scene, look: Open) -> None:
    here.cycle()
    page = look()
    del here.models["gpu1_8000"]
    here.cycle()
    page.get_by_text("1 backend needs attention").wait_for(timeout=20_000)
    page.locator("h2.title").select_text()
    here.models["gpu1_8000"] = ["qwen3-32b", "qwen3-coder-30b"]
    here.cycle()
    page.evaluate("update()")
    assert page.locator("h2.title").inner_text() == "1 backend needs attention"
    page.evaluate("getSelection().removeAllRanges()")
    page.evaluate("update()")
    assert page.locator("h2.title").inner_text() == "In step"


def test_times_go_on_between_updates(here: Scene, look: Open) -> None:
    here.cycle()
    here.wait(12)
    page = look()
    last = page.locator(".facts time").first
    assert last.inner_text() in ("12 s ago", "13 s ago", "14 s ago")
    before = last.inner_text()
    page.wait_for_function(
        "text => document.querySelector('.facts time').innerText !== text", arg=before
    )


def test_it_says_when_nobody_answers_and_when_somebody_does_again(here: Scene, look: Open) -> None:
    here.cycle()
    page = look()
    page.evaluate("() => { window.kept = fetch; }")
    page.evaluate("() => { window.fetch = async () => { throw new TypeError('refused'); }; }")
    page.evaluate("update()")
    page.get_by_text("ModelProvisioner does not answer").wait_for()
    page.evaluate("() => { window.fetch = window.kept; }")
    page.evaluate("update()")
    page.locator("#offline").wait_for(state="hidden")


def test_without_a_script_it_shows_filters_and_folds(here: Scene, look: Open) -> None:
    here.cycle()
    here.cycle()
    page = look(script=False)
    assert page.get_by_text("Without its script this page stays as it is").is_visible()
    page.locator("#backend-1 > summary").click()
    assert not page.locator("#backend-1 table").is_visible()
    page.locator("#q").fill("gemma")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("2 of 10 models shown").wait_for()
    page.get_by_role("link", name="load it again every 30 s").click()
    assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "30"


def test_a_state_and_a_backend_are_chosen_by_links_and_the_choice_stays(
    here: Scene, look: Open
) -> None:
    here.models["gpu1_8000"] = [f"model-{number:03d}" for number in range(150)]
    here.cycle()
    del here.models["gpu2_11434"]
    here.cycle()
    page = look()
    page.locator("#models > .chips").get_by_role("link", name="7 kept").click()
    page.get_by_text("7 of 158 models shown").wait_for()
    here.cycle()
    page.evaluate("update()")
    assert page.get_by_text("7 of 158 models shown").is_visible()
    page.get_by_role("link", name="show all").click()
    page.locator("#backend-0 > summary").click()
    page.get_by_role("link", name="show them all").click()
    page.get_by_text("150 of 158 models shown").wait_for()
    assert page.locator("#backend-0 tbody tr").count() == 150


def test_everything_is_reached_by_the_keyboard(here: Scene, look: Open) -> None:
    here.cycle()
    here.cycle()
    page = look()
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.tagName.toLowerCase()"))
        if page.evaluate("document.activeElement.parentElement.id") == "config-0":
            break
    assert {"input", "button", "summary"} <= set(reached)
    page.keyboard.press("Enter")
    assert page.locator("#config-0").evaluate("fold => fold.open")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", (
        "nobody sees what has the focus"
    )
