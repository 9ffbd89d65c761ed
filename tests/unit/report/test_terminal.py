"""A plan as text."""

from __future__ import annotations

from engine.apply.result import Result
from engine.plan.planner import make_plan
from engine.report.columns import Screen
from engine.report.terminal import Renderer
from engine.text import MAX_VALUE
from tests import builders as b

PLAIN = Renderer(colour=False)


def test_an_update_shows_what_changes_from_what_to_what() -> None:
    state = b.desired(b.wanted("a", params={"rpm": 6, "new": [1]}))
    seen = b.as_seen(b.wanted("a", params={"rpm": 5, "old": "x"}))
    text = PLAIN.plan(make_plan(state, b.observed(seen, editing=b.REMOVING)), state)
    assert "~ update a  openai/a" in text
    assert "~ litellm_params.rpm: 5 -> 6" in text
    assert "+ litellm_params.new: [1]" in text
    assert '- litellm_params.old: "x"' in text


def test_a_secret_shows_as_a_few_digits_of_its_fingerprint() -> None:
    state = b.desired(b.wanted("a", api_key="sk-new"))
    seen = b.as_seen(b.wanted("a", api_key="sk-old"))
    text = PLAIN.plan(make_plan(state, b.observed(seen)), state)
    assert "litellm_params.api_key: (secret " in text
    assert "$secret" not in text


def test_names_kept_for_the_same_reason_share_a_line() -> None:
    site = b.endpoint(complete=False, outcome="unreachable", detail="box: refused")
    state = b.desired(endpoints=(site,))
    seen = [b.as_seen(b.wanted(name)) for name in ("a", "b")]
    text = PLAIN.plan(make_plan(state, b.observed(*seen)), state)
    assert ". left alone: a, b\n" in text
    assert "box  http://box:8000  cannot be reached" in text
    assert "that answered; 2 models kept; box cannot be reached." in text


def test_nothing_to_do_mentions_a_backend_that_could_not_be_reached() -> None:
    site = b.endpoint(complete=False, outcome="unreachable", detail="box: refused")
    state = b.desired(endpoints=(site,))
    text = PLAIN.plan(make_plan(state, b.observed()), state)
    assert "Nothing to do for the backends that answered; box cannot be reached." in text
    assert "in step" not in text


def test_a_plan_without_operations_says_so() -> None:
    state = b.desired(b.wanted("a"))
    text = PLAIN.plan(make_plan(state, b.observed(b.as_seen(b.wanted("a")))), state)
    assert text.endswith("Nothing to do: LiteLLM is in step with box.")


def test_rows_on_endpoints_that_are_no_longer_configured_are_listed() -> None:
    state = b.desired()
    stray = b.as_seen(b.wanted("old", endpoint=b.OTHER_BOX))
    text = PLAIN.plan(make_plan(state, b.observed(strays=(stray,))), state)
    assert "endpoints that are no longer configured" in text
    assert "old" in text


def test_control_characters_in_a_name_are_escaped() -> None:
    state = b.desired(b.wanted("a\x1b]0;owned\x07\n\u202eb"))
    plan = make_plan(state, b.observed())
    text = PLAIN.plan(plan, state) + PLAIN.result(Result(plan.operations[0], "applied"), 1, 1)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b]0;owned\\x07\\n\\u202eb" in text


def test_a_long_value_is_truncated() -> None:
    state = b.desired(b.wanted("a", params={"text": "x" * 1000}))
    seen = b.as_seen(b.wanted("a", params={"text": "y"}))
    text = PLAIN.plan(make_plan(state, b.observed(seen)), state)
    assert max(map(len, text.splitlines())) < MAX_VALUE + 80


def test_every_colour_is_reset() -> None:
    state = b.desired(b.wanted("a"), b.wanted("b", params={"rpm": 1}))
    seen = [b.as_seen(b.wanted("b")), b.as_seen(b.wanted("c"))]
    text = Renderer(colour=True).plan(make_plan(state, b.observed(*seen)), state)
    for line in text.splitlines():
        assert line.count("\x1b[0m") * 2 == line.count("\x1b[")


def test_the_values_of_changes_stand_below_each_other() -> None:
    state = b.desired(b.wanted("a", params={"rpm": 6, "timeout": 30}))
    seen = b.as_seen(b.wanted("a", params={"rpm": 5, "timeout": 60}))
    text = PLAIN.plan(make_plan(state, b.observed(seen)), state)
    assert "      ~ litellm_params.rpm:     5 -> 6\n" in text
    assert "      ~ litellm_params.timeout: 60 -> 30\n" in text


def test_where_both_values_do_not_fit_they_stand_one_below_the_other() -> None:
    state = b.desired(b.wanted("a", params={"text": "x" * 30}))
    seen = b.as_seen(b.wanted("a", params={"text": "y" * 30}))
    narrow = Renderer(colour=False, screen=Screen(50, 24))
    lines = narrow.plan(make_plan(state, b.observed(seen)), state).splitlines()
    at = lines.index("      ~ litellm_params.text:")
    assert lines[at + 1 : at + 3] == [
        f'          - "{"y" * 30}"',
        f'          + "{"x" * 30}"',
    ]


def test_a_terminal_wraps_reasons_and_a_pipe_does_not() -> None:
    state = b.desired(b.wanted("a"))
    plan = make_plan(state, b.observed())
    reason = "      missing: box serves it and LiteLLM does not have it"
    assert reason in Renderer(colour=False, screen=Screen(40, 24)).plan(plan, state)
    shown = Renderer(colour=False, screen=Screen(40, 24, wraps=True)).plan(plan, state)
    assert "      missing: box serves it and LiteLLM\n        does not have it\n" in shown
