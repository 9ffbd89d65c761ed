"""Rows of ours whose api_base points elsewhere: known, put back, never doubled or lost."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.litellm.listed import listed_row
from engine.litellm.observed import observed_state
from engine.litellm.row import row_of
from engine.plan.plan import Plan
from engine.plan.planner import make_plan, verify_plan
from engine.plan.simulate import simulate
from engine.state.deployment import (
    NO_ADDRESS,
    DesiredDeployment,
    DesiredState,
    Editing,
    ObservedState,
)
from engine.state.mark import deployment_id
from tests import builders as b

GONE = "http://10.0.0.7:8000"
"""An address that is not configured."""
SITES = (b.endpoint(served=("a", "m", "z")), b.endpoint(b.OTHER_BOX, served=("a", "m", "z")))
ELSEWHERE = [f"{b.OTHER_BOX}/v1", None, f"{b.BOX}/v1?key=1", "not a URL", f"{GONE}/v1"]


def listed(
    wanted: DesiredDeployment, api_base: str | None, *, row_id: str | None = None
) -> dict[str, Any]:
    """Return the listed row of a deployment, whose ``api_base`` somebody edited; None: no more."""
    row_id = row_id or deployment_id(b.OWNER, wanted.key, 0)
    row = listed_row(row_of(wanted, row_id, revision=0), b.REMOVING)
    row["litellm_params"]["api_base"] = api_base
    params = row["litellm_params"].items()
    return {**row, "litellm_params": {name: value for name, value in params if value is not None}}


def read(*rows: dict[str, Any], editing: Editing = b.REMOVING) -> ObservedState:
    return observed_state({"editing": asdict(editing), "data": list(rows)}, b.SCOPE, b.OWNER)


def plan_of(desired: DesiredState, observed: ObservedState) -> Plan:
    plan = make_plan(desired, observed)
    verify_plan(plan, desired, observed, b.SCOPE)
    return plan


def told(plan: Plan) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    return (
        [(op.action, op.touched, op.reason) for op in plan.operations],
        [(skip.key.endpoint, skip.id, skip.reason) for skip in plan.skips],
    )


@pytest.mark.parametrize("name", ["a", "z"])
@pytest.mark.parametrize("api_base", ELSEWHERE)
@pytest.mark.parametrize("row_id", [None, "adopted"])
def test_a_row_whose_address_was_edited_is_put_back_and_not_doubled(
    name: str, api_base: str | None, row_id: str | None
) -> None:
    wanted, neighbour = b.wanted(name), b.wanted("m", endpoint=b.OTHER_BOX)
    rows = read(listed(wanted, api_base, row_id=row_id), listed(neighbour, b.OTHER_BOX))
    plan = plan_of(b.desired(wanted, neighbour, endpoints=SITES), rows)
    touched = row_id or deployment_id(b.OWNER, wanted.key, 0)
    assert told(plan) == ([("update", touched, "drifted")], [])
    (change,) = plan.operations[0].changes
    shown = api_base and api_base.replace("?key=1", "?***")
    assert (change.path, change.before, change.after) == (
        "/litellm_params/api_base",
        shown,
        b.BOX,
    )


@pytest.mark.parametrize("api_base", ELSEWHERE)
@pytest.mark.parametrize("row_id", [None, "adopted"])
def test_a_row_that_was_moved_stays_while_its_own_server_is_down(
    api_base: str | None, row_id: str | None
) -> None:
    wanted = b.wanted("a")
    down = replace(SITES[0], complete=False, outcome="unreachable", served=())
    other = replace(SITES[1], served=("other",))
    rows = read(listed(wanted, api_base, row_id=row_id))
    plan = plan_of(b.desired(endpoints=(down, other)), rows)
    touched = row_id or deployment_id(b.OWNER, wanted.key, 0)
    assert told(plan) == ([], [(b.BOX, touched, "incomplete")])


def test_a_row_that_was_moved_goes_when_its_own_server_no_longer_serves_it() -> None:
    wanted = b.wanted("a")
    plan = plan_of(
        b.desired(endpoints=(replace(SITES[0], served=()), SITES[1])),
        read(listed(wanted, b.OTHER_BOX)),
    )
    assert told(plan) == ([("delete", deployment_id(b.OWNER, wanted.key, 0), "surplus")], [])
    assert plan.operations[0].key.endpoint == b.BOX


def before_the_url_changed(name: str, **fields: Any) -> DesiredDeployment:
    """Return a deployment of the backend `box` when its url was another."""
    moved = b.wanted(name, **fields)
    old = moved.key._replace(endpoint=GONE)
    return replace(moved, key=old, mark=replace(moved.mark, fingerprint="0" * 32))


def test_a_row_follows_its_backend_to_another_url() -> None:
    wanted, old = b.wanted("a"), before_the_url_changed("a")
    plan = plan_of(b.desired(wanted, endpoints=SITES), read(listed(old, GONE)))
    assert told(plan) == ([("update", deployment_id(b.OWNER, old.key, 0), "changed")], [])
    assert plan.operations[0].key == wanted.key


def test_what_cannot_follow_its_backend_says_which_command_removes_it() -> None:
    wanted = b.wanted("a")
    left = [before_the_url_changed("a"), before_the_url_changed("unwanted")]
    rows = read(listed(wanted, b.BOX), *(listed(old, GONE) for old in left))
    plan = plan_of(b.desired(wanted, endpoints=SITES), rows)
    ids = [deployment_id(b.OWNER, old.key, 0) for old in left]
    assert told(plan) == ([], [(GONE, row_id, "stray") for row_id in ids])
    assert plan.skips[0].because == (
        f"box is at {b.BOX} now; left alone; to have it removed: modelprovisioner retire box"
    )


def test_of_several_rows_that_could_follow_one_does() -> None:
    wanted, old = b.wanted("a"), before_the_url_changed("a")
    rows = [listed(old, GONE, row_id=row_id) for row_id in ("2", "1")]
    plan = plan_of(b.desired(wanted, endpoints=SITES), read(*rows))
    assert told(plan) == ([("update", "1", "changed")], [(GONE, "2", "stray")])


def test_a_row_of_a_backend_that_is_gone_names_the_command_that_removes_it() -> None:
    old = before_the_url_changed("a", backend="old box")
    plan = plan_of(b.desired(endpoints=SITES), read(listed(old, GONE)))
    assert plan.skips[0].because == (
        "its endpoint is no longer configured; left alone; to have it removed:"
        " modelprovisioner retire 'old box'"
    )


def test_a_row_of_ours_without_address_and_home_is_told() -> None:
    old = before_the_url_changed("a", backend="old")
    plan = plan_of(b.desired(endpoints=SITES), read(listed(old, None)))
    assert told(plan)[1] == [(NO_ADDRESS, deployment_id(b.OWNER, old.key, 0), "stray")]


@pytest.mark.parametrize("row_id", [None, "adopted"])
def test_a_row_stays_where_it_is_when_its_backend_gets_another_name(row_id: str | None) -> None:
    wanted = b.wanted("a")
    old = replace(wanted, mark=replace(wanted.mark, backend="old", fingerprint="0" * 32))
    plan = plan_of(b.desired(wanted, endpoints=SITES), read(listed(old, b.BOX, row_id=row_id)))
    assert [(op.action, op.reason) for op in plan.operations] == [("update", "changed")]


def test_an_adopted_row_stays_where_it_is_when_two_backends_swap_their_names() -> None:
    wanted = b.wanted("a")
    old = replace(wanted, mark=replace(wanted.mark, backend="other", fingerprint="0" * 32))
    rows = read(listed(old, b.BOX, row_id="adopted"))
    plan = plan_of(b.desired(wanted, endpoints=SITES), rows)
    assert told(plan) == ([("update", "adopted", "changed")], [])


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b.BOX, b.OTHER_BOX]),
            st.sampled_from("amz"),
            st.sampled_from([*ELSEWHERE, b.BOX, b.OTHER_BOX]),
        ),
        unique_by=lambda row: row[:2],
        max_size=6,
    ),
    st.sampled_from([b.REMOVING, b.IN_PLACE, b.REPLACING]),
    st.booleans(),
)
def test_wherever_rows_were_moved_each_is_back_and_none_is_made_or_lost(
    moves: list[tuple[str, str, str | None]], editing: Editing, down: bool
) -> None:
    wanted = [b.wanted(name, endpoint=endpoint) for endpoint, name, _ in moves]
    pairs = zip(wanted, moves, strict=True)
    rows = read(*(listed(row, move[2]) for row, move in pairs), editing=editing)
    sites = (replace(SITES[0], complete=not down), SITES[1])
    seen = [row for row in wanted if not (down and row.key.endpoint == b.BOX)]
    plan = plan_of(b.desired(*seen, endpoints=sites), rows)
    assert {op.action for op in plan.operations} <= {"update", "replace"}
    after = simulate(plan, rows, b.SCOPE)
    assert len(after.deployments) == len(moves)
    in_place = {row.key for row in after.deployments}
    assert {row.key for row in seen} <= in_place
