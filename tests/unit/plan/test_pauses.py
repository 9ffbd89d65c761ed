"""Rows that are out of service for a while: what the loop does with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.plan.plan import Operation, Plan, Skip
from engine.plan.planner import make_plan, verify_plan
from engine.plan.safety import Suspicion, hold
from engine.plan.simulate import simulate
from engine.state.deployment import DesiredState, ObservedDeployment, ObservedState
from engine.state.mark import DRAINED, MAINTENANCE
from tests import builders as b
from tests.unit.plan.test_safety import LIMITS

BOTH = ("a", "b")


def paused(seen: ObservedDeployment, why: str, *, blocked: bool = True) -> ObservedDeployment:
    assert seen.mark
    return replace(seen, blocked=blocked, mark=replace(seen.mark, paused=why))


def on(*names: str, **changes: Any) -> DesiredState:
    wanted = [b.wanted(name) for name in names]
    return b.desired(*wanted, endpoints=(b.endpoint(served=names, **changes),))


def planned(desired: DesiredState, observed: ObservedState) -> Plan:
    plan = make_plan(desired, observed)
    verify_plan(plan, desired, observed, b.SCOPE)
    return plan


def only(plan: Plan) -> Operation | Skip:
    decisions: list[Operation | Skip] = [*plan.operations, *plan.skips]
    assert len(decisions) == 1
    return decisions[0]


def told(decision: Operation | Skip) -> tuple[str, str, str]:
    return type(decision).__name__.lower(), decision.action, decision.reason


def test_maintenance_blocks_and_its_end_unblocks_with_nothing_else_sent() -> None:
    seen = b.as_seen(b.wanted("a"))
    block = only(planned(on("a", maintenance=("box",)), b.observed(seen)))
    assert told(block) == ("operation", "block", "maintenance")
    assert isinstance(block, Operation)
    assert block.row.keys() == {"blocked", "model_info"}
    (after,) = simulate(Plan((block,)), b.observed(seen), b.SCOPE).deployments
    assert after.paused == MAINTENANCE
    unblock = only(planned(on("a"), b.observed(after)))
    assert told(unblock) == ("operation", "unblock", "maintenance")
    (back,) = simulate(Plan((unblock,)), b.observed(after), b.SCOPE).deployments  # type: ignore[arg-type]
    assert (back.blocked, back.mark) == (False, seen.mark)


def test_a_row_that_changes_meanwhile_is_one_operation() -> None:
    seen = b.as_seen(b.wanted("a", params={"rpm": 1}))
    desired = on("a", maintenance=("box",))
    block = only(planned(desired, b.observed(seen, editing=b.REMOVING)))
    assert told(block) == ("operation", "block", "maintenance")
    assert isinstance(block, Operation)
    assert block.removed_params == ("rpm",)
    assert "also changed" in block.because
    drifted = paused(b.edited(b.as_seen(b.wanted("a")), api_base=b.OTHER_BOX), MAINTENANCE)
    unblock = only(planned(on("a"), b.observed(drifted)))
    assert told(unblock) == ("operation", "unblock", "maintenance")
    assert isinstance(unblock, Operation)
    assert [change.path for change in unblock.changes] == ["/litellm_params/api_base"]


def test_what_a_person_blocked_is_neither_marked_nor_unblocked() -> None:
    seen = b.as_seen(b.wanted("a"), blocked=True)
    for maintenance in ((), ("box",), ()):
        plan = planned(on("a", maintenance=maintenance), b.observed(seen))
        assert (plan.operations, plan.skips) == ((), ())


def test_a_drained_row_waits_for_undrain_also_when_its_model_is_gone() -> None:
    seen = paused(b.as_seen(b.wanted("a")), DRAINED)
    assert told(only(planned(on("a"), b.observed(seen)))) == ("skip", "unblock", "maintenance")
    gone = only(planned(on("b"), b.observed(seen, b.as_seen(b.wanted("b")))))
    assert told(gone) == ("skip", "delete", "maintenance")
    assert "undrain" in gone.because


def test_a_drained_row_that_somebody_unblocked_is_like_any_other() -> None:
    seen = paused(b.as_seen(b.wanted("a")), DRAINED, blocked=False)
    assert not planned(on("a"), b.observed(seen)).skips
    gone = only(planned(on("b"), b.observed(seen, b.as_seen(b.wanted("b")))))
    assert told(gone) == ("operation", "delete", "surplus")


@pytest.mark.parametrize("site", [{}, {"outcome": "unreachable", "complete": False}])
def test_in_maintenance_no_row_is_made_or_deleted_and_all_are_blocked(site: dict[str, Any]) -> None:
    desired = on("new", maintenance=("box",), **site)
    gone = b.as_seen(b.wanted("gone"))
    plan = planned(desired, b.observed(gone))
    assert list(map(told, plan.operations)) == [("operation", "block", "maintenance")]
    assert list(map(told, plan.skips)) == [("skip", "create", "maintenance")]
    after = simulate(plan, b.observed(gone), b.SCOPE)
    assert {told(d) for d in planned(desired, after).skips} == {
        ("skip", "delete", "maintenance"),
        ("skip", "create", "maintenance"),
    }


def test_maintenance_that_ends_while_the_backend_is_down_unblocks() -> None:
    seen = paused(b.as_seen(b.wanted("a")), MAINTENANCE)
    down = on(outcome="unreachable", complete=False)
    assert told(only(planned(down, b.observed(seen)))) == ("operation", "unblock", "maintenance")


def test_another_backend_on_the_same_server_stays_in_service() -> None:
    other = b.as_seen(b.wanted("b", backend="twin"))
    wanted = (b.wanted("a"), b.wanted("b", backend="twin"))
    site = b.endpoint(served=BOTH, backends=("box", "twin"), maintenance=("box",))
    plan = planned(b.desired(*wanted, endpoints=(site,)), b.observed(b.as_seen(wanted[0]), other))
    assert [(op.action, op.key.name) for op in plan.operations] == [("block", "a")]


def test_an_adopted_row_is_blocked_with_the_same_write() -> None:
    seen = b.as_seen(b.wanted("a"), mark=None)
    block = only(planned(on("a", maintenance=("box",)), b.observed(seen)))
    assert told(block) == ("operation", "block", "maintenance")
    assert "also adopted" in block.because


def test_an_older_litellm_says_that_it_cannot_and_replaces_nothing() -> None:
    seen = b.as_seen(b.wanted("a", params={"rpm": 1}))
    desired = on("a", maintenance=("box",))
    skip = only(planned(desired, b.observed(seen, editing=b.REPLACING)))
    assert told(skip) == ("skip", "replace", "maintenance")
    assert "1.98" in skip.because
    same = b.as_seen(b.wanted("a"))
    skip = only(planned(desired, b.observed(same, editing=b.REPLACING)))
    assert told(skip) == ("skip", "block", "unsupported")


def test_a_row_that_can_only_be_replaced_serves_again_as_a_new_one() -> None:
    seen = paused(b.as_seen(b.wanted("a", params={"rpm": 1})), MAINTENANCE)
    waits = only(planned(on("a", maintenance=("box",)), b.observed(seen)))
    assert told(waits) == ("skip", "replace", "paused")
    assert "out of service" in waits.because
    again = only(planned(on("a"), b.observed(seen)))
    assert told(again) == ("operation", "replace", "changed")
    assert isinstance(again, Operation)
    assert again.before["model_info"]["blocked"] is True


def test_only_the_last_row_of_a_name_says_that_callers_are_refused() -> None:
    here = b.as_seen(b.wanted("a"))
    there = b.as_seen(b.wanted("a", endpoint=b.OTHER_BOX))
    sites = (
        b.endpoint(served=("a",), maintenance=("box",)),
        b.endpoint(b.OTHER_BOX, served=("a",)),
    )
    desired = b.desired(b.wanted("a"), b.wanted("a", endpoint=b.OTHER_BOX), endpoints=sites)
    assert "403" not in only(planned(desired, b.observed(here, there))).because
    both = replace(there, blocked=True)
    assert "403" in only(planned(desired, b.observed(here, both))).because


def test_a_name_that_moves_to_a_backend_in_maintenance_keeps_its_row() -> None:
    sites = (
        b.endpoint(served=("a",), maintenance=("box",)),
        b.endpoint(b.OTHER_BOX, served=("b",)),
    )
    desired = b.desired(b.wanted("a"), endpoints=sites)
    observed = b.observed(b.as_seen(b.wanted("a", endpoint=b.OTHER_BOX)))
    held, _ = hold(planned(desired, observed), desired, observed, LIMITS, Suspicion())
    assert [told(skip) for skip in held.skips] == [
        ("skip", "create", "maintenance"),
        ("skip", "delete", "limit"),
    ]
    assert not held.operations


@pytest.mark.parametrize(("policy", "allowed"), [("upsert-only", True), ("create-only", False)])
def test_policies_allow_a_block_as_an_update(policy: str, *, allowed: bool) -> None:
    desired = on("a", maintenance=("box",), policy=policy)
    observed = b.observed(b.as_seen(b.wanted("a")))
    held, _ = hold(planned(desired, observed), desired, observed, LIMITS, Suspicion())
    assert bool(held.operations) is allowed


def test_blocks_come_after_what_keeps_a_name_and_before_deletes() -> None:
    sites = (
        b.endpoint(served=("a", "new")),
        b.endpoint(b.OTHER_BOX, served=("a", "back"), maintenance=("other",)),
    )
    wanted = (b.wanted("new"), b.wanted("back"), b.wanted("a", endpoint=b.OTHER_BOX))
    rows = (
        b.as_seen(b.wanted("a", endpoint=b.OTHER_BOX)),
        paused(b.as_seen(b.wanted("back")), MAINTENANCE),
        b.as_seen(b.wanted("aaa")),
    )
    plan = planned(b.desired(*wanted, endpoints=sites), b.observed(*rows))
    assert [op.action for op in plan.operations] == ["create", "unblock", "block", "delete"]


def test_a_row_with_an_id_that_no_request_can_name_is_not_unblocked() -> None:
    seen = replace(paused(b.as_seen(b.wanted("a")), MAINTENANCE), id="")
    plan = make_plan(on(complete=False, outcome="unreachable"), b.observed(seen))
    assert plan.operations == ()
    assert [(skip.action, skip.reason) for skip in plan.skips] == [("unblock", "unsupported")]
