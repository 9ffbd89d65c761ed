"""A plan as Markdown."""

from __future__ import annotations

import re

from engine.plan.plan import Plan, Skip
from engine.plan.planner import make_plan
from engine.report.markdown import markdown_of
from tests import builders as b


def test_operations_are_a_diff_with_what_changes_from_what_to_what() -> None:
    state = b.desired(b.wanted("new"), b.wanted("edited", params={"rpm": 6}))
    seen = [b.as_seen(b.wanted("edited", params={"rpm": 5})), b.as_seen(b.wanted("gone"))]
    plan = make_plan(state, b.observed(*seen))
    text = markdown_of(plan, state)
    assert text.startswith("**Plan: 1 to create, 1 to update, 1 to delete; 0 left alone.**\n")
    block = text.partition("```diff\n")[2].partition("\n```")[0].splitlines()
    assert block[:2] == [
        "+ create new  openai/new",
        "#     missing: box serves it and LiteLLM does not have it",
    ]
    assert block[-5:-2] == ["#     litellm_params.rpm", "-         5", "+         6"]
    assert block[-2] == "- delete gone  openai/gone"
    assert text.endswith(f"Digest: `{plan.digest}`")


def test_a_backend_that_is_down_has_its_cause_and_remedy() -> None:
    state = b.desired()
    plan = Plan(endpoints=(b.status(outcome="unreachable", detail="refused", models=0),))
    text = markdown_of(plan, state)
    assert "- `box`: cannot be reached\n  - `refused`\n  - remedy: check that it runs" in text


def test_nothing_from_outside_has_a_meaning_in_markdown() -> None:
    name = "`a`` <b>@team</b> [x](http://evil)\n```\n# head"
    state = b.desired(b.wanted(name))
    plan = make_plan(state, b.observed())
    text = markdown_of(plan, state)
    fence, _, rest = text.partition("diff\n")
    block, _, after = rest.partition(f"\n{fence.splitlines()[-1]}\n")
    assert "<b>" in block
    assert "<b>" not in fence + after
    skip = Skip("delete", b.Key(b.BOX, name, "openai/x"), "id", "unmarked", because=name)
    text = markdown_of(Plan(skips=(skip,)), state)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert "@team" not in outside
    assert "[x]" not in outside


def test_many_creates_and_skips_are_folded() -> None:
    state = b.desired(*(b.wanted(f"m{number:03}") for number in range(2000)))
    plan = make_plan(state, b.observed())
    text = markdown_of(plan, state)
    assert "+ create 2000 models" in text
    assert len(text) < 5000
    assert markdown_of(plan, state, verbose=True).count("+ create m") == 2000
