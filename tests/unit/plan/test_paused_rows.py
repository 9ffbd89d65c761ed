"""A row that somebody paused by hand stays paused, also in the proof of a plan."""

from __future__ import annotations

import pytest

from engine.plan.planner import make_plan
from engine.plan.simulate import simulate
from tests import builders as b


@pytest.mark.parametrize("blocked", [True, False])
def test_an_update_keeps_a_row_paused(*, blocked: bool) -> None:
    seen = b.as_seen(b.wanted("a", params={"rpm": 5}), blocked=blocked)
    wanted = b.desired(b.wanted("a", params={"rpm": 6}))
    plan = make_plan(wanted, b.observed(seen))
    assert [operation.action for operation in plan.operations] == ["update"]
    (row,) = simulate(plan, b.observed(seen), b.SCOPE).deployments
    assert row.blocked is blocked
