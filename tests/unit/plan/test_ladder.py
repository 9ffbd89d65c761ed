"""Rows that nothing wants any more, and that are blocked before they are deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.plan.plan import Operation, Plan
from engine.plan.safety import Suspicion, hold
from engine.plan.simulate import simulate
from engine.state.deployment import DesiredState, ObservedDeployment
from engine.state.mark import LADDER, MAINTENANCE
from tests import builders as b
from tests.unit.plan.test_pauses import on, only, paused, planned, told
from tests.unit.plan.test_safety import LIMITS

SINCE = "2026-01-01T00:00:00Z"
WAITS = 7200.0


def gone(*names: str, **changes: Any) -> DesiredState:
    """Return what is wanted where only ``names`` are left."""
    return on(*names, removal_grace=WAITS, **changes)


def waiting(name: str = "a", since: str = SINCE) -> ObservedDeployment:
    seen = paused(b.as_seen(b.wanted(name)), LADDER)
    assert seen.mark
    return replace(seen, mark=replace(seen.mark, paused_at=since))


def test_a_row_that_nothing_wants_is_blocked_then_waits_then_is_deleted() -> None:
    observed = b.observed(b.as_seen(b.wanted("a")), b.as_seen(b.wanted("b")))
    block = only(planned(gone("b"), observed))
    assert told(block) == ("operation", "block", "surplus")
    assert "deleted if that lasts for 2 h (removal_grace)" in block.because
    assert isinstance(block, Operation)
    assert "paused_at" not in str(block.to_json()["row"])
    after = simulate(Plan((block,)), observed, b.SCOPE)
    assert told(only(planned(gone("b"), after))) == ("skip", "delete", "grace")
    due = replace(after, overdue=frozenset({block.id}))
    assert told(only(planned(gone("b"), due))) == ("operation", "delete", "surplus")


def test_a_model_that_returns_is_unblocked_at_once() -> None:
    back = only(planned(gone("a"), b.observed(waiting())))
    assert told(back) == ("operation", "unblock", "returned")
    assert isinstance(back, Operation)
    (row,) = simulate(Plan((back,)), b.observed(waiting()), b.SCOPE).deployments
    assert (row.blocked, row.mark) == (False, b.as_seen(b.wanted("a")).mark)


@pytest.mark.parametrize("since", ["", None])
def test_a_pause_without_a_time_or_that_somebody_lifted_begins_anew(since: str | None) -> None:
    seen = waiting(since="") if since == "" else replace(waiting(), blocked=False)
    assert told(only(planned(gone(), b.observed(seen)))) == ("operation", "block", "surplus")


def test_a_row_that_no_request_can_name_is_told() -> None:
    back = only(planned(gone("a"), b.observed(replace(waiting(), id="a/b"))))
    assert told(back) == ("skip", "unblock", "unsupported")


def test_what_a_person_blocked_is_neither_deleted_nor_taken_over() -> None:
    seen = b.as_seen(b.wanted("a"), blocked=True)
    assert told(only(planned(gone(), b.observed(seen)))) == ("skip", "delete", "paused")


def test_a_list_that_is_not_complete_proves_nothing() -> None:
    down = gone(outcome="unreachable", complete=False)
    for seen in (b.as_seen(b.wanted("a")), waiting()):
        state = replace(b.observed(seen), overdue=frozenset({seen.id}))
        assert told(only(planned(down, state))) == ("skip", "delete", "incomplete")


def test_maintenance_comes_first_and_the_wait_goes_on_after_it() -> None:
    seen = waiting()
    state = replace(b.observed(seen), overdue=frozenset({seen.id}))
    maintained = gone(maintenance=("box",))
    assert told(only(planned(maintained, state))) == ("skip", "delete", "maintenance")
    served = gone("a", maintenance=("box",))
    assert not planned(served, state).operations
    over = b.observed(paused(b.as_seen(b.wanted("a")), MAINTENANCE))
    assert told(only(planned(gone(), over))) == ("operation", "block", "surplus")


def test_without_a_grace_what_waits_is_deleted_at_once() -> None:
    assert told(only(planned(on(), b.observed(waiting())))) == ("operation", "delete", "surplus")


def test_an_older_litellm_keeps_the_row_in_service_and_says_why() -> None:
    observed = b.observed(b.as_seen(b.wanted("a")), editing=b.REPLACING)
    skip = only(planned(gone(), observed))
    assert told(skip) == ("skip", "block", "unsupported")
    assert "stays in service" in skip.because


def test_a_suspicious_list_pauses_nothing_before_it_is_believed() -> None:
    observed = b.observed(*(b.as_seen(b.wanted(name)) for name in "abcd"))
    desired = gone(outcome="empty")
    held, since = hold(planned(desired, observed), desired, observed, LIMITS, Suspicion())
    assert {told(skip) for skip in held.skips} == {("skip", "block", "held")}
    assert "--force box blocks them now" in held.skips[0].because
    later = Suspicion(now=LIMITS.suspicion_period, since=since)
    believed, _ = hold(planned(desired, observed), desired, observed, LIMITS, later)
    assert [op.action for op in believed.operations] == ["block"] * 4


def test_what_is_due_is_held_again_if_the_list_is_suspicious_then() -> None:
    rows = [waiting(name) for name in "abcd"]
    observed = replace(b.observed(*rows), overdue=frozenset(row.id for row in rows))
    desired = gone(outcome="empty")
    held, _ = hold(planned(desired, observed), desired, observed, LIMITS, Suspicion())
    assert {told(skip) for skip in held.skips} == {("skip", "delete", "held")}


@pytest.mark.parametrize("policy", ["upsert-only", "create-only"])
def test_a_policy_without_deletes_has_no_block_before_one(policy: str) -> None:
    observed = b.observed(b.as_seen(b.wanted("a")))
    desired = gone(policy=policy)
    held, _ = hold(planned(desired, observed), desired, observed, LIMITS, Suspicion())
    assert [told(skip) for skip in held.skips] == [("skip", "block", "policy")]


def test_a_name_that_moves_is_blocked_only_once_its_new_row_serves() -> None:
    sites = (b.endpoint(removal_grace=WAITS), b.endpoint(b.OTHER_BOX, served=("a",)))
    desired = b.desired(b.wanted("a", endpoint=b.OTHER_BOX), endpoints=sites)
    create, block = planned(desired, b.observed(b.as_seen(b.wanted("a")))).operations
    assert (create.action, block.action) == ("create", "block")
    assert block.keeps == create.id
    assert "403" not in block.because


def test_the_plan_is_the_same_until_it_is_carried_out() -> None:
    observed = b.observed(b.as_seen(b.wanted("a")))
    first, second = (planned(gone(), observed).to_json() for _ in range(2))
    assert first == second
