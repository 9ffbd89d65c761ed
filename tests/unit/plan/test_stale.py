"""What of a saved plan is refused, given the rows that LiteLLM has now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from engine.config.loader import load_config
from engine.config.model import Backend
from engine.config.patterns import name_pattern
from engine.plan.plan import CREATE, DELETE, Plan
from engine.plan.planner import make_plan
from engine.plan.simulate import simulate
from engine.plan.stale import STALE, Present, without_stale
from engine.state.deployment import TEAM_ROW, Editing, ObservedDeployment, ObservedState
from engine.state.frozen import freeze, thaw
from engine.state.mark import MAINTENANCE
from tests import builders as b
from tests.unit.plan.test_pauses import paused
from tests.unit.plan.test_plan_properties import States, states

LOWER = b.wanted("a", params={"rpm": 5})
HIGHER = b.wanted("a", params={"rpm": 6})
ROW = b.as_seen(LOWER)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    folder = tmp_path_factory.mktemp("config")
    (folder / "litellm").write_text("sk-1234")
    text = f"{{litellm: {{url: 'http://p'}}, backends: [{{name: box, url: '{b.BOX}'}}]}}"
    (folder / "config.yaml").write_text(text)
    return load_config(folder / "config.yaml", folder).backends[0]


def present(*rows: ObservedDeployment, editing: Editing = b.IN_PLACE, **changes: Any) -> Present:
    observed = replace(b.observed(*rows, editing=editing), **changes)
    return at(observed)


def at(observed: ObservedState, *backends: Backend) -> Present:
    rows = {seen.id: seen for seen in (*observed.deployments, *observed.strays) if seen.id}
    return Present(rows, observed, backends, {})


def update(editing: Editing = b.IN_PLACE) -> Plan:
    """Return the plan that sets rpm to 6 in the only row."""
    plan = make_plan(b.desired(HIGHER), b.observed(ROW, editing=editing))
    assert len(plan.operations) == 1
    return plan


def deletion(seen: ObservedDeployment = ROW) -> Plan:
    return make_plan(b.desired(), b.observed(seen))


@pytest.mark.parametrize("action", ["block", "unblock"])
def test_a_block_is_refused_once_somebody_changed_the_row_and_found_done_later(action: str) -> None:
    seen = ROW if action == "block" else paused(ROW, MAINTENANCE)
    site = b.endpoint(served=("a",), maintenance=("box",) if action == "block" else ())
    plan = make_plan(b.desired(LOWER, endpoints=(site,)), b.observed(seen))
    assert [operation.action for operation in plan.operations] == [action]
    left, done = without_stale(plan, present(seen))
    assert (left, done) == (plan, ())
    by_hand = replace(seen, blocked=not seen.blocked)
    left, done = without_stale(plan, present(by_hand))
    assert ([skip.reason for skip in left.skips], done) == ([STALE], ())
    assert "blocked" in left.skips[0].because
    (after,) = simulate(plan, b.observed(seen), b.SCOPE).deployments
    assert without_stale(plan, present(after))[1] == plan.operations
    older = without_stale(plan, present(seen, editing=b.REPLACING))[0]
    assert [skip.reason for skip in older.skips] == [STALE]


def creation() -> Plan:
    return make_plan(b.desired(b.wanted("a")), b.observed())


def refusal(plan: Plan, now: Present) -> str:
    """Return why the only operation of a plan is refused; "" if it is not."""
    left, done = without_stale(plan, now)
    assert not done
    if left.operations:
        assert left == plan
        return ""
    (skip,) = (skip for skip in left.skips if skip.reason == STALE)
    (operation,) = plan.operations
    assert (skip.action, skip.key, skip.id) == (operation.action, operation.key, operation.touched)
    return skip.because


PLANS = {"update": update(), "replace": update(b.REPLACING), "delete": deletion()}
EDITING = {"update": b.IN_PLACE, "replace": b.REPLACING, "delete": b.IN_PLACE}


@pytest.mark.parametrize("action", PLANS)
def test_a_row_that_was_edited_is_refused_with_the_field(action: str) -> None:
    now = present(b.edited(ROW, weight=7, rpm=9), editing=EDITING[action])
    assert refusal(PLANS[action], now) == (
        "changed since the plan was made: litellm_params.rpm: 5 -> 9,"
        " litellm_params.weight: (none) -> 7"
    )


@pytest.mark.parametrize("action", PLANS)
def test_a_row_that_is_as_it_was_is_not_refused(action: str) -> None:
    assert refusal(PLANS[action], present(ROW, editing=EDITING[action])) == ""


def with_info(seen: ObservedDeployment, **info: Any) -> ObservedDeployment:
    fields = thaw(seen.fields)
    fields["model_info"].update(info)
    return replace(seen, fields=freeze(fields))


@pytest.mark.parametrize(
    "info",
    [
        {"updated_at": "2026-11-28T10:00:00Z", "updated_by": "somebody"},
        {"direct_access": True, "access_via_team_ids": ["t"]},
        {"max_input_tokens": 8192, "supports_vision": True, "input_cost_per_token": 0.1},
        {"supported_openai_params": ["tools"], "litellm_provider": "openai", "key": "gpt-4"},
    ],
    ids=["who and when", "another key", "another cost map or replica", "another version"],
)
def test_what_litellm_adds_by_itself_is_not_compared(info: dict[str, Any]) -> None:
    assert refusal(deletion(), present(with_info(ROW, **info))) == ""
    assert refusal(deletion(with_info(ROW, **info)), present(ROW)) == ""


def test_a_flag_that_another_version_adds_as_false_is_no_change_and_one_that_is_set_is() -> None:
    assert refusal(deletion(), present(b.edited(ROW, use_xai_oauth=False))) == ""
    assert "use_xai_oauth: (none) -> true" in refusal(
        deletion(), present(b.edited(ROW, use_xai_oauth=True))
    )


def test_a_field_that_litellm_could_add_counts_where_it_is_ours() -> None:
    ours = b.as_seen(b.wanted("a", info={"max_input_tokens": 4096}))
    now = present(with_info(ours, max_input_tokens=100))
    assert "model_info.max_input_tokens: 4096 -> 100" in refusal(deletion(ours), now)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"blocked": True}, "model_info.blocked: (none) -> true"),
        ({"read_only": TEAM_ROW}, "does not let it be edited any more: it belongs to a team"),
        ({"mark": None}, "modelprovisioner"),
    ],
)
def test_a_row_that_was_paused_given_away_or_unmarked_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    assert words in refusal(deletion(), present(replace(ROW, **changes)))


def test_a_rotated_key_is_named_without_the_key() -> None:
    now = present(b.as_seen(b.wanted("a", params={"rpm": 5}, api_key="sk-new")))
    text = refusal(deletion(), now)
    assert "litellm_params.api_key: (no key) -> (secret " in text
    assert "sk-new" not in text


def test_of_many_changes_some_are_named() -> None:
    edited = b.edited(ROW, **dict.fromkeys(("x1", "x2", "x3", "x4", "x5"), 1))
    assert refusal(deletion(), present(edited)).endswith(
        "litellm_params.x3: (none) -> 1 and 2 more"
    )


def test_a_row_that_is_gone_is_refused_for_a_change_and_done_for_a_delete() -> None:
    assert refusal(update(), present()) == f"row {ROW.id!r} is gone since the plan was made"
    left, done = without_stale(deletion(), present())
    assert (left, done) == (deletion(), deletion().operations)


def test_a_version_that_cannot_change_in_place_refuses_an_update() -> None:
    assert "LiteLLM 1.83.14 cannot change" in refusal(update(), present(ROW, editing=b.REPLACING))
    dropped = make_plan(b.desired(b.wanted("a")), b.observed(ROW, editing=b.REMOVING))
    assert refusal(dropped, present(ROW, editing=b.REMOVING)) == ""
    assert "cannot change" in refusal(dropped, present(ROW, editing=b.IN_PLACE))


# A new row is made only where nobody has its place or its name.


def test_a_create_is_refused_where_somebody_registered_the_same_meanwhile() -> None:
    theirs = replace(b.as_seen(b.wanted("a"), row_id="by-hand"), mark=None)
    text = refusal(creation(), present(theirs))
    assert text.startswith("LiteLLM has row 'by-hand' (it is not marked as ours) for it")
    assert refusal(creation(), present(replace(theirs, read_only=TEAM_ROW))) == ""


def test_a_create_whose_id_is_there_with_other_content_names_the_field() -> None:
    edited = b.edited(b.as_seen(b.wanted("a")), api_base="http://elsewhere")
    text = refusal(creation(), present(edited))
    assert f'litellm_params.api_base: "{b.BOX}" -> "http://elsewhere"' in text


@pytest.mark.parametrize("holder", ["a", "a*", "*"])
def test_a_name_that_others_got_meanwhile_is_refused_unless_it_may_be_joined(
    box: Backend, holder: str
) -> None:
    now = replace(b.observed(), holders={holder: ("row 'cloud' (theirs)",)})
    expected = "" if holder == "*" else "row 'cloud' (theirs) has its public name"
    assert refusal(creation(), at(now, box)).startswith(expected)
    for joining in (
        replace(box, on_taken_name="join"),
        replace(box, joinable_names=(name_pattern("a"),)),
    ):
        assert refusal(creation(), at(now, joining)) == ""


def test_a_wildcard_takes_only_names_that_fit_it(box: Backend) -> None:
    plan = make_plan(b.desired(b.wanted("gpt")), b.observed())
    for holder, taken in (("g*t", True), ("gpt*pt", False), ("x*", False), ("gp*x*t", True)):
        now = replace(b.observed(), holders={holder: ("row 'cloud' (theirs)",)})
        assert bool(refusal(plan, at(now, box))) is taken, holder


def test_a_name_that_a_row_of_ours_shares_already_is_not_refused(box: Backend) -> None:
    old = b.as_seen(b.wanted("a", upstream="openai/old"))
    now = replace(b.observed(old), holders={"a": ("row 'cloud' (theirs)",)})
    assert refusal(creation(), at(now, box)) == ""


# No public name loses its last deployment.


def moved() -> Plan:
    """Return the plan that creates the new row of a name and deletes the old one."""
    old = b.as_seen(b.wanted("a", upstream="openai/old"))
    plan = make_plan(b.desired(b.wanted("a")), b.observed(old))
    assert [op.action for op in plan.operations] == [CREATE, DELETE]
    return plan


def test_a_delete_is_refused_with_the_create_that_was_to_make_it_safe() -> None:
    plan = moved()
    old = b.as_seen(b.wanted("a", upstream="openai/old"))
    squatter = replace(b.as_seen(b.wanted("a"), row_id="by-hand"), mark=None)
    left, _ = without_stale(plan, present(old, squatter))
    assert left.operations == ()
    assert [skip.because for skip in left.skips if skip.action == DELETE] == [
        "'a' might lose its last deployment, since its new row is refused"
    ]
    assert without_stale(plan, present(old)) == (plan, ())


def test_a_delete_is_refused_where_the_row_that_stays_is_gone_or_has_another_name() -> None:
    kept, double = b.as_seen(b.wanted("a"), revision=1), b.as_seen(b.wanted("a"))
    plan = make_plan(b.desired(b.wanted("a")), b.observed(kept, double))
    assert plan.operations[0].keeps == kept.id
    assert refusal(plan, present(kept, double)) == ""
    renamed = replace(kept, key=kept.key._replace(name="other"))
    for now in (present(double), present(double, renamed)):
        assert f"row {kept.id!r}, which was to stay under its name, is gone" in refusal(plan, now)


# What was done meanwhile is not done again.


@pytest.mark.parametrize("editing", [b.IN_PLACE, b.REPLACING], ids=["update", "replace"])
def test_what_is_done_already_is_told_apart(editing: Editing) -> None:
    plan = update(editing)
    after = simulate(plan, b.observed(ROW, editing=editing), b.SCOPE)
    assert without_stale(plan, at(after)) == (plan, plan.operations)


def test_a_replace_that_was_interrupted_is_finished() -> None:
    plan = update(b.REPLACING)
    (operation,) = plan.operations
    new = simulate(plan, b.observed(ROW, editing=b.REPLACING), b.SCOPE).deployments
    assert refusal(plan, present(ROW, *new, editing=b.REPLACING)) == ""
    other = replace(new[0], mark=ROW.mark)
    text = refusal(plan, present(ROW, other, editing=b.REPLACING))
    assert text == "LiteLLM has a row with its id, which is not as planned: its mark"
    assert operation.id == new[0].id


def test_what_the_configuration_does_not_allow_any_more_is_refused_unless_it_is_done() -> None:
    plan = creation()
    unusable = {plan.operations[0].order(): "the key is another"}
    assert refusal(plan, replace(present(), unusable=unusable)) == "the key is another"
    done = replace(present(b.as_seen(b.wanted("a"))), unusable=unusable)
    assert without_stale(plan, done) == (plan, plan.operations)


# For every pair of states.


@given(states())
def test_on_unchanged_rows_nothing_is_refused_and_nothing_is_done(pair: States) -> None:
    desired, observed = pair
    plan = make_plan(desired, observed)
    assert without_stale(plan, at(observed)) == (plan, ())


@given(states())
def test_after_the_plan_all_of_it_is_done(pair: States) -> None:
    desired, observed = pair
    plan = make_plan(desired, observed)
    after = simulate(plan, observed, b.SCOPE)
    assert without_stale(plan, at(after)) == (plan, plan.operations)


@given(states())
def test_no_operation_is_left_on_rows_that_were_all_edited(pair: States) -> None:
    desired, observed = pair
    plan = make_plan(desired, observed)
    rows = [b.edited(seen, weight=77) for seen in observed.deployments]
    strays = tuple(b.edited(seen, weight=77) for seen in observed.strays)
    now = replace(observed, deployments=tuple(rows), strays=strays)
    left, done = without_stale(plan, at(now))
    assert not done
    assert [op for op in left.operations if op.action != CREATE] == []


def test_a_plan_that_is_read_again_is_held_against_rows_in_the_same_way() -> None:
    for plan in (*PLANS.values(), creation(), moved()):
        assert without_stale(Plan.from_json(plan.to_json()), present(ROW)) == without_stale(
            plan, present(ROW)
        )
