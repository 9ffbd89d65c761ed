"""What the simulated state has besides rows on configured endpoints: strays, and all ids."""

from __future__ import annotations

from dataclasses import replace

from engine.plan.planner import make_plan
from engine.plan.simulate import simulate
from engine.state.endpoint import Scope
from tests import builders as b

STRAY = b.as_seen(b.wanted("stray", endpoint="http://nowhere:1"))
WANTED = b.wanted("new")


def test_a_row_that_would_be_on_no_endpoint_becomes_a_stray_beside_the_others() -> None:
    observed = b.observed(strays=(STRAY,))
    plan = make_plan(b.desired(WANTED), observed)
    state = simulate(plan, observed, Scope({b.OTHER_BOX: b.OTHER_BOX}, {}))
    assert state.deployments == ()
    assert [stray.id for stray in state.strays] == [plan.operations[0].id, STRAY.id]


def test_strays_stay_when_rows_are_written() -> None:
    observed = b.observed(strays=(STRAY,))
    state = simulate(make_plan(b.desired(WANTED), observed), observed, b.SCOPE)
    assert [row.key.name for row in state.deployments] == ["new"]
    assert state.strays == (STRAY,)


def test_the_ids_of_all_rows_stay_taken_and_new_ones_are_added() -> None:
    observed = replace(b.observed(), taken=frozenset({"somewhere-else"}))
    plan = make_plan(b.desired(WANTED), observed)
    state = simulate(plan, observed, b.SCOPE)
    assert state.taken == {"somewhere-else", plan.operations[0].id}
