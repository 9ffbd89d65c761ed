"""What the observed state becomes by each kind of operation."""

from __future__ import annotations

import pytest

from engine.plan import make_plan
from engine.simulate import simulate
from engine.state import Deployment, State, thaw

from . import builders as b

BEFORE = b.wanted("a", params={"rpm": 5, "extra": {"x": 1, "y": 2}})
AFTER = b.wanted("a", params={"extra": {"x": 1}})
HAND_MADE = {"weight": 3}


def after(observed: State, *wanted: Deployment) -> State:
    return simulate(make_plan(b.desired(*wanted), observed), observed)


def test_an_update_removes_what_it_says_and_keeps_what_others_set() -> None:
    seen = b.edited(b.as_seen(BEFORE), **HAND_MADE)
    (row,) = after(b.observed(seen, editing=b.REMOVING), AFTER).deployments
    assert row.id == seen.id
    assert thaw(row.fields) == thaw(b.edited(b.as_seen(AFTER), **HAND_MADE).fields)


def test_a_replacement_leaves_one_row_that_holds_what_was_sent() -> None:
    seen = b.edited(b.as_seen(BEFORE), **HAND_MADE, use_litellm_proxy=False)
    (row,) = after(b.observed(seen, editing=b.REPLACING), AFTER).deployments
    assert row.id != seen.id
    assert thaw(row.fields) == thaw(b.edited(b.as_seen(AFTER), **HAND_MADE).fields)


def test_a_create_over_a_row_of_the_same_id_leaves_what_was_sent() -> None:
    plan = make_plan(b.desired(AFTER), b.observed())
    stale = b.edited(b.as_seen(BEFORE), **HAND_MADE)
    (row,) = simulate(plan, b.observed(stale)).deployments
    assert thaw(row.fields) == thaw(b.as_seen(AFTER).fields)


@pytest.mark.parametrize("editing", [b.IN_PLACE, b.REMOVING, b.REPLACING])
def test_a_plan_that_is_carried_out_twice_leaves_the_same(editing: b.Editing) -> None:
    wanted = (AFTER, b.wanted("new"))
    observed = b.observed(b.as_seen(BEFORE), b.as_seen(b.wanted("gone")), editing=editing)
    plan = make_plan(b.desired(*wanted), observed)
    once = simulate(plan, observed)
    assert simulate(plan, once) == once
    assert [row.key.name for row in once.deployments] == ["a", "new"]


def test_rows_are_in_the_order_of_key_and_id() -> None:
    rows = [b.as_seen(b.wanted(name), row_id=row_id) for name, row_id in ("b3", "a2", "a1")]
    state = simulate(make_plan(b.desired(endpoints=()), b.observed()), b.observed(*rows))
    assert [row.key.name + row.id for row in state.deployments] == ["a1", "a2", "b3"]
