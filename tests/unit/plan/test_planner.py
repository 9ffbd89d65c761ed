"""The rule table of make_plan, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.errors import UnprovenPlan
from engine.plan.plan import Plan, Skip
from engine.plan.planner import make_plan, verify_plan
from engine.plan.simulate import simulate
from engine.state.deployment import (
    TEAM_ROW,
    DesiredDeployment,
    DesiredState,
    Editing,
    ObservedDeployment,
    ObservedState,
    Refusal,
)
from engine.state.frozen import thaw
from engine.state.mark import deployment_id
from tests import builders as b


def plan_of(desired: DesiredState, observed: ObservedState) -> Plan:
    """Plan, prove the plan, check that it survives JSON, and return what is planned."""
    plan = make_plan(desired, observed)
    verify_plan(plan, desired, observed, b.SCOPE)
    assert Plan.from_json(plan.to_json()) == plan
    return replace(plan, endpoints=())


def actions(plan: Plan) -> list[tuple[str, str, str]]:
    return [(op.action, op.key.name, op.reason) for op in plan.operations]


def skips(plan: Plan) -> list[tuple[str, str]]:
    return [(skip.key.name, skip.reason) for skip in plan.skips]


def test_a_missing_deployment_is_created_under_its_own_id() -> None:
    plan = plan_of(b.desired(b.wanted("a")), b.observed())
    assert actions(plan) == [("create", "a", "missing")]
    operation = plan.operations[0]
    assert operation.id == deployment_id(b.OWNER, operation.key, 0)
    assert operation.row["model_info"]["id"] == operation.id
    assert operation.row["model_info"]["modelprovisioner"]["owner"] == b.OWNER


def test_a_deployment_in_line_needs_nothing() -> None:
    wanted = b.wanted("a", params={"rpm": 5, "timeout": 30}, info={"mode": "chat"})
    assert plan_of(b.desired(wanted), b.observed(b.as_seen(wanted))) == Plan(owner=b.OWNER)


def test_what_litellm_adds_to_a_row_is_no_change() -> None:
    wanted = b.wanted("a", params={"max_retries": "2", "drop_params": "true"})
    seen = b.edited(
        b.as_seen(wanted), max_retries=2, drop_params=True, use_litellm_proxy=False, weight=3
    )
    assert plan_of(b.desired(wanted), b.observed(seen)) == Plan(owner=b.OWNER)


def test_a_number_that_the_listing_masks_is_no_change() -> None:
    wanted = b.wanted("a", params={"my_token": 123456789012, "extra": {"pin_secret": 7}})
    seen = b.edited(b.as_seen(wanted), my_token="1234****9012", extra={"pin_secret": "*"})
    assert plan_of(b.desired(wanted), b.observed(seen)) == Plan(owner=b.OWNER)


def test_true_and_one_are_two_things() -> None:
    wanted = b.wanted("a", params={"flag": True})
    plan = plan_of(b.desired(wanted), b.observed(b.edited(b.as_seen(wanted), flag=1)))
    assert actions(plan) == [("update", "a", "drifted")]
    assert [(c.path, c.before, c.after) for c in plan.operations[0].changes] == [
        ("/litellm_params/flag", 1, True)
    ]


def test_a_changed_configuration_is_an_update_with_its_patch() -> None:
    before, after = b.wanted("a", params={"rpm": 5}), b.wanted("a", params={"rpm": 6})
    plan = plan_of(b.desired(after), b.observed(b.as_seen(before)))
    assert actions(plan) == [("update", "a", "changed")]
    assert [change.to_json() for change in plan.operations[0].changes] == [
        {"op": "replace", "path": "/litellm_params/rpm", "value": 6, "was": 5}
    ]


def test_a_rotated_key_shows_without_showing_the_key() -> None:
    before, after = b.wanted("a", api_key="sk-old-1234"), b.wanted("a", api_key="sk-new-1234")
    plan = plan_of(b.desired(after), b.observed(b.as_seen(before)))
    assert [change.path for change in plan.operations[0].changes] == ["/litellm_params/api_key"]
    assert "sk-" not in str(plan.to_json())


def test_a_hand_edit_of_our_field_is_drift() -> None:
    wanted = b.wanted("a", params={"rpm": 5})
    plan = plan_of(b.desired(wanted), b.observed(b.edited(b.as_seen(wanted), rpm=99)))
    assert actions(plan) == [("update", "a", "drifted")]
    assert "rpm" in plan.operations[0].because


def test_a_field_of_ours_that_somebody_took_away_comes_back() -> None:
    wanted = b.wanted("a", params={"rpm": 5})
    plan = plan_of(b.desired(wanted), b.observed(b.edited(b.as_seen(wanted), rpm=None)))
    assert [change.op for change in plan.operations[0].changes] == ["add"]


@pytest.mark.parametrize(
    ("editing", "action"),
    [(b.IN_PLACE, "replace"), (b.REMOVING, "update"), (b.REPLACING, "replace")],
)
def test_a_field_dropped_from_the_configuration_is_removed(editing: b.Editing, action: str) -> None:
    before, after = b.wanted("a", params={"rpm": 5}), b.wanted("a")
    plan = plan_of(b.desired(after), b.observed(b.as_seen(before), editing=editing))
    assert actions(plan) == [(action, "a", "changed")]
    assert [(c.op, c.path) for c in plan.operations[0].changes] == [
        ("remove", "/litellm_params/rpm")
    ]


@pytest.mark.parametrize("name", ["a/b", "a~b"])
def test_a_dropped_parameter_with_an_odd_name_is_not_carried_over(name: str) -> None:
    before, after = b.wanted("a"), b.wanted("a")
    seen = b.edited(b.as_seen(before), **{name: 1})
    assert seen.mark is not None
    paths = (*seen.mark.fields, b.pointer(("litellm_params", name)))
    seen = replace(seen, mark=replace(seen.mark, fields=paths, fingerprint="0" * 32))
    (operation,) = plan_of(b.desired(after), b.observed(seen)).operations
    assert [change.op for change in operation.changes] == ["remove"]
    assert name not in operation.row["litellm_params"]


def test_a_dropped_model_info_field_needs_a_new_row_on_every_version() -> None:
    before, after = b.wanted("a", info={"mode": "chat"}), b.wanted("a")
    plan = plan_of(b.desired(after), b.observed(b.as_seen(before), editing=b.REMOVING))
    assert actions(plan) == [("replace", "a", "changed")]


def test_a_replacement_has_the_next_id_and_carries_what_others_set() -> None:
    before, after = b.wanted("a", params={"rpm": 5}), b.wanted("a", params={"rpm": 6})
    seen = b.edited(b.as_seen(before), weight=3, use_litellm_proxy=False, my_token="abcd****wxyz")
    fields = thaw(seen.fields)
    fields["model_info"] |= {"access_groups": ["beta"], "supports_vision": True}
    seen = replace(seen, fields=b.freeze(fields))
    operation = plan_of(b.desired(after), b.observed(seen, editing=b.REPLACING)).operations[0]
    assert (operation.action, operation.replaces) == ("replace", seen.id)
    assert operation.id == deployment_id(b.OWNER, after.key, 1)
    assert operation.row["litellm_params"]["weight"] == 3
    assert operation.row["model_info"]["access_groups"] == ("beta",)
    assert "supports_vision" not in operation.row["model_info"]
    assert "my_token" not in operation.row["litellm_params"]
    assert "my_token" in operation.because


def test_an_update_in_place_keeps_the_switches_that_a_patch_would_reset() -> None:
    before, after = b.wanted("a", params={"rpm": 5}), b.wanted("a", params={"rpm": 6})
    seen = b.edited(b.as_seen(before), use_in_pass_through=True, use_litellm_proxy=False)
    operation = plan_of(b.desired(after), b.observed(seen)).operations[0]
    assert operation.row["litellm_params"]["use_in_pass_through"] is True
    assert "use_litellm_proxy" not in operation.row["litellm_params"]


def test_a_paused_row_is_not_replaced() -> None:
    before, after = b.wanted("a", params={"rpm": 5}), b.wanted("a", params={"rpm": 6})
    seen = b.as_seen(before, blocked=True)
    plan = plan_of(b.desired(after), b.observed(seen, editing=b.REPLACING))
    assert (actions(plan), skips(plan)) == ([], [("a", "paused")])


def test_of_several_rows_the_one_in_line_is_kept() -> None:
    wanted = b.wanted("a", params={"rpm": 6})
    old = b.as_seen(b.wanted("a", params={"rpm": 5}))
    new = b.as_seen(wanted, revision=1)
    plan = plan_of(b.desired(wanted), b.observed(old, new))
    assert [(op.action, op.id, op.reason) for op in plan.operations] == [
        ("delete", old.id, "duplicate")
    ]


def unmarked(deployment: DesiredDeployment, row_id: str = "by-go") -> ObservedDeployment:
    return replace(b.as_seen(deployment, row_id=row_id), mark=None)


def test_a_row_of_the_predecessor_is_adopted_and_keeps_its_id() -> None:
    wanted = b.wanted("a")
    plan = plan_of(b.desired(wanted), b.observed(unmarked(wanted)))
    assert [(op.action, op.id, op.reason) for op in plan.operations] == [
        ("update", "by-go", "adopted")
    ]


def test_a_row_of_the_predecessor_with_its_own_provider_is_adopted() -> None:
    wanted = b.wanted("a", upstream="ollama_chat/a", predecessors=("ollama/a",))
    old = unmarked(b.wanted("a", upstream="ollama/a"))
    plan = plan_of(b.desired(wanted), b.observed(old))
    assert [(op.action, op.id, op.reason) for op in plan.operations] == [
        ("update", "by-go", "adopted")
    ]
    assert "/litellm_params/model" in [change.path for change in plan.operations[0].changes]


FILTERED = "the configuration filters this model out"
EXCLUSIVE = b.endpoint(served=("a",), ownership="exclusive")
LEAVE = "left alone; to have it removed, delete it in LiteLLM or set ownership: exclusive"


def test_of_two_unmarked_rows_one_is_adopted_and_the_other_stays() -> None:
    wanted = b.wanted("a")
    plan = plan_of(b.desired(wanted), b.observed(unmarked(wanted, "z"), unmarked(wanted, "y")))
    assert [(op.action, op.id) for op in plan.operations] == [("update", "y")]
    because = f"a row for 'openai/a' without our mark (y offers the same); {LEAVE}"
    assert plan.skips == (Skip("delete", wanted.key, "z", "unmarked", because),)


def test_where_all_is_ours_two_unmarked_rows_become_one() -> None:
    wanted = b.wanted("a")
    rows = b.observed(unmarked(wanted, "z"), unmarked(wanted, "y"))
    plan = plan_of(b.desired(wanted, endpoints=(EXCLUSIVE,)), rows)
    assert [(op.action, op.id) for op in plan.operations] == [("update", "y"), ("delete", "z")]


@pytest.mark.parametrize("row_id", ["a", "z"])
def test_an_adoption_that_was_interrupted_is_finished(row_id: str) -> None:
    wanted = b.wanted("a")
    old = unmarked(wanted, row_id)
    plan = plan_of(b.desired(wanted), b.observed(old, editing=b.REPLACING))
    (operation,) = plan.operations
    create = replace(operation, action="create", replaces="")
    between = simulate(Plan((create,)), b.observed(old, editing=b.REPLACING), b.SCOPE)
    plan = plan_of(b.desired(wanted), between)
    assert [(op.action, op.id, op.reason) for op in plan.operations] == [
        ("delete", row_id, "duplicate")
    ]


def test_an_adoption_that_was_interrupted_is_still_known_after_a_change() -> None:
    old = unmarked(b.wanted("a"), "old")
    mark = replace(b.wanted("a").mark, adopted="old")
    ours = b.as_seen(b.wanted("a"), mark=mark)
    for editing in (b.IN_PLACE, b.REPLACING):
        changed = b.desired(b.wanted("a", params={"rpm": 1}))
        first, *_ = plan_of(changed, b.observed(ours, old, editing=editing)).operations
        assert first.row["model_info"]["modelprovisioner"]["adopted"] == "old"


def test_with_ownership_marked_a_row_without_a_mark_is_left_and_not_doubled() -> None:
    wanted = b.wanted("a")
    state = b.desired(wanted, endpoints=(b.endpoint(ownership="marked"),))
    gone = unmarked(b.wanted("gone"), "hand")
    plan = plan_of(state, b.observed(unmarked(wanted), gone))
    assert (actions(plan), skips(plan)) == ([], [("a", "not_owned"), ("gone", "not_owned")])


def test_a_surplus_row_of_ours_is_deleted() -> None:
    plan = plan_of(b.desired(), b.observed(b.as_seen(b.wanted("a"))))
    assert actions(plan) == [("delete", "a", "surplus")]


def test_a_hand_made_alias_of_a_served_model_is_left_alone() -> None:
    alias = unmarked(b.wanted("fast", upstream="openai/a"), "hand")
    plan = plan_of(b.desired(b.wanted("a")), b.observed(b.as_seen(b.wanted("a")), alias))
    assert (actions(plan), skips(plan)) == ([], [("fast", "alias")])


def test_an_unmarked_row_of_a_model_that_is_gone_stays_and_says_how_to_remove_it() -> None:
    hand = unmarked(b.wanted("fast", upstream="openai/gone"), "hand")
    plan = plan_of(b.desired(), b.observed(hand))
    because = f"a row for 'openai/gone' without our mark (box does not serve it); {LEAVE}"
    assert (plan.operations, plan.skips) == (
        (),
        (Skip("delete", hand.key, "hand", "unmarked", because),),
    )


def test_where_all_is_ours_an_unmarked_row_of_a_model_that_is_gone_goes() -> None:
    hand = unmarked(b.wanted("fast", upstream="openai/gone"), "hand")
    plan = plan_of(b.desired(endpoints=(EXCLUSIVE,)), b.observed(hand))
    assert actions(plan) == [("delete", "fast", "surplus")]
    assert plan.operations[0].because == "box does not serve it"


@pytest.mark.parametrize(("ownership", "deleted"), [("adopt", False), ("exclusive", True)])
def test_a_row_of_the_predecessor_whose_model_is_filtered_out(
    ownership: str, deleted: bool
) -> None:
    old = unmarked(b.wanted("a"))
    site = b.endpoint(served=("a",), excluded=(("a", "openai/a"),), ownership=ownership)
    plan = plan_of(b.desired(endpoints=(site,)), b.observed(old))
    because = f"a row for 'openai/a' without our mark ({FILTERED}); {LEAVE}"
    skips = (Skip("delete", old.key, "by-go", "unmarked", because),)
    assert [(op.id, op.because) for op in plan.operations] == [("by-go", FILTERED)] * deleted
    assert plan.skips == (() if deleted else skips)


def test_nothing_is_deleted_on_the_word_of_an_incomplete_list() -> None:
    site = b.endpoint(complete=False, outcome="unreachable", detail="box: connection refused")
    seen = [b.as_seen(b.wanted("a")), unmarked(b.wanted("hand"))]
    plan = plan_of(b.desired(endpoints=(site,)), b.observed(*seen))
    assert (actions(plan), skips(plan)) == ([], [("a", "incomplete"), ("hand", "incomplete")])
    assert "connection refused" in plan.skips[0].because


def test_a_row_of_another_owner_is_left_and_not_doubled() -> None:
    wanted = b.wanted("a")
    theirs = b.as_seen(wanted, mark=replace(wanted.mark, owner="someone"))
    gone = b.as_seen(b.wanted("gone"), mark=replace(wanted.mark, owner="someone"))
    plan = plan_of(b.desired(wanted), b.observed(theirs, gone))
    assert (actions(plan), skips(plan)) == ([], [("a", "not_owned"), ("gone", "not_owned")])


def test_a_row_from_the_configuration_file_is_left_and_not_doubled() -> None:
    wanted = b.wanted("a")
    row = replace(unmarked(wanted), read_only="it comes from LiteLLM's configuration file")
    plan = plan_of(b.desired(wanted), b.observed(row))
    assert (actions(plan), skips(plan)) == ([], [("a", "read_only")])


def test_a_team_row_is_left_and_serves_nobody_else() -> None:
    wanted = b.wanted("a")
    plan = plan_of(b.desired(wanted), b.observed(replace(unmarked(wanted), read_only=TEAM_ROW)))
    assert (actions(plan), skips(plan)) == ([("create", "a", "missing")], [("a", "read_only")])


def test_our_rows_on_a_forgotten_endpoint_are_reported_and_left() -> None:
    stray = b.as_seen(b.wanted("a", endpoint=b.OTHER_BOX))
    plan = plan_of(b.desired(), b.observed(strays=(stray,)))
    assert (actions(plan), skips(plan)) == ([], [("a", "stray")])


def test_creates_come_first_and_deletes_last_whatever_the_names() -> None:
    state = b.desired(b.wanted("z-new"), b.wanted("m-kept", params={"rpm": 1}), b.wanted("y-kept"))
    seen = [
        b.as_seen(b.wanted("a-gone")),
        b.as_seen(b.wanted("m-kept")),
        b.as_seen(b.wanted("y-kept", info={"mode": "chat"})),
    ]
    plan = plan_of(state, b.observed(*seen))
    assert [(op.action, op.key.name) for op in plan.operations] == [
        ("create", "z-new"),
        ("update", "m-kept"),
        ("replace", "y-kept"),
        ("delete", "a-gone"),
    ]


def test_a_renamed_format_creates_before_it_deletes() -> None:
    old = b.as_seen(b.wanted("a", upstream="openai/a"))
    plan = plan_of(b.desired(b.wanted("a", upstream="hosted_vllm/a")), b.observed(old))
    assert actions(plan) == [("create", "a", "missing"), ("delete", "a", "surplus")]


def test_a_plan_that_does_not_converge_is_refused() -> None:
    state = b.desired(b.wanted("a"))
    with pytest.raises(UnprovenPlan, match="does not converge"):
        verify_plan(Plan(), state, b.observed(), b.SCOPE)


def test_what_a_backend_reports_anew_is_a_change_with_its_reason() -> None:
    before = b.wanted("a", reported={"max_input_tokens": 4096})
    after = b.wanted("a", reported={"max_input_tokens": 8192})
    plan = plan_of(b.desired(after), b.observed(b.as_seen(before)))
    assert actions(plan) == [("update", "a", "changed")]
    assert plan.operations[0].because == "box reports other values: max_input_tokens"


def test_what_a_backend_reported_stays_while_it_reports_nothing() -> None:
    before = b.wanted("a", reported={"max_input_tokens": 4096, "supports_vision": True})
    silent = b.wanted("a", reported={})
    for editing in (b.IN_PLACE, b.REPLACING):
        assert plan_of(b.desired(silent), b.observed(b.as_seen(before), editing=editing)) == Plan(
            owner=b.OWNER
        )


def test_what_a_backend_reported_survives_a_replacement() -> None:
    before = b.wanted("a", reported={"max_input_tokens": 4096}, params={"rpm": 1})
    silent = b.wanted("a", reported={})
    plan = plan_of(b.desired(silent), b.observed(b.as_seen(before)))
    (operation,) = plan.operations
    assert operation.action == "replace"
    assert operation.row["model_info"]["max_input_tokens"] == 4096
    mark = operation.row["model_info"]["modelprovisioner"]
    assert mark["evidence"] == ("/model_info/max_input_tokens",)


def test_what_a_backend_reported_goes_when_discovery_is_switched_off() -> None:
    before = b.wanted("a", reported={"max_input_tokens": 4096})
    plan = plan_of(b.desired(b.wanted("a")), b.observed(b.as_seen(before)))
    assert [(c.op, c.path) for c in plan.operations[0].changes] == [
        ("remove", "/model_info/max_input_tokens")
    ]


def test_the_configuration_can_take_away_what_a_backend_reported() -> None:
    before = b.wanted("a", reported={"supports_vision": True})
    after = b.wanted("a", reported={}, decided=("supports_vision",))
    plan = plan_of(b.desired(after), b.observed(b.as_seen(before)))
    assert [(c.op, c.path) for c in plan.operations[0].changes] == [
        ("remove", "/model_info/supports_vision")
    ]


def test_a_row_of_the_predecessor_is_given_to_one_deployment_alone() -> None:
    pair = [
        b.wanted("a", upstream=f"{provider}/a", predecessors=("openai/a",))
        for provider in ("ollama_chat", "hosted_vllm")
    ]
    plan = plan_of(b.desired(*pair), b.observed(unmarked(b.wanted("a"))))
    assert [(op.action, op.key.upstream) for op in plan.operations] == [
        ("create", "ollama_chat/a"),
        ("update", "hosted_vllm/a"),
    ]


@pytest.mark.parametrize("kind", ["ours", "read_only"])
def test_only_a_free_row_under_the_upstream_of_the_predecessor_is_adopted(kind: str) -> None:
    wanted = b.wanted("a", upstream="ollama_chat/a", predecessors=("ollama/a",))
    old = b.as_seen(b.wanted("a", upstream="ollama/a"))
    if kind == "read_only":
        old = replace(old, mark=None, read_only="it is a wildcard")
    plan = plan_of(b.desired(wanted), b.observed(old))
    assert actions(plan)[0] == ("create", "a", "missing")


@pytest.mark.parametrize("editing", [b.IN_PLACE, b.REPLACING])
def test_a_later_row_is_kept_rather_than_an_earlier_one_in_line(editing: Editing) -> None:
    """A stale replica lists the earlier one, which is perhaps deleted long since."""
    wanted = b.wanted("a", params={"rpm": 6})
    earlier = b.as_seen(wanted)
    later = b.as_seen(b.wanted("a", params={"rpm": 5}), revision=1)
    plan = plan_of(b.desired(wanted), b.observed(later, earlier, editing=editing))
    kept, deleted = plan.operations
    assert (kept.touched, kept.reason) == (later.id, "changed")
    assert (deleted.action, deleted.id, deleted.reason) == ("delete", earlier.id, "duplicate")
    assert deleted.keeps == kept.id


def test_of_rows_of_one_revision_the_one_in_line_is_kept() -> None:
    wanted = b.wanted("a", params={"rpm": 6})
    other = b.as_seen(b.wanted("a", params={"rpm": 5}), row_id="0-comes-first")
    plan = plan_of(b.desired(wanted), b.observed(other, b.as_seen(wanted)))
    assert [(op.action, op.id) for op in plan.operations] == [("delete", other.id)]


def test_a_delete_names_the_row_that_stays_under_its_name() -> None:
    """One that stays as it is, rather than one that the plan makes."""
    gone = b.as_seen(b.wanted("m", upstream="openai/gone"))
    made, stays = b.wanted("m", upstream="openai/m"), b.wanted("m", upstream="openai/n")
    lone = b.as_seen(b.wanted("lone"))
    places = (b.endpoint(served=("m", "n")),)
    for rows, kept in (
        ((gone, lone), deployment_id(b.OWNER, made.key, 0)),
        ((gone, lone, b.as_seen(stays)), deployment_id(b.OWNER, stays.key, 0)),
    ):
        wanted = [made, stays] if len(rows) == 3 else [made]
        plan = plan_of(b.desired(*wanted, endpoints=places), b.observed(*rows))
        keeps = {op.key.name: op.keeps for op in plan.operations if op.action == "delete"}
        assert keeps == {"m": kept, "lone": ""}


def test_of_several_rows_in_line_the_latest_replacement_is_kept() -> None:
    wanted = b.wanted("a")
    rows = [b.as_seen(wanted, row_id=row_id, revision=n) for n, row_id in enumerate("abc")]
    plan = plan_of(b.desired(wanted), b.observed(*rows))
    assert [(op.action, op.id, op.because) for op in plan.operations] == [
        ("delete", "a", "c offers the same"),
        ("delete", "b", "c offers the same"),
    ]


@pytest.mark.parametrize("row_id", ["a", "z"])
def test_a_row_of_ours_is_kept_rather_than_an_unmarked_one(row_id: str) -> None:
    wanted = b.wanted("a", params={"rpm": 6})
    ours = b.as_seen(b.wanted("a", params={"rpm": 5}), row_id="m")
    rows = b.observed(unmarked(wanted, row_id), ours)
    plan = plan_of(b.desired(wanted), rows)
    assert [(op.action, op.id) for op in plan.operations] == [("update", "m")]
    assert [(skip.id, skip.reason) for skip in plan.skips] == [(row_id, "unmarked")]
    plan = plan_of(b.desired(wanted, endpoints=(EXCLUSIVE,)), rows)
    assert [(op.action, op.id) for op in plan.operations] == [("update", "m"), ("delete", row_id)]


def because_of(plan: Plan) -> list[str]:
    return [op.because for op in plan.operations] + [skip.because for skip in plan.skips]


FORGOTTEN = "its endpoint is no longer configured; left alone"


def test_what_is_left_alone_says_why() -> None:
    wanted = b.wanted("a")
    rows = [
        b.as_seen(wanted, row_id="1", mark=replace(wanted.mark, owner="someone")),
        unmarked(wanted, "2"),
        replace(unmarked(wanted, "3"), read_only="it is a wildcard"),
    ]
    state = b.desired(wanted, endpoints=(b.endpoint(ownership="marked"),))
    stray = b.as_seen(b.wanted("old", endpoint=b.OTHER_BOX))
    plan = plan_of(state, b.observed(*rows, strays=(stray,)))
    assert [(skip.action, skip.because) for skip in plan.skips] == [
        ("update", "it belongs to owner 'someone'"),
        ("update", "it is not marked as ours (ownership: marked)"),
        ("update", "it is a wildcard; left alone"),
        ("delete", f"{FORGOTTEN}; to have it removed: modelprovisioner retire other"),
    ]


def test_a_refusal_is_a_skip_in_its_words() -> None:
    key = b.Key(b.BOX, "a", "openai/a")
    state = replace(b.desired(), refusals=(Refusal(key, "excluded", "it is not loaded"),))
    assert plan_of(state, b.observed()).skips == (
        Skip("create", key, "", "excluded", "it is not loaded"),
    )


@pytest.mark.parametrize(
    ("outcome", "because"),
    [
        ("not_ready", "its backend is not ready yet"),
        ("unauthorised", "its backend needs a valid key"),
        ("unreachable", "its backend cannot be reached"),
        ("invalid", "its backend's list cannot be read"),
        ("ok", "part of its backend's list cannot be read"),
    ],
)
def test_what_an_incomplete_list_keeps_says_why(outcome: str, because: str) -> None:
    seen = b.as_seen(b.wanted("a"))
    for detail, suffix in (("", ""), ("box: 503", " (box: 503)")):
        site = b.endpoint(complete=False, outcome=outcome, detail=detail)
        plan = plan_of(b.desired(endpoints=(site,)), b.observed(seen))
        assert plan.skips == (Skip("delete", seen.key, seen.id, "incomplete", because + suffix),)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, "box and twin do not serve it"),
        ({"outcome": "empty"}, "box and twin serve no model at all"),
        ({"outcome": "not_ready"}, "box and twin are not ready (on_unreachable: remove)"),
        ({"served": ("a",)}, "box and twin serve it, but the configuration wants it differently"),
    ],
)
def test_a_deletion_says_what_proves_the_absence(changes: dict[str, Any], because: str) -> None:
    site = b.endpoint(backends=("box", "twin"), **changes)
    plan = plan_of(b.desired(endpoints=(site,)), b.observed(b.as_seen(b.wanted("a"))))
    assert [(op.action, op.reason, op.because) for op in plan.operations] == [
        ("delete", "surplus", because)
    ]


def test_what_is_filtered_out_and_what_is_an_alias_say_so() -> None:
    site = replace(EXCLUSIVE, excluded=(("a", "openai/a"),))
    rows = [unmarked(b.wanted("a")), unmarked(b.wanted("fast", upstream="openai/a"), "hand")]
    assert because_of(plan_of(b.desired(endpoints=(site,)), b.observed(*rows))) == [
        FILTERED,
        "made by hand for a model that is served; left alone",
    ]


@pytest.mark.parametrize(
    "upstream", ["org/a", "openai/org/a", "hosted_vllm/org/a", "openai/responses/org/a"]
)
@pytest.mark.parametrize("ownership", ["adopt", "exclusive"])
def test_an_alias_is_one_with_and_without_a_provider(upstream: str, ownership: str) -> None:
    site = b.endpoint(served=("org/a",), ownership=ownership)
    alias = unmarked(b.wanted("fast", upstream=upstream))
    assert skips(plan_of(b.desired(endpoints=(site,)), b.observed(alias))) == [("fast", "alias")]


@pytest.mark.parametrize(
    ("matching", "upstream", "reason"),
    [
        ("caseless", "ollama/QWEN3", "alias"),
        ("caseless", "ollama_chat/Qwen3:Latest", "alias"),
        ("caseless", "ollama/qwen3:8b", "unmarked"),
        ("", "openai/QWEN3", "unmarked"),
        ("", "openai/qwen3", "alias"),
        ("any", "openai/gpt-4", "alias"),
    ],
)
def test_an_alias_is_known_by_every_id_that_its_server_takes(
    matching: str, upstream: str, reason: str
) -> None:
    site = b.endpoint(served=("qwen3", "qwen3:latest"), matching=matching)
    alias = unmarked(b.wanted("fast", upstream=upstream))
    assert skips(plan_of(b.desired(endpoints=(site,)), b.observed(alias))) == [("fast", reason)]


def test_a_server_that_lists_nothing_serves_no_id() -> None:
    site = b.endpoint(outcome="empty", matching="any")
    alias = unmarked(b.wanted("fast"))
    assert skips(plan_of(b.desired(endpoints=(site,)), b.observed(alias))) == [("fast", "unmarked")]


def test_a_row_of_ours_goes_even_where_its_server_would_answer_to_any_name() -> None:
    site = b.endpoint(served=("b",), matching="any")
    plan = plan_of(b.desired(endpoints=(site,)), b.observed(b.as_seen(b.wanted("a"))))
    assert [(op.key.name, op.because) for op in plan.operations] == [("a", "box does not serve it")]


def test_a_create_says_who_serves_it_and_takes_no_id_that_is_in_use() -> None:
    wanted = b.wanted("a")
    taken = frozenset({deployment_id(b.OWNER, wanted.key, 0)})
    (operation,) = plan_of(b.desired(wanted), replace(b.observed(), taken=taken)).operations
    assert operation.id == deployment_id(b.OWNER, wanted.key, 1)
    assert operation.row["model_info"]["modelprovisioner"]["revision"] == 1
    assert operation.because == "box serves it and LiteLLM does not have it"


def test_a_plan_that_does_not_converge_says_what_would_be_left() -> None:
    with pytest.raises(UnprovenPlan) as raised:
        verify_plan(Plan(), b.desired(b.wanted("a"), b.wanted("b")), b.observed(), b.SCOPE)
    assert str(raised.value) == (
        "the plan does not converge: after it, 2 operations would be left, the first: create 'a'"
        " on http://box:8000 (box serves it and LiteLLM does not have it). This is a bug; please"
        " report it with the plan"
    )


# A row with the empty id, which no request can name.

NAMELESS = "no request can name a row whose id is empty; delete it in LiteLLM's UI or database"


def nameless(deployment: DesiredDeployment, **changes: Any) -> ObservedDeployment:
    return replace(b.as_seen(deployment), id="", **changes)


@pytest.mark.parametrize("editing", [b.IN_PLACE, b.REMOVING, b.REPLACING])
@pytest.mark.parametrize("mark", ["ours", "none"])
def test_what_a_nameless_row_offers_is_registered_beside_it(editing: b.Editing, mark: str) -> None:
    wanted = b.wanted("a")
    seen = nameless(wanted, **({"mark": None} if mark == "none" else {}))
    plan = plan_of(b.desired(wanted), b.observed(seen, editing=editing))
    assert actions(plan) == [("create", "a", "missing")]
    assert plan.skips == (Skip("update", wanted.key, "", "unreachable_id", NAMELESS),)


@pytest.mark.parametrize("row_id", ["z", "."])
def test_a_nameless_row_is_never_kept_instead_of_another_one(row_id: str) -> None:
    wanted = b.wanted("a")
    rows = (nameless(wanted, mark=None), replace(b.as_seen(wanted, mark=None), id=row_id))
    plan = plan_of(b.desired(wanted), b.observed(*rows))
    assert [op.touched for op in plan.operations] == [row_id]
    assert skips(plan) == [("a", "unreachable_id")]


def test_a_nameless_row_leaves_the_others_as_they_are() -> None:
    kept, changed = b.wanted("a"), b.wanted("b", params={"rpm": 6})
    rows = (nameless(kept), b.as_seen(kept), b.as_seen(b.wanted("b", params={"rpm": 5})))
    plan = plan_of(b.desired(kept, changed), b.observed(*rows))
    assert actions(plan) == [("update", "b", "changed")]
    assert skips(plan) == [("a", "unreachable_id")]


@pytest.mark.parametrize("mark", ["ours", "none"])
def test_a_nameless_row_that_should_go_is_told(mark: str) -> None:
    seen = nameless(b.wanted("a"), **({"mark": None} if mark == "none" else {}))
    site = b.endpoint(ownership="exclusive")
    plan = plan_of(b.desired(endpoints=(site,)), b.observed(seen))
    assert plan.skips == (Skip("delete", seen.key, "", "unreachable_id", NAMELESS),)
    assert not plan.operations


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"read_only": "it is a wildcard"}, "read_only"),
        ({"mark": None, "read_only": TEAM_ROW}, "read_only"),
    ],
)
def test_a_nameless_row_that_is_not_to_be_touched_anyway_says_so(
    changes: dict[str, Any], reason: str
) -> None:
    wanted = b.wanted("a")
    plan = plan_of(b.desired(wanted), b.observed(nameless(wanted, **changes)))
    assert skips(plan) == [("a", reason)]
    assert bool(plan.operations) == (changes["read_only"] == TEAM_ROW)


def test_a_nameless_alias_needs_no_operation() -> None:
    alias = nameless(b.wanted("best", upstream="openai/a"), mark=None)
    wanted = b.wanted("a")
    plan = plan_of(b.desired(wanted), b.observed(b.as_seen(wanted), alias))
    assert skips(plan) == [("best", "alias")]


# Models whose upstream is not their id: the backend lists "a", LiteLLM asks it for "x".

RENAMED_SITE = b.endpoint(served=("a",), renamed=("x",))
RENAMED = b.wanted("a", upstream="openai/x", predecessors=("openai/x", "openai/a"))


@pytest.mark.parametrize("upstream", ["openai/x", "hosted_vllm/x", "x", "openai/a", "a"])
def test_a_hand_made_alias_of_a_renamed_model_is_left_alone(upstream: str) -> None:
    alias = unmarked(b.wanted("best", upstream=upstream), "hand")
    desired = b.desired(RENAMED, endpoints=(RENAMED_SITE,))
    plan = plan_of(desired, b.observed(b.as_seen(RENAMED), alias))
    assert (actions(plan), skips(plan)) == ([], [("best", "alias")])


@pytest.mark.parametrize("upstream", ["openai/x", "openai/a"])
def test_a_row_of_the_go_program_for_a_renamed_model_is_adopted(upstream: str) -> None:
    old = unmarked(b.wanted("a", upstream=upstream))
    plan = plan_of(b.desired(RENAMED, endpoints=(RENAMED_SITE,)), b.observed(old))
    assert [(op.action, op.id, op.reason) for op in plan.operations] == [
        ("update", "by-go", "adopted")
    ]


def test_a_renamed_model_stays_and_its_row_from_before_the_rule_goes() -> None:
    before = b.as_seen(b.wanted("a"))
    desired = b.desired(RENAMED, endpoints=(RENAMED_SITE,))
    plan = plan_of(desired, b.observed(b.as_seen(RENAMED), before))
    (operation,) = plan.operations
    assert (operation.action, operation.id, operation.reason) == ("delete", before.id, "surplus")
    assert operation.because == "box serves it, but the configuration wants it differently"


def test_two_models_may_be_renamed_to_one_upstream() -> None:
    other = b.wanted("b", upstream="openai/x", predecessors=("openai/x", "openai/b"))
    site = b.endpoint(served=("a", "b"), renamed=("x",))
    desired = b.desired(RENAMED, other, endpoints=(site,))
    assert actions(plan_of(desired, b.observed())) == [
        ("create", "a", "missing"),
        ("create", "b", "missing"),
    ]
    both = b.observed(b.as_seen(RENAMED), b.as_seen(other))
    assert actions(plan_of(desired, both)) == []


def test_a_row_of_a_name_that_no_rule_gives_any_more_goes() -> None:
    alias = unmarked(b.wanted("best", upstream="openai/x"))
    plan = plan_of(b.desired(endpoints=(EXCLUSIVE,)), b.observed(alias))
    assert actions(plan) == [("delete", "best", "surplus")]


# A backend without a key file: the key of a row that others made is not ours to change.


def keyless(name: str = "a", **fields: Any) -> DesiredDeployment:
    return replace(b.wanted(name, **fields), missing_key="box")


def test_an_adopted_row_keeps_the_key_that_we_do_not_have() -> None:
    wanted = keyless()
    (operation,) = plan_of(b.desired(wanted), b.observed(unmarked(wanted))).operations
    assert (operation.action, operation.reason) == ("update", "adopted")
    assert "api_key" not in operation.row["litellm_params"]
    assert "api_key" not in str(operation.changes)
    mark = operation.row["model_info"]["modelprovisioner"]
    assert "/litellm_params/api_key" not in (*mark["fields"], *mark["opaque"])
    assert mark["fingerprint"] == wanted.mark.fingerprint


def test_a_row_that_we_make_gets_the_placeholder() -> None:
    (operation,) = plan_of(b.desired(keyless()), b.observed()).operations
    assert (
        operation.row["litellm_params"]["api_key"] == keyless().fields["litellm_params"]["api_key"]
    )


@pytest.mark.parametrize("editing", [b.IN_PLACE, b.REMOVING, b.REPLACING])
def test_a_row_whose_mark_declares_its_key_has_the_key_of_the_configuration(
    editing: b.Editing,
) -> None:
    ours = b.as_seen(b.wanted("a", api_key="sk-given-before"))
    (operation,) = plan_of(b.desired(keyless()), b.observed(ours, editing=editing)).operations
    assert [change.path for change in operation.changes] == ["/litellm_params/api_key"]


@pytest.mark.parametrize("editing", [b.IN_PLACE, b.REMOVING])
def test_a_key_file_that_is_made_later_reaches_an_adopted_row(editing: b.Editing) -> None:
    wanted = keyless()
    rows = b.observed(unmarked(wanted), editing=editing)
    after = simulate(plan_of(b.desired(wanted), rows), rows, b.SCOPE)
    plan = plan_of(b.desired(b.wanted("a", api_key="sk-made-later")), after)
    assert [(op.action, op.reason) for op in plan.operations] == [("update", "changed")]
    assert [change.path for change in plan.operations[0].changes] == ["/litellm_params/api_key"]


KEY_UNKNOWN = (
    "it can only be replaced, and its key is not known: put it into the key file 'box', or leave"
    " that empty if none is needed"
)


@pytest.mark.parametrize("name", ["a", "z"])
def test_a_row_that_can_only_be_replaced_keeps_its_only_key(name: str) -> None:
    wanted, neighbour = keyless(name), b.wanted("m")
    rows = b.observed(unmarked(wanted), b.as_seen(neighbour), editing=b.REPLACING)
    plan = plan_of(b.desired(wanted, neighbour), rows)
    assert (plan.operations, plan.skips) == (
        (),
        (Skip("replace", wanted.key, "by-go", "key_unknown", KEY_UNKNOWN),),
    )
    known = replace(wanted, missing_key="")
    assert actions(plan_of(b.desired(known, neighbour), rows)) == [("replace", name, "adopted")]


def test_an_adopted_row_that_could_only_be_replaced_later_keeps_its_only_key() -> None:
    with_info = keyless(info={"mode": "chat"})
    rows = b.observed(unmarked(with_info), editing=b.REMOVING)
    after = simulate(plan_of(b.desired(with_info), rows), rows, b.SCOPE)
    assert skips(plan_of(b.desired(keyless()), after)) == [("a", "key_unknown")]


def test_a_row_with_other_hidden_values_is_not_adopted_by_a_replacement() -> None:
    wanted = b.wanted("a")
    hand = b.edited(unmarked(wanted), my_token="abcd****wxyz")
    plan = plan_of(b.desired(wanted), b.observed(hand, editing=b.REPLACING))
    assert skips(plan) == [("a", "key_unknown")]
    assert plan.skips[0].because == (
        "it can only be replaced, and what LiteLLM hides of it would be lost: my_token; set this in"
        " litellm_params_defaults, or delete the row in LiteLLM"
    )
