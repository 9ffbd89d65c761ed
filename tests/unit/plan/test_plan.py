"""A plan as a document."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.plan.plan import Plan
from engine.plan.planner import make_plan
from engine.state.deployment import MARK
from engine.state.field_change import FieldChange
from engine.state.frozen import EMPTY, thaw
from engine.state.mark import mark_document
from tests import builders as b


@pytest.mark.parametrize(
    ("change", "document"),
    [
        (FieldChange("add", "/p", after=1), {"op": "add", "path": "/p", "value": 1}),
        (FieldChange("remove", "/p", 1), {"op": "remove", "path": "/p", "was": 1}),
        (
            FieldChange("replace", "/p", (1,), None),
            {"op": "replace", "path": "/p", "value": None, "was": [1]},
        ),
    ],
)
def test_a_change_is_written_with_what_it_needs_and_no_more(
    change: FieldChange, document: dict[str, object]
) -> None:
    assert change.to_json() == document
    assert FieldChange.from_json(document) == change


def test_the_summary_counts_each_action_and_the_skips() -> None:
    state = b.desired(b.wanted("a"), b.wanted("b"), b.wanted("c", params={"rpm": 1}))
    stray = b.as_seen(b.wanted("old", endpoint=b.OTHER_BOX))
    seen = [b.as_seen(b.wanted("c")), b.as_seen(b.wanted("d"))]
    plan = make_plan(state, b.observed(*seen, strays=(stray,)))
    assert plan.summary == {"create": 2, "update": 1, "replace": 0, "delete": 1, "skip": 1}


def test_the_digest_follows_what_is_done_but_not_its_wording() -> None:
    site = b.endpoint(complete=False, outcome="unreachable")
    observed = b.observed(b.as_seen(b.wanted("gone")))
    plan = make_plan(b.desired(b.wanted("a"), endpoints=(site,)), observed)
    reworded = Plan(
        tuple(replace(operation, because="other words") for operation in plan.operations),
        tuple(replace(skip, because="other words") for skip in plan.skips),
    )
    assert reworded.digest == plan.digest
    assert len({plan.digest, replace(plan, skips=()).digest, Plan().digest}) == 3


def test_the_checksum_is_that_of_all_that_a_saved_plan_goes_by() -> None:
    rows = [b.as_seen(b.wanted(name, params={"rpm": 5})) for name in ("a", "gone")]
    site = b.endpoint(served=("a",))
    desired = replace(b.desired(b.wanted("a"), endpoints=(site,)), statuses=(b.status("box"),))
    plan = make_plan(desired, b.observed(*rows))
    first = plan.operations[0]
    others = [
        replace(plan, operations=(replace(first, before=EMPTY), *plan.operations[1:])),
        replace(plan, operations=plan.operations[::-1]),
        replace(plan, litellm="http://other:4000"),
        replace(plan, owner="someone"),
        replace(plan, endpoints=(b.status("box", "unreachable"),)),
    ]
    assert len({plan.checksum, *(other.checksum for other in others)}) == 1 + len(others)
    told = replace(plan.endpoints[0], detail="other words, with the port of a connection")
    assert replace(plan, endpoints=(told,)).checksum == plan.checksum


def test_the_digest_of_a_plan_is_computed_once() -> None:
    plan = make_plan(b.desired(b.wanted("a")), b.observed())
    assert plan.digest is plan.digest


# What a plan takes away is in the plan, so that it can be put back.


def test_a_delete_holds_the_whole_row_that_goes() -> None:
    gone = b.edited(b.as_seen(b.wanted("gone", params={"rpm": 5}), blocked=True), weight=3)
    (operation,) = make_plan(b.desired(), b.observed(gone)).operations
    assert (operation.action, operation.before["model_name"]) == ("delete", "gone")
    assert gone.mark is not None
    assert thaw(operation.before) == {
        "model_name": "gone",
        "litellm_params": thaw(gone.fields["litellm_params"]),
        "model_info": {"id": gone.id, "blocked": True, MARK: mark_document(gone.mark)},
    }
    assert operation.before["litellm_params"]["weight"] == 3
    assert operation.before["litellm_params"]["api_key"].keys() == {"$secret"}


def test_a_replace_holds_the_row_that_it_replaces() -> None:
    seen = b.as_seen(b.wanted("a", params={"rpm": 5}, info={"note": "x"}))
    state = b.desired(b.wanted("a", params={"rpm": 6}))
    (operation,) = make_plan(state, b.observed(seen, editing=b.REPLACING)).operations
    assert operation.action == "replace"
    before = thaw(operation.before)
    assert before["litellm_params"]["rpm"] == 5
    assert (before["model_info"]["id"], before["model_info"]["note"]) == (seen.id, "x")


def test_an_update_holds_the_row_that_it_changes() -> None:
    seen = b.edited(b.as_seen(b.wanted("a", params={"rpm": 5}), blocked=True), weight=3)
    (operation,) = make_plan(
        b.desired(b.wanted("a", params={"rpm": 6})), b.observed(seen)
    ).operations
    assert seen.mark is not None
    assert operation.action == "update"
    assert thaw(operation.before) == {
        "model_name": "a",
        "litellm_params": thaw(seen.fields["litellm_params"]),
        "model_info": {"id": seen.id, "blocked": True, MARK: mark_document(seen.mark)},
    }


def test_the_text_of_a_plan_is_the_same_in_whatever_order_litellm_lists_the_fields() -> None:
    params = {"rpm": 5, "extra": {"x": 1, "y": {"p": 1, "q": 2}}}
    seen = b.as_seen(b.wanted("a", params=params, info={"note": 1}))
    turned = replace(seen, fields=b.freeze(backwards(thaw(seen.fields))))
    first, second = (
        "".join(make_plan(b.desired(b.wanted("a")), b.observed(row)).iter_json())
        for row in (seen, turned)
    )
    assert first == second
    assert '"was": {"x": 1, "y"' in first


def backwards(value: Any) -> Any:
    """Return a value with the members of its maps in the opposite order."""
    if not isinstance(value, dict):
        return value
    return {name: backwards(value[name]) for name in reversed(value)}


def test_a_create_takes_no_row_away() -> None:
    (operation,) = make_plan(b.desired(b.wanted("a")), b.observed()).operations
    assert (operation.action, operation.before) == ("create", EMPTY)


def test_what_a_row_was_shares_the_memory_of_what_was_observed() -> None:
    gone = b.as_seen(b.wanted("gone", info={"mode": "chat"}))
    (operation,) = make_plan(b.desired(), b.observed(gone)).operations
    assert operation.before["litellm_params"] is gone.fields["litellm_params"]
    with pytest.raises((TypeError, AttributeError)):
        operation.before["model_info"]["mode"] = "other"


def test_the_digest_is_that_of_what_is_done_whatever_else_the_row_shows() -> None:
    gone = b.as_seen(b.wanted("gone"))
    plans = [make_plan(b.desired(), b.observed(row)) for row in (gone, b.edited(gone, weight=3))]
    assert plans[0] != plans[1]
    assert plans[0].digest == plans[1].digest
