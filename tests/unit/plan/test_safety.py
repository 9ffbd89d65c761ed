"""Held deletions: what is suspicious, for how long, and the ways out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.config.model import Limits
from engine.plan.plan import Plan, Skip
from engine.plan.planner import make_plan
from engine.plan.safety import Suspicion, hold
from engine.state.deployment import DesiredState, ObservedDeployment, ObservedState
from tests import builders as b

LIMITS = Limits(
    max_delete_fraction=0.3,
    min_deployments=10,
    suspicion_period=900.0,
    max_models=1000,
    max_creates=1000,
)
NAMES = [f"m{number:02}" for number in range(10)]


def fleet(
    listed: list[str], *, outcome: str = "ok", policy: str = "sync"
) -> tuple[DesiredState, ObservedState]:
    """Return the states of a box that had ten models and now lists some of them."""
    site = b.endpoint(served=tuple(listed), outcome=outcome, policy=policy)
    wanted = [b.wanted(name) for name in listed]
    seen = [b.as_seen(b.wanted(name)) for name in NAMES]
    return b.desired(*wanted, endpoints=(site,)), b.observed(*seen)


def held(
    listed: list[str], suspicion: Suspicion, limits: Limits = LIMITS, **options: str
) -> tuple[Plan, dict[str, float]]:
    desired, observed = fleet(listed, **options)
    return hold(make_plan(desired, observed), desired, observed, limits, suspicion)


def test_three_of_ten_may_go() -> None:
    plan, since = held(NAMES[3:], Suspicion(now=0.0))
    assert (len(plan.operations), since) == (3, {})


def test_four_of_ten_are_held_and_the_clock_starts() -> None:
    plan, since = held(NAMES[4:], Suspicion(now=50.0))
    assert not plan.operations
    assert {skip.reason for skip in plan.skips} == {"held"}
    assert since == {b.BOX: 50.0}


def test_the_time_that_is_left_is_told() -> None:
    plan, since = held(NAMES[4:], Suspicion(now=650.0, since={b.BOX: 50.0}))
    assert "seen this for 5 min more; --force box deletes them now" in plan.skips[0].because
    assert since == {b.BOX: 50.0}


def test_what_has_lasted_is_believed() -> None:
    plan, _ = held(NAMES[4:], Suspicion(now=950.0, since={b.BOX: 50.0}))
    assert len(plan.operations) == 4


def test_a_sound_list_in_between_starts_the_clock_again() -> None:
    _, since = held(NAMES, Suspicion(now=900.0, since={b.BOX: 50.0}))
    assert since == {}


@pytest.mark.parametrize(
    ("force", "deleted"), [({"box"}, 10), ({"all"}, 10), ({"other"}, 0), (set(), 0)]
)
def test_force_believes_the_named_backends_at_once(force: set[str], deleted: int) -> None:
    plan, _ = held([], Suspicion(force=frozenset(force)), outcome="empty")
    assert len(plan.operations) == deleted


def test_an_empty_list_is_suspicious_however_few_there_were() -> None:
    site = b.endpoint(outcome="empty")
    desired, observed = b.desired(endpoints=(site,)), b.observed(b.as_seen(b.wanted("a")))
    plan, since = hold(make_plan(desired, observed), desired, observed, LIMITS, Suspicion())
    assert (plan.operations, since) == ((), {b.BOX: 0.0})


def test_a_small_box_may_lose_most_of_its_models() -> None:
    site = b.endpoint(served=("a",))
    wanted, seen = b.wanted("a"), [b.as_seen(b.wanted(name)) for name in "abcd"]
    desired, observed = b.desired(wanted, endpoints=(site,)), b.observed(*seen)
    plan, _ = hold(make_plan(desired, observed), desired, observed, LIMITS, Suspicion())
    assert len(plan.operations) == 3


@pytest.mark.parametrize("outcome", ["ok", "empty"])
def test_a_fraction_of_one_switches_the_guard_off(outcome: str) -> None:
    plan, _ = held([], Suspicion(), replace(LIMITS, max_delete_fraction=1.0), outcome=outcome)
    assert len(plan.operations) == 10


def test_duplicates_of_what_stays_are_not_counted() -> None:
    twice: list[ObservedDeployment] = []
    for name in NAMES:
        twice += [b.as_seen(b.wanted(name), revision=number) for number in (0, 1)]
    site = b.endpoint(served=tuple(NAMES))
    desired = b.desired(*(b.wanted(name) for name in NAMES), endpoints=(site,))
    observed = b.observed(*twice)
    plan, since = hold(make_plan(desired, observed), desired, observed, LIMITS, Suspicion())
    assert (len(plan.operations), since) == (10, {})


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [("sync", {"create", "delete"}), ("upsert-only", {"create"}), ("create-only", {"create"})],
)
def test_a_policy_limits_the_actions(policy: str, allowed: set[str]) -> None:
    plan, _ = held([*NAMES[1:], "new"], Suspicion(), policy=policy)
    assert {operation.action for operation in plan.operations} == allowed


def test_what_a_policy_forbids_is_not_suspicious_as_well() -> None:
    plan, since = held([], Suspicion(), outcome="empty", policy="upsert-only")
    assert {skip.reason for skip in plan.skips} == {"policy"}
    assert since == {}


def test_rows_that_are_not_ours_do_not_make_a_loss_look_small() -> None:
    ours = b.wanted("m00").mark
    theirs = [
        b.as_seen(b.wanted(f"x{number}"), mark=replace(ours, owner="someone"), row_id=str(number))
        for number in range(50)
    ]
    desired, observed = fleet(NAMES[4:])
    observed = replace(observed, deployments=(*observed.deployments, *theirs))
    plan, since = hold(make_plan(desired, observed), desired, observed, LIMITS, Suspicion())
    assert not plan.operations
    assert since


def hold_of(
    desired: DesiredState, observed: ObservedState, suspicion: Suspicion | None = None
) -> Plan:
    suspicion = suspicion or Suspicion()
    plan, _ = hold(make_plan(desired, observed), desired, observed, LIMITS, suspicion)
    return plan


def test_a_held_deletion_says_what_is_suspicious_and_for_how_long() -> None:
    plan, _ = held(NAMES[4:], Suspicion())
    gone = b.as_seen(b.wanted(NAMES[0]))
    because = (
        "4 of 10 deployments of box would be deleted, more than 30%;"
        " held until `run` has seen this for 15 min; --force box deletes them now"
    )
    assert plan.skips[0] == Skip("delete", gone.key, gone.id, "held", because)


def test_a_list_that_is_empty_says_so() -> None:
    site = b.endpoint(outcome="empty", backends=("box", "twin"))
    desired, observed = b.desired(endpoints=(site,)), b.observed(b.as_seen(b.wanted("a")))
    (skip,) = hold_of(desired, observed).skips
    assert skip.because.startswith("box and twin answers with an empty list; held until")


@pytest.mark.parametrize(
    ("passed", "left"),
    [
        (0.0, "15 min"),
        (839.0, "1 min 1 s more"),
        (841.0, "59 s more"),
        (899.4, "1 s more"),
        (899.9, "1 s more"),
    ],
)
def test_the_time_that_is_left_is_in_minutes_and_seconds(passed: float, left: str) -> None:
    plan, _ = held(NAMES[4:], Suspicion(now=passed, since={b.BOX: 0.0}))
    assert f"has seen this for {left}; --force" in plan.skips[0].because


def test_what_has_lasted_exactly_as_long_as_it_must_is_believed() -> None:
    plan, _ = held(NAMES[4:], Suspicion(now=900.0, since={b.BOX: 0.0}))
    assert len(plan.operations) == 4


def test_an_empty_list_beside_one_that_serves_is_judged_by_the_share() -> None:
    site = b.endpoint(outcome="empty", served=("a",))
    seen = [b.as_seen(b.wanted(name)) for name in "ab"]
    plan = hold_of(b.desired(b.wanted("a"), endpoints=(site,)), b.observed(*seen))
    assert [operation.key.name for operation in plan.operations] == ["b"]


def test_a_sound_list_that_serves_nothing_is_judged_by_the_share() -> None:
    site = b.endpoint(outcome="ok", served=())
    plan = hold_of(b.desired(endpoints=(site,)), b.observed(b.as_seen(b.wanted("a"))))
    assert len(plan.operations) == 1


@pytest.mark.parametrize("small", [b.BOX, b.OTHER_BOX])
def test_each_endpoint_is_judged_by_itself(small: str) -> None:
    large = b.OTHER_BOX if small == b.BOX else b.BOX
    sites = tuple(b.endpoint(url) for url in (b.BOX, b.OTHER_BOX))
    seen = [b.as_seen(b.wanted(name, endpoint=large)) for name in NAMES]
    seen.append(b.as_seen(b.wanted("a", endpoint=small)))
    desired, observed = b.desired(endpoints=sites), b.observed(*seen)
    plan, since = hold(make_plan(desired, observed), desired, observed, LIMITS, Suspicion())
    assert [operation.key.endpoint for operation in plan.operations] == [small]
    assert set(since) == {large}


@pytest.mark.parametrize("lasting", [b.BOX, b.OTHER_BOX])
def test_each_endpoint_has_a_clock_of_its_own(lasting: str) -> None:
    sites = tuple(b.endpoint(url, outcome="empty") for url in (b.BOX, b.OTHER_BOX))
    seen = [b.as_seen(b.wanted("a", endpoint=site.url)) for site in sites]
    suspicion = Suspicion(now=900.0, since={lasting: 0.0})
    plan = hold_of(b.desired(endpoints=sites), b.observed(*seen), suspicion)
    assert [operation.key.endpoint for operation in plan.operations] == [lasting]


@pytest.mark.parametrize(("editing", "action"), [(b.IN_PLACE, "update"), (b.REPLACING, "replace")])
def test_what_a_policy_forbids_names_the_row_and_the_policy(
    editing: b.Editing, action: str
) -> None:
    site = b.endpoint(served=("a",), policy="create-only")
    seen = b.as_seen(b.wanted("a"))
    desired = b.desired(b.wanted("a", params={"rpm": 1}), endpoints=(site,))
    (skip,) = hold_of(desired, b.observed(seen, editing=editing)).skips
    because = f"policy create-only allows no {action} (rpm)"
    assert skip == Skip(action, seen.key, seen.id, "policy", because)
