"""What ``adopt`` and ``release`` plan, and what the loop does with such rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.config.patterns import name_pattern
from engine.errors import UnprovenPlan
from engine.plan.plan import Plan
from engine.plan.planner import make_plan, verify_plan
from engine.plan.rows.chosen import Choice
from engine.plan.rows.ownership import (
    adoptable,
    make_adoption,
    make_release,
    verify_adoption,
    verify_release,
)
from engine.plan.simulate import simulate
from engine.state.deployment import DesiredState, ObservedDeployment, ObservedState
from tests import builders as b
from tests.unit.plan.test_pauses import on, paused

BOX = Choice("box")


def unmarked(name: str, *, upstream: str = "", **changes: Any) -> ObservedDeployment:
    seen = b.as_seen(b.wanted(name, upstream=upstream or None), row_id=f"hand-{name}")
    return replace(seen, mark=None, **changes)


def released(observed: ObservedState) -> ObservedState:
    plan = make_release(BOX, observed)
    verify_release(plan, BOX, observed, b.SCOPE)
    return simulate(plan, observed, b.SCOPE)


def adopted(desired: DesiredState, observed: ObservedState, *names: str) -> Plan:
    rows = adoptable([b.BOX], [name_pattern(name) for name in names], observed)
    plan = make_adoption(rows, desired, observed)
    verify_adoption(plan, rows, observed, b.SCOPE)
    return plan


@pytest.mark.parametrize("ownership", ["adopt", "marked", "exclusive"])
@pytest.mark.parametrize("served", [("a",), ("b",), ()])
def test_the_loop_leaves_a_released_row_alone_whatever_becomes_of_its_model(
    ownership: str, served: tuple[str, ...]
) -> None:
    after = released(b.observed(b.as_seen(b.wanted("a", params={"rpm": 1}))))
    (row,) = after.deployments
    assert (row.mark, row.released) == (None, b.OWNER)
    desired = on(*served, ownership=ownership)
    plan = make_plan(desired, after)
    verify_plan(plan, desired, after, b.SCOPE)
    assert [op.key.name for op in plan.operations] == [name for name in served if name != "a"]
    assert [(skip.id, skip.reason) for skip in plan.skips] == [(row.id, "released")]


def test_only_chosen_rows_are_released_and_keep_all_fields() -> None:
    seen = paused(b.edited(b.as_seen(b.wanted("a")), weight=3), "drained")
    others = (b.as_seen(b.wanted("c", endpoint=b.OTHER_BOX)), unmarked("d"))
    observed = b.observed(seen, *others)
    (operation,) = make_release(BOX, observed).operations
    assert operation.reason == "released"
    assert "stays blocked" in operation.because
    assert operation.row.keys() == {"model_info"}
    after = {row.id: row for row in released(observed).deployments}
    assert after[seen.id].fields["litellm_params"]["weight"] == 3
    assert after[seen.id].blocked
    assert [after[row.id] for row in others] == list(others)
    assert not make_release(BOX, released(observed)).operations


def test_what_cannot_be_released_is_told() -> None:
    rows = (
        b.as_seen(b.wanted("a"), row_id="a/b"),
        b.as_seen(b.wanted("t"), read_only="it belongs to a team"),
    )
    skips = make_release(BOX, b.observed(*rows)).skips
    assert [skip.reason for skip in skips] == ["unsupported", "read_only"]


@pytest.mark.parametrize("ownership", ["adopt", "marked", "exclusive"])
def test_adopt_takes_what_the_configuration_wants_also_what_was_released(ownership: str) -> None:
    observed = released(b.observed(b.as_seen(b.wanted("a", params={"rpm": 1})), unmarked("b")))
    desired = on("a", "b", ownership=ownership)
    plan = adopted(desired, observed)
    assert [(op.key.name, op.reason) for op in plan.operations] == [
        ("a", "adopted"),
        ("b", "adopted"),
    ]
    assert "from now on it is ours" in plan.operations[0].because
    after = simulate(plan, observed, b.SCOPE)
    assert not make_plan(desired, after).operations
    assert [op.key.name for op in adopted(desired, observed, "b").operations] == ["b"]


def test_adopt_leaves_what_the_next_cycle_would_delete() -> None:
    rows = (unmarked("alias", upstream="openai/a"), unmarked("gone"))
    plan = adopted(on("a", ownership="exclusive"), b.observed(*rows, unmarked("a")))
    assert [op.key.name for op in plan.operations] == ["a"]
    assert [(skip.key.name, skip.reason) for skip in plan.skips] == [
        ("alias", "alias"),
        ("gone", "unmarked"),
    ]
    assert all("`aliases`" in skip.because for skip in plan.skips)


def test_adopt_destroys_no_key_that_is_not_known() -> None:
    wanted = replace(b.wanted("a"), missing_key="box")
    desired = b.desired(wanted)
    (operation,) = adopted(desired, b.observed(unmarked("a"))).operations
    assert "api_key" not in operation.row["litellm_params"]
    older = adopted(desired, b.observed(unmarked("a"), editing=b.REPLACING))
    assert [skip.reason for skip in older.skips] == ["key_unknown"]


def test_a_plan_that_does_more_is_not_proven() -> None:
    observed = b.observed(b.as_seen(b.wanted("a")), unmarked("b"))
    release = make_release(BOX, observed)
    with pytest.raises(UnprovenPlan):
        verify_release(release, Choice("other"), observed, b.SCOPE)
    rows = adoptable([b.BOX], (), observed)
    adoption = make_adoption(rows, on("a", "b"), observed)
    with pytest.raises(UnprovenPlan):
        verify_adoption(adoption, (), observed, b.SCOPE)
