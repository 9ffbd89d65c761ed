"""The plan that retires a backend: all rows of ours with its mark, and no other row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import UnprovenPlan
from engine.plan.plan import Plan
from engine.plan.retire import make_retirement, verify_retirement
from engine.state.deployment import ObservedDeployment
from tests import builders as b

GONE = "http://gone:8000"


def row(name: str, backend: str = "box", endpoint: str = b.BOX) -> ObservedDeployment:
    return b.as_seen(b.wanted(name, endpoint=endpoint, backend=backend))


def test_rows_with_its_mark_go_from_its_servers_and_from_those_that_are_not_configured() -> None:
    observed = b.observed(row("a"), strays=(row("stray", endpoint=GONE),))
    plan = make_retirement("box", observed, b.SCOPE)
    assert [(op.action, op.key.name, op.reason) for op in plan.operations] == [
        ("delete", "a", "retired"),
        ("delete", "stray", "retired"),
    ]
    verify_retirement(plan, "box", observed, b.SCOPE)


def test_a_row_on_the_server_of_another_backend_is_left_to_that_one() -> None:
    """Somebody gave the backend another name: its next cycle keeps the row."""
    observed = b.observed(row("a", endpoint=b.OTHER_BOX))
    plan = make_retirement("box", observed, b.SCOPE)
    (skip,) = plan.skips
    assert (plan.operations, skip.reason) == ((), "not_owned")
    assert skip.because == "it is on the server of backend other, whose next cycle decides about it"
    verify_retirement(plan, "box", observed, b.SCOPE)


def test_no_other_row_is_touched() -> None:
    a = row("a")
    assert a.mark
    observed = b.observed(
        row("b", backend="other"),
        replace(row("c"), mark=None),
        replace(row("d"), mark=replace(a.mark, owner="someone")),
        row("e", backend="Box"),
        strays=(row("f", backend="other", endpoint=GONE),),
    )
    assert make_retirement("box", observed, b.SCOPE) == Plan(owner=b.OWNER)


def test_a_row_that_cannot_be_deleted_is_named() -> None:
    file = replace(row("a"), read_only="it is a wildcard")
    nameless = replace(row("b"), id="")
    plan = make_retirement("box", b.observed(file, nameless), b.SCOPE)
    assert plan.operations == ()
    assert [(skip.key.name, skip.reason) for skip in plan.skips] == [
        ("a", "read_only"),
        ("b", "unreachable_id"),
    ]


def test_a_plan_that_leaves_or_takes_too_much_is_not_proven() -> None:
    observed = b.observed(row("a"), row("b"), row("c", backend="other"))
    right = make_retirement("box", observed, b.SCOPE)
    verify_retirement(right, "box", observed, b.SCOPE)
    there = replace(b.SCOPE, reach={})
    too_little = replace(right, operations=right.operations[:1])
    too_much = replace(
        right, operations=right.operations + make_retirement("other", observed, there).operations
    )
    for plan in (too_little, too_much):
        with pytest.raises(UnprovenPlan, match="retire 'box'"):
            verify_retirement(plan, "box", observed, b.SCOPE)
