"""How many rows a backend may have, how many a cycle may create, and plans for some backends."""

from __future__ import annotations

from dataclasses import replace

from engine.config.model import Limits
from engine.plan.caps import only_on, within_caps
from engine.plan.plan import Plan
from engine.plan.planner import make_plan
from engine.state.deployment import DesiredDeployment, Key
from tests import builders as b

LIMITS = Limits(0.5, 3, 900.0, max_models=3, max_creates=100)


def of_other(name: str) -> DesiredDeployment:
    return b.wanted(name, endpoint=b.OTHER_BOX, backend="other")


def created(plan: Plan) -> list[str]:
    return [op.key.name for op in plan.operations if op.action == "create"]


def test_a_backend_gets_no_more_rows_than_max_models() -> None:
    desired, observed = b.desired(*map(b.wanted, "abcde")), b.observed(b.as_seen(b.wanted("a")))
    plan = within_caps(make_plan(desired, observed), observed, LIMITS)
    assert created(plan) == ["b", "c"]
    assert [(skip.key.name, skip.reason, skip.action) for skip in plan.skips] == [
        ("d", "limit", "create"),
        ("e", "limit", "create"),
    ]
    assert plan.skips[0].because == "box would have more than 3 models (limits.max_models)"


def test_what_the_plan_deletes_makes_room() -> None:
    desired = b.desired(*map(b.wanted, "abc"))
    observed = b.observed(*(b.as_seen(b.wanted(name)) for name in "xyz"))
    plan = within_caps(make_plan(desired, observed), observed, LIMITS)
    assert created(plan) == ["a", "b", "c"]


def test_rows_of_others_and_of_other_backends_take_no_room() -> None:
    mark = b.wanted().mark
    foreign = [
        b.as_seen(of_other("x")),
        b.as_seen(b.wanted("y"), mark=replace(mark, owner="someone")),
        b.as_seen(b.wanted("z"), mark=None),
    ]
    desired, observed = b.desired(*map(b.wanted, "abc")), b.observed(*foreign)
    plan = within_caps(make_plan(desired, observed), observed, LIMITS)
    assert created(plan) == ["a", "b", "c"]


def test_a_cycle_creates_no_more_than_max_creates_and_each_backend_gets_its_part() -> None:
    wanted = [*map(b.wanted, "abcde"), *map(of_other, "vwx")]
    sites = (b.endpoint(), b.endpoint(b.OTHER_BOX, backends=("other",)))
    desired, observed = b.desired(*wanted, endpoints=sites), b.observed()
    limits = replace(LIMITS, max_models=100, max_creates=4)
    plan = within_caps(make_plan(desired, observed), observed, limits)
    assert created(plan) == ["a", "b", "v", "w"]
    because = {skip.because for skip in plan.skips}
    assert because == {"this cycle already creates 4 (limits.max_creates); the next one continues"}


def test_a_name_keeps_its_last_row_while_its_new_one_waits() -> None:
    old = b.wanted("m", upstream="openai/m", predecessors=())
    new = b.wanted("m", upstream="hosted_vllm/m", predecessors=())
    gone = b.as_seen(b.wanted("gone"))
    desired = b.desired(new, endpoints=(b.endpoint(served=("m",)),))
    observed = b.observed(b.as_seen(old), gone)
    plan = make_plan(desired, observed)
    assert [op.action for op in plan.operations] == ["create", "delete", "delete"]
    plan = within_caps(plan, observed, replace(LIMITS, max_creates=0))
    assert [op.key.name for op in plan.operations] == ["gone"]
    assert [(skip.action, skip.reason) for skip in plan.skips] == [
        ("create", "limit"),
        ("delete", "limit"),
    ]


def test_a_plan_for_some_backends_has_nothing_about_the_others() -> None:
    sites = (b.endpoint(), b.endpoint(b.OTHER_BOX, backends=("other",)))
    desired = b.desired(b.wanted("a"), of_other("b"), endpoints=sites)
    theirs = b.as_seen(of_other("c"), read_only="it is a wildcard")
    plan = make_plan(desired, b.observed(theirs))
    assert len(plan.skips) == 1
    plan, seen = only_on(plan, desired, {b.BOX})
    assert [op.key for op in plan.operations] == [Key(b.BOX, "a", "openai/a")]
    assert plan.skips == ()
    assert [site.url for site in seen.endpoints] == [b.BOX]


def test_a_name_that_moves_to_a_backend_that_is_left_out_stays() -> None:
    sites = (b.endpoint(), b.endpoint(b.OTHER_BOX, backends=("other",)))
    desired = b.desired(of_other("m"), endpoints=sites)
    plan = make_plan(desired, b.observed(b.as_seen(b.wanted("m"))))
    plan, _ = only_on(plan, desired, {b.BOX})
    assert plan.operations == ()
    assert [(skip.action, skip.reason) for skip in plan.skips] == [("delete", "limit")]
