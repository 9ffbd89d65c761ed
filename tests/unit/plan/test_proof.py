"""A plan is made and proven of what is not settled, and is the same as if nothing were."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UnprovenPlan
from engine.plan.planner import make_plan, make_proven_plan
from engine.plan.simulate import rows_of, simulate, touched, under
from engine.state.deployment import DesiredState, ObservedState
from engine.state.reuse import Settled
from tests import builders as b
from tests.quick import examples

from .test_plan_properties import NAMES, States, seen_rows, states, wanted_rows


@st.composite
def histories(draw: st.DrawFn) -> list[States]:
    """Return states that follow each other: some values of each are also in the one before."""
    desired, observed = draw(states())
    urls = {endpoint.url for endpoint in desired.endpoints}
    found = [(desired, observed)]
    for _ in range(draw(st.integers(1, 3))):
        kept = draw(st.sets(NAMES))
        wanted = {each.key: each for each in desired.deployments if each.key.name in kept}
        seen = {each.id: each for each in observed.deployments if each.key.name in kept}
        new = [
            each for each in draw(st.lists(wanted_rows(), max_size=2)) if each.key.endpoint in urls
        ]
        rows = [
            each for each in draw(st.lists(seen_rows(), max_size=2)) if each.key.endpoint in urls
        ]
        wanted |= {each.key: each for each in new}
        seen |= {each.id: each for each in rows}
        complete = draw(st.booleans())
        desired = replace(
            desired,
            deployments=tuple(sorted(wanted.values(), key=lambda each: each.key)),
            endpoints=tuple(replace(site, complete=complete) for site in desired.endpoints),
        )
        strays = observed.strays if draw(st.booleans()) else ()
        seen = {row_id: each for row_id, each in seen.items() if each not in strays}
        taken = frozenset(seen) | {stray.id for stray in strays}
        observed = replace(
            observed, deployments=b.observed(*seen.values()).deployments, strays=strays, taken=taken
        )
        found.append((desired, observed))
    return found


@settings(deadline=None, max_examples=examples(300))
@given(histories())
def test_what_is_settled_changes_no_plan(history: list[States]) -> None:
    settled = Settled()
    for desired, observed in history:
        plan = make_proven_plan(desired, observed, b.SCOPE, settled)
        assert plan.to_json() == make_plan(desired, observed).to_json()


@settings(deadline=None, max_examples=examples(300))
@given(states(), st.sets(NAMES))
def test_each_public_name_is_planned_by_itself(pair: States, names: set[str]) -> None:
    whole, part = make_plan(*pair), make_plan(*under(names, *pair))
    assert part.operations == tuple(op for op in whole.operations if op.key.name in names)
    assert part.skips == tuple(skip for skip in whole.skips if skip.key.name in names)


@settings(deadline=None, max_examples=examples(300))
@given(states(), st.integers(0, 2))
def test_the_proof_of_what_is_touched_finds_what_the_whole_one_finds(
    pair: States, left_out: int
) -> None:
    """Also of a plan that is wrong, since it leaves something out."""
    desired, observed = pair
    plan = make_plan(desired, observed)
    wrong = replace(plan, operations=plan.operations[left_out:])
    names = touched(wrong, observed)
    whole = make_plan(desired, simulate(wrong, observed, b.SCOPE)).operations
    part = under(names, desired, observed)
    found = make_plan(part[0], simulate(wrong, part[1], b.SCOPE)).operations
    assert found == tuple(op for op in whole if op.key.name in names)


def one_missing() -> tuple[DesiredState, ObservedState]:
    row = b.wanted("a")
    return b.desired(row, b.wanted("b")), b.observed(b.as_seen(row))


def test_what_is_not_proven_is_not_settled() -> None:
    """LiteLLM would list this field otherwise than it was sent, and it would be sent again."""
    desired = b.desired(b.wanted("a"), b.wanted("b", info={"db_model": False}))
    settled = Settled()
    for _ in range(2):
        with pytest.raises(UnprovenPlan, match="'b'"):
            make_proven_plan(desired, b.observed(), b.SCOPE, settled)


def test_only_what_is_new_or_was_decided_about_is_planned() -> None:
    desired, observed = one_missing()
    settled = Settled()
    rows = rows_of(desired, observed)
    assert settled.others(rows) == {"a", "b"}
    make_proven_plan(desired, observed, b.SCOPE, settled)
    assert settled.others(rows) == {"b"}
    assert settled.others(rows[1:]) == {"a", "b"}
    assert settled.others([*rows, b.wanted("c")]) == {"b", "c"}
