"""What ``drain`` and ``undrain`` plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.config.patterns import name_pattern
from engine.errors import UnprovenPlan
from engine.plan.plan import Plan
from engine.plan.rows.chosen import Choice
from engine.plan.rows.service import make_drain, make_undrain, verify_service
from engine.plan.simulate import simulate
from engine.state.deployment import ObservedState
from engine.state.frozen import freeze, thaw
from engine.state.mark import DRAINED, MAINTENANCE
from tests import builders as b
from tests.unit.plan.test_ladder import waiting
from tests.unit.plan.test_pauses import paused

BOX = Choice("box")


def drained(observed: ObservedState, *names: str) -> Plan:
    choice = Choice("box", tuple(map(name_pattern, names)))
    plan = make_drain(choice, observed)
    verify_service(plan, choice, observed, b.SCOPE)
    return plan


def states(observed: ObservedState) -> dict[str, object]:
    rows = (*observed.deployments, *observed.strays)
    return {seen.id: (seen.key, seen.mark, seen.blocked) for seen in rows}


def test_only_chosen_rows_of_the_backend_are_drained_wherever_they_are() -> None:
    stray = b.as_seen(b.wanted("m1", endpoint="http://gone:1", backend="box"))
    others = b.as_seen(b.wanted("m3", endpoint=b.OTHER_BOX))
    foreign = replace(b.as_seen(b.wanted("m4")), mark=None, id="theirs")
    rows = [b.as_seen(b.wanted(name)) for name in ("m2", "x")]
    observed = b.observed(*rows, others, foreign, strays=(stray,))
    plan = drained(observed, "^m")
    assert sorted(op.key.name for op in plan.operations) == ["m1", "m2"]
    assert len(drained(observed).operations) == 3
    after = simulate(plan, observed, b.SCOPE)
    assert not drained(after, "^m").operations
    back = make_undrain(BOX, after)
    verify_service(back, BOX, after, b.SCOPE)
    assert states(simulate(back, after, b.SCOPE)) == states(observed)


def test_what_others_blocked_is_told_and_left_alone() -> None:
    theirs = b.as_seen(b.wanted("a"), blocked=True)
    team = b.as_seen(b.wanted("t"), read_only="it belongs to a team")
    observed = b.observed(theirs, team)
    for plan in (drained(observed), make_undrain(BOX, observed)):
        assert not plan.operations
        assert [skip.reason for skip in plan.skips] == ["paused", "read_only"]


def test_a_row_in_maintenance_stays_drained_once_that_is_over() -> None:
    observed = b.observed(paused(b.as_seen(b.wanted("a")), MAINTENANCE))
    (skip,) = make_undrain(BOX, observed).skips
    assert skip.reason == "maintenance"
    (after,) = simulate(drained(observed), observed, b.SCOPE).deployments
    assert after.paused == DRAINED


def test_a_row_that_waits_for_its_delete_is_not_brought_back_by_hand() -> None:
    observed = b.observed(waiting("a"))
    (skip,) = make_undrain(BOX, observed).skips
    assert skip.reason == "grace"
    (after,) = simulate(drained(observed), observed, b.SCOPE).deployments
    assert after.mark
    assert (after.paused, after.mark.paused_at) == (DRAINED, "")


def test_a_row_that_no_request_can_name_is_told() -> None:
    (skip,) = drained(b.observed(b.as_seen(b.wanted("a"), row_id="a/b"))).skips
    assert skip.reason == "unsupported"


def test_a_plan_that_does_more_is_not_proven() -> None:
    observed = b.observed(b.as_seen(b.wanted("a")))
    plan = drained(observed)
    with pytest.raises(UnprovenPlan):
        verify_service(plan, Choice("other"), observed, b.SCOPE)
    (block,) = plan.operations
    more = replace(block, row=freeze({**thaw(block.row), "model_name": "b"}))
    with pytest.raises(UnprovenPlan):
        verify_service(Plan((more,)), BOX, observed, b.SCOPE)
    less = replace(block, row=freeze({**thaw(block.row), "blocked": False}))
    with pytest.raises(UnprovenPlan):
        verify_service(Plan((less,)), BOX, observed, b.SCOPE)
