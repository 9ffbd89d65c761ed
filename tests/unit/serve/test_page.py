"""The page as HTML: whatever others write, it stays text; and it can be asked for less of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import quote

import pytest

from engine.apply.result import Result
from engine.bounds import MAX_PARAMETERS
from engine.serve.page.answers import mark_of
from engine.serve.page.markup import joined, sentence, shown, tag
from engine.serve.page.words import relative_words, took
from engine.serve.snapshot import Snapshot
from tests.scene import CONFIG, OLLAMA, Scene, scene

KNOWN = set(
    re.findall(
        r"\w+",
        "html head meta title link script body header main section footer h1 h2 h3 p a b bdi code"
        " dl dt dd div span small time ol ul li table thead tbody tr th td details summary"
        " form input button svg rect progress",
    )
)
"""Every element that the page uses; none that loads something is among them, but for ours."""
VOID = {"input", "link", "meta"}


@dataclass
class Parsed:
    """What a page consists of: (tag, attributes) in order, the text, and tags left open."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    wrong: list[str] = field(default_factory=list)

    def attributes(self, name: str) -> list[str]:
        return [str(each[name]) for _, each in self.elements if name in each]


def parse(html: str) -> Parsed:
    parsed = Parsed()
    open_tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            parsed.elements.append((tag, dict(attrs)))
            if tag not in VOID:
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if not open_tags or open_tags.pop() != tag:
                parsed.wrong.append(tag)

        def handle_data(self, data: str) -> None:
            parsed.text += data

    reader = Reader(convert_charrefs=True)
    reader.feed(html)
    reader.close()
    parsed.wrong += open_tags
    return parsed


@pytest.fixture
def here() -> Iterator[Scene]:
    with scene() as running:
        yield running


def page(here: Scene, query: str = "") -> Parsed:
    answer = here.ask(f"/{query}")
    assert answer.status == 200
    return parse(answer.text)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload='alert(1)'>",
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "a&lt;b&amp;c",
    "</table></details></main><base href=//evil>",
    "<!-- --><![CDATA[ ]]>",
    "{{7*7}}${7*7}`id`",
    "right\u202eto\u2066left",
    "zero\u200bwidth\ufeff",
    "x" * 10_240,
    "é" * 200 + "😀",
]


def test_what_servers_send_is_text_wherever_it_is_shown(here: Scene) -> None:
    here.models["gpu1_8000"] = HOSTILE
    here.cycle()
    here.models["gpu1_8000"] = HOSTILE[3:]
    here.cycle()
    here.models["gpu2_11434"] = [*OLLAMA, *HOSTILE]
    here.cycle(dry_run=True)
    got = page(here, "?backend=vllm")
    assert "<img src=x onerror=alert(1)>" in got.text
    assert got.wrong == []
    assert {name for name, _ in got.elements} <= KNOWN
    names = {name for _, attributes in got.elements for name in attributes}
    assert [name for name in names if name.startswith("on") or name in ("style", "srcdoc")] == []
    assert not re.search("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", got.text)
    assert r"right\u202eto\u2066left" in got.text
    assert max(map(len, re.findall("x+", got.text))) < 1100


def test_nothing_on_the_page_leads_elsewhere(here: Scene) -> None:
    here.configure(CONFIG.replace("rpm: 60", "rpm: 60, api_version: 'javascript:alert(1)'"))
    here.cycle()
    got = page(here, "?q=%22%3E%3Cscript%3E&state=in_sync&backend=javascript%3Aalert(1)")
    for target in got.attributes("href") + got.attributes("src") + got.attributes("action"):
        assert re.match(r"/(?!/)|#", target), target
    assert not any("script" in attribute for attribute in got.attributes("id"))


@pytest.mark.parametrize("name", ["q", "backend", "state", "reload", "unless"])
@pytest.mark.parametrize("value", HOSTILE[:6])
def test_what_is_asked_for_is_text_too(here: Scene, name: str, value: str) -> None:
    here.cycle()
    got = page(here, f"?{name}={quote(value)}")
    assert got.wrong == []
    scripts = [attributes for element, attributes in got.elements if element == "script"]
    assert scripts == [{"src": "/page.js", "defer": None}]


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/icon.svg", "/api/status"])
def test_every_path_has_its_type_and_a_policy_without_inline_code(here: Scene, path: str) -> None:
    here.cycle()
    answer = here.ask(path)
    head = here.ask(path, "HEAD")
    assert (answer.status, head.status, head.text) == (200, 200, "")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    kinds = {"/": "html", "/page.css": "css", "/page.js": "javascript", "/icon.svg": "svg"}
    assert kinds.get(path, "json") in answer.headers["content-type"]
    assert here.ask(path, "POST").status == 405


def test_names_are_filtered_by_text_state_and_backend(here: Scene) -> None:
    here.cycle()
    here.cycle()
    assert "11 models" not in page(here).text
    got = page(here, "?q=GEMMA")
    assert "2 of 10 models shown" in got.text
    assert "gemma3:12b" in got.text
    assert "mistral-nemo:12b" not in re.sub("Last changes.*", "", got.text, flags=re.DOTALL)
    assert "7 of 10 models shown" in page(here, "?backend=ollama").text
    assert "0 of 10 models shown" in page(here, "?state=failed").text
    assert "No model matches." in page(here, "?state=failed").text
    assert "shown" not in page(here, "?state=no-such-state").text


def test_too_many_parameters_are_as_none(here: Scene) -> None:
    here.cycle()
    many = "&".join(f"x{number}=1" for number in range(MAX_PARAMETERS))
    assert "0 of 10 models shown" in page(here, "?q=no-such&x=1").text
    assert "models shown" not in page(here, f"?q=no-such&{many}").text


@pytest.mark.slow
def test_many_models_are_folded_and_bounded_and_a_link_shows_all(here: Scene) -> None:
    here.models["gpu1_8000"] = [f"model-{number:04d}" for number in range(900)]
    here.cycle()
    here.cycle()
    got = page(here)
    (vllm,) = [a for n, a in got.elements if n == "details" and a.get("id") == "backend-0"]
    assert "open" not in vllm
    assert "800 more, all in sync" in got.text
    assert "/?backend=vllm#models" in got.attributes("href")
    assert len(here.ask("/").text) < 100_000
    everything = page(here, "?backend=vllm")
    assert everything.text.count("hosted_vllm/model-") == 900


def test_a_page_that_has_not_changed_is_not_made_again(here: Scene) -> None:
    here.cycle()
    (mark,) = page(here).attributes("data-mark")
    assert here.ask(f"/?unless={mark}").status == 204
    here.wait(30)
    assert here.ask(f"/?unless={mark}").status == 204
    here.cycle()
    assert here.ask(f"/?unless={mark}").status == 200


def test_the_mark_changes_with_each_thing_that_the_page_shows(here: Scene) -> None:
    marks = [mark_of(here.board.snapshot())]

    def changed() -> bool:
        marks.append(mark_of(here.board.snapshot()))
        return marks[-1] != marks[-2]

    here.load()
    assert changed()
    here.cycle(dry_run=True)
    assert changed()
    snapshot = here.board.snapshot()
    assert snapshot.plan is not None
    assert snapshot.last is not None
    assert snapshot.last.report is not None
    here.board.plan(snapshot.plan, snapshot.last.report.desired)
    assert changed()
    here.cycle()
    assert changed()
    here.configure("oops: [")
    here.cycle()
    assert changed()


def test_without_a_script_it_can_be_loaded_again_and_again(here: Scene) -> None:
    assert page(here).attributes("http-equiv") == []
    assert page(here, "?reload=30").attributes("http-equiv") == ["refresh"]
    for wrong in ("0", "x", "99999", "%D9%A3%D9%A3", "%C2%B2%C2%B2"):
        assert page(here, f"?reload={wrong}").attributes("http-equiv") == []


def test_it_shows_work_in_progress_and_what_failed(here: Scene) -> None:
    here.cycle(dry_run=True)
    last = here.board.snapshot().last
    assert last is not None
    assert last.report is not None
    plan = last.report.plan
    here.board.plan(plan, last.report.desired)
    here.board.result(Result(plan.operations[0], "applied"))
    here.board.result(Result(plan.operations[1], "failed", "no"))
    here.wait(8)
    got = page(here)
    assert "2 of 10 operations done" in got.text
    assert f"create {plan.operations[1].key.name}: failed" in got.text
    results = tuple(Result(each, "failed", "LiteLLM said no") for each in plan.operations)
    report = replace(last.report, results=results)
    here.board.ended(replace(last, report=report, dry_run=False))
    got = page(here)
    assert "10 operations of 10 were not carried out" in got.text
    assert "LiteLLM said no" in got.text
    assert "0 of 10 done" in got.text


def test_it_shows_expressions_that_match_nothing_and_rows_without_a_backend(here: Scene) -> None:
    here.cycle()
    text = CONFIG[: CONFIG.index("  - name: llamacpp")]
    here.configure(text.replace("exclude_regex: embed", "exclude_regex: embedd"))
    here.cycle()
    got = page(here)
    assert "exclude_regex 'embedd' matches none of its 8 models" in got.text
    assert "On no configured backend" in got.text
    here.models["gpu1_8000"] = []
    here.cycle()
    here.models["gpu1_8000"] = ["a"]
    here.cycle()
    assert "vllm is back" in page(here).text


def test_what_does_not_fit_is_in_the_json(here: Scene) -> None:
    here.models["gpu1_8000"] = [f"m-{number:04d}" for number in range(2_050)]
    here.configure(CONFIG + "limits: {max_models: 5000, max_creates: 5000}")
    here.cycle(dry_run=True)
    got = page(here, "?backend=vllm")
    assert "50 more; filter them, or see /api/status." in got.text


def test_headings_tables_and_ids_are_sound(here: Scene) -> None:
    here.cycle()
    del here.models["gpu2_11434"]
    here.edit("qwen3-32b", rpm=5)
    here.cycle()
    got = page(here)
    ids = got.attributes("id")
    assert len(ids) == len(set(ids))
    levels = [int(name[1]) for name, _ in got.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    heads = [attributes.get("scope") for name, attributes in got.elements if name == "th"]
    assert set(heads) <= {"col", "row", "rowgroup"}
    labelled = got.attributes("aria-labelledby")
    assert set(labelled) <= set(ids)


def test_the_page_of_an_empty_snapshot_and_of_a_dry_run_and_of_a_wrong_file(here: Scene) -> None:
    assert "The first cycle has not ended yet." in page(here).text
    assert "No configuration has been read yet." in page(here).text
    here.cycle(dry_run=True)
    assert "nothing is written to LiteLLM" in page(here).text
    here.configure("oops: [")
    here.cycle()
    assert "The configuration was changed and cannot be used" in page(here).text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "now"),
        (-12, "12 s ago"),
        (48, "in 48 s"),
        (-99.6, "2 min ago"),
        (5990, "in 1.7 h"),
        (-200_000, "2 days ago"),
    ],
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert relative_words(seconds) == words


def test_durations_are_told_in_words() -> None:
    assert list(map(took, (0.01, 0.34, 75.0, 400.0))) == [
        "took under 0.1 s",
        "took 0.3 s",
        "took 75 s",
        "took 7 min",
    ]


def test_only_what_markup_made_is_html() -> None:
    made = tag("p", "<b>", joined(["&", None, tag("i", '"')]), title='"<', hidden=True, lang=None)
    assert made.text == '<p title="&quot;&lt;" hidden>&lt;b&gt;&amp;<i>&quot;</i></p>'
    assert shown("a\u202eb").text == r"<bdi>a\u202eb</bdi>"
    assert sentence("say `url`").text == "<bdi>say <code>url</code></bdi>"
    assert sentence("a lonely ` tick").text == "<bdi>a lonely ` tick</bdi>"


def test_a_snapshot_has_a_mark_that_depends_on_nothing_else() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert mark_of(Snapshot(now, now, 0.0, 600.0)) == mark_of(Snapshot(now, now, 1.0, 600.0))
