"""The text of a plan as a whole: what each backend answered, the summary, and large plans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.plan.plan import Plan, Skip
from engine.plan.planner import make_plan
from engine.report.columns import Screen, display_width
from engine.report.summary import summary_of
from engine.report.terminal import Renderer
from engine.state.deployment import DesiredState
from engine.state.endpoint_status import EndpointStatus
from tests import builders as b

PLAIN = Renderer(colour=False)


def text_with(*statuses: EndpointStatus) -> str:
    state = b.desired(endpoints=(b.endpoint(backends=tuple(s.backend for s in statuses)),))
    return PLAIN.plan(Plan(endpoints=statuses), state)


def large(count: int, *, letters: str = "m") -> tuple[Plan, DesiredState]:
    state = b.desired(*(b.wanted(f"{letters}{number:03}") for number in range(count)))
    return make_plan(state, b.observed()), state


def left_alone(*skips: tuple[str, str, str]) -> Plan:
    """Return a plan with skips on one endpoint, each a name, a reason and its explanation."""
    return Plan(
        skips=tuple(
            Skip("delete", b.Key(b.BOX, name, f"openai/{name}"), name, reason, because)
            for name, reason, because in skips
        ),
        endpoints=(b.status(),),
    )


# --- what each backend answered ---


def test_each_backend_says_how_much_it_lists_and_how_much_is_filtered_out() -> None:
    text = text_with(b.status("box", models=50, filtered=36), b.status("twin", models=1))
    assert f"box  {b.BOX}  50 models, 36 filtered out\n" in text
    assert f"twin  {b.BOX}  1 model\n" in text


def test_a_backend_that_cannot_be_reached_says_why_and_what_to_do() -> None:
    text = text_with(b.status(outcome="unauthorised", detail="HTTP 401", models=0))
    assert f"box  {b.BOX}  needs a valid key\n    HTTP 401\n    remedy: put the key" in text


def test_a_list_that_was_read_in_part_is_no_whole_list() -> None:
    text = text_with(b.status(answered=False, models=7))
    assert "7 models; sends a list that cannot be read in full\n" in text


def test_an_expression_that_matches_nothing_is_shown() -> None:
    text = text_with(b.status(models=50, unmatched=("filter_regex: ^x\x1b[31m",)))
    assert "    filter_regex '^x\\x1b[31m' matches none of its 50 models\n" in text


# --- the summary ---


@pytest.mark.parametrize(
    ("plan", "summary"),
    [
        (Plan(), "Nothing to do; 0 left alone."),
        (Plan(endpoints=(b.status("box"),)), "Nothing to do: LiteLLM is in step with box."),
        (
            Plan(endpoints=(b.status("box"), b.status("twin"))),
            "Nothing to do: LiteLLM is in step with box and twin.",
        ),
        (
            replace(left_alone(("a", "read_only", "a team's")), endpoints=()),
            "Nothing to do; 1 left alone.",
        ),
        (
            left_alone(("a", "held", "why"), ("b", "limit", "why")),
            "Nothing to do now; 2 held back by a limit.",
        ),
        (
            replace(
                left_alone(("a", "incomplete", "why"), ("b", "held", "why")),
                endpoints=(b.status("box", "unreachable"), b.status("twin", "unauthorised")),
            ),
            (
                "Nothing to do for the backends that answered; 1 held back by a limit;"
                " 1 model kept;"
                " box cannot be reached; twin needs a valid key."
            ),
        ),
        (
            Plan(endpoints=tuple(b.status(f"b{number}", "unreachable") for number in range(9))),
            (
                "Nothing to do for the backends that answered; b0 cannot be reached;"
                " b1 cannot be reached; b2 cannot be reached;"
                " 6 more backends not read in full."
            ),
        ),
    ],
)
def test_the_summary_of_a_plan_without_operations(plan: Plan, summary: str) -> None:
    assert summary_of(plan) == summary


def test_the_summary_of_a_plan_with_operations_names_who_could_not_be_asked() -> None:
    plan, _ = large(2)
    plan = replace(plan, endpoints=(b.status("twin", "unreachable"),))
    assert summary_of(plan) == "Plan: 2 to create; 0 left alone; twin cannot be reached."


# --- large plans ---


def test_many_creates_of_a_backend_are_columns_of_names() -> None:
    lines = PLAIN.plan(*large(10)).splitlines()
    at = lines.index("  + create 10 models")
    assert lines[at + 1] == "      missing: box serves it and LiteLLM does not have it"
    assert lines[at + 2].split() == [f"m{number:03}" for number in range(10)]


def test_few_creates_are_shown_each_by_itself() -> None:
    text = PLAIN.plan(*large(3))
    assert text.count("+ create m00") == 3


def test_verbose_shows_each_create_by_itself() -> None:
    text = Renderer(colour=False, verbose=True).plan(*large(100))
    assert text.count("\n  + create m") == 100
    assert "-v" not in text


def test_of_very_many_creates_the_rest_is_counted() -> None:
    text = PLAIN.plan(*large(1000))
    assert len(text.splitlines()) < 24
    assert "more; -v shows all" in text
    assert "Plan: 1000 to create" in text


@pytest.mark.parametrize("width", [1, 20, 40, 79, 80, 200, 1000])
def test_folded_names_fit_any_width(width: int) -> None:
    renderer = Renderer(colour=False, screen=Screen(width, 24))
    rows = [
        line for line in renderer.plan(*large(9, letters="日本語-")).splitlines() if "日" in line
    ]
    assert sum(row.count("日") for row in rows) == 9
    assert all(display_width(row) <= max(width, 26) for row in rows)


def test_a_plan_longer_than_the_screen_has_its_summary_first_and_last() -> None:
    plan, state = large(3)
    tall = Renderer(colour=False, screen=Screen(80, 24)).plan(plan, state).splitlines()
    low = Renderer(colour=False, screen=Screen(80, 8)).plan(plan, state).splitlines()
    narrow = Renderer(colour=True, screen=Screen(20, 12)).plan(plan, state).splitlines()
    summary = "Plan: 3 to create; 0 left alone."
    assert (tall.count(summary), tall[-1]) == (1, summary)
    assert (low[0], low[1], low[-1]) == (summary, "", summary)
    assert narrow[0] == narrow[-1]


def test_names_that_are_left_alone_for_one_reason_are_columns_too() -> None:
    skips = [(f"m{number}", "incomplete", "its backend is down") for number in range(30)]
    lines = PLAIN.plan(left_alone(*skips), b.desired()).splitlines()
    at = lines.index("  . left alone: 30 models")
    assert lines[at + 1] == "      incomplete: its backend is down"
    assert " ".join(lines[at + 2 : -2]).split() == [name for name, *_ in skips]


def test_names_that_are_left_alone_for_many_causes_are_folded_by_their_reason() -> None:
    skips = [(f"m{number}", "name_taken", f"row {number} has it") for number in range(30)]
    plan = left_alone(*skips)
    text = PLAIN.plan(plan, b.desired())
    assert "  . left alone: 30 models\n      name_taken: row 0 has it; -v shows 29 other" in text
    verbose = Renderer(colour=False, verbose=True).plan(plan, b.desired())
    assert all(f"name_taken: row {number} has it\n" in verbose for number in range(30))


def test_folded_names_cannot_steer_a_terminal() -> None:
    state = b.desired(*(b.wanted(f"{number}\x1b]0;x\x07\u202e\n") for number in range(9)))
    text = PLAIN.plan(make_plan(state, b.observed()), state)
    assert all(line.isprintable() for line in text.splitlines())
    assert "8\\x1b]0;x\\x07\\u202e\\n" in text
