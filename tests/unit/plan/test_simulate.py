"""What the observed state becomes by each kind of operation."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from engine.fakes.litellm import LiteLLMSimulator
from engine.litellm.api import editing_of
from engine.litellm.compact_rows import Rows
from engine.litellm.fields import DEFAULT_FALSE
from engine.litellm.observed import observed_state
from engine.plan.planner import make_plan
from engine.plan.simulate import simulate
from engine.state.deployment import DesiredDeployment, ObservedDeployment, ObservedState
from engine.state.frozen import thaw
from tests import builders as b

BEFORE = b.wanted("a", params={"rpm": 5, "extra": {"x": 1, "y": 2}})
AFTER = b.wanted("a", params={"extra": {"x": 1}})
HAND_MADE = {"weight": 3}


LISTED_BESIDES = {"key", "litellm_provider", "supported_openai_params", *DEFAULT_FALSE}
"""Fields that LiteLLM lists although nobody sent them."""


def sent(row: ObservedDeployment) -> dict[str, dict[str, Any]]:
    """Return the fields of a row that somebody sent."""
    return {
        part: {name: value for name, value in fields.items() if name not in LISTED_BESIDES}
        for part, fields in thaw(row.fields).items()
    }


def after(observed: ObservedState, *wanted: DesiredDeployment) -> ObservedState:
    return simulate(make_plan(b.desired(*wanted), observed), observed, b.SCOPE)


def test_an_update_removes_what_it_says_and_keeps_what_others_set() -> None:
    seen = b.edited(b.as_seen(BEFORE), **HAND_MADE)
    (row,) = after(b.observed(seen, editing=b.REMOVING), AFTER).deployments
    assert row.id == seen.id
    assert sent(row) == sent(b.edited(b.as_seen(AFTER), **HAND_MADE))


def test_a_replacement_leaves_one_row_that_holds_what_was_sent() -> None:
    seen = b.edited(b.as_seen(BEFORE), **HAND_MADE, use_litellm_proxy=False)
    (row,) = after(b.observed(seen, editing=b.REPLACING), AFTER).deployments
    assert row.id != seen.id
    assert sent(row) == sent(b.edited(b.as_seen(AFTER), **HAND_MADE))


def test_a_create_over_a_row_of_the_same_id_leaves_what_was_sent() -> None:
    plan = make_plan(b.desired(AFTER), b.observed())
    stale = b.edited(b.as_seen(BEFORE), **HAND_MADE)
    (row,) = simulate(plan, b.observed(stale), b.SCOPE).deployments
    assert sent(row) == sent(b.as_seen(AFTER))


@pytest.mark.parametrize("editing", [b.IN_PLACE, b.REMOVING, b.REPLACING])
def test_a_plan_that_is_carried_out_twice_leaves_the_same(editing: b.Editing) -> None:
    wanted = (AFTER, b.wanted("new"))
    observed = b.observed(b.as_seen(BEFORE), b.as_seen(b.wanted("gone")), editing=editing)
    plan = make_plan(b.desired(*wanted), observed)
    once = simulate(plan, observed, b.SCOPE)
    assert simulate(plan, once, b.SCOPE) == once
    assert [row.key.name for row in once.deployments] == ["a", "new"]


def test_rows_are_in_the_order_of_key_and_id() -> None:
    rows = [b.as_seen(b.wanted(name), row_id=row_id) for name, row_id in ("b3", "a2", "a1")]
    state = simulate(make_plan(b.desired(endpoints=()), b.observed()), b.observed(*rows), b.SCOPE)
    assert [row.key.name + row.id for row in state.deployments] == ["a1", "a2", "b3"]


SENT_PARAMS = {
    "rpm": "5",
    "timeout": 30,
    "drop_params": "true",
    "weight": 0.5,
    "input_cost_per_token": 0.000001,
    "extra_headers": {"Authorization": {"$secret": "f" * 32}, "X-Plain": "yes"},
    "extra_body": {"a_token": 7, "deep": {"access_key": "short", "list": [None, "x"]}},
    "tags": ["one", "two"],
}
OPAQUE = {"/litellm_params/extra_headers/Authorization": "f" * 32}
SENT_INFO = {"mode": "chat", "own": {"nested": [1, {"x": None}]}, "access_groups": ["team"]}


def sent_to(litellm: LiteLLMSimulator, method: str, path: str, body: Any) -> dict[str, Any]:
    text = json.dumps(body).replace('{"$secret": "' + "f" * 32 + '"}', '"Bearer sk-hidden-1234"')
    answer = litellm.answer(method, path, "Bearer sk-master", text.encode())
    assert answer.status == 200, answer.body
    document: dict[str, Any] = json.loads(answer.body)
    return document


@pytest.mark.parametrize("version", ["1.74.15", "1.83.14", "1.98.0", "1.106.2", "1.109.3"])
def test_what_is_simulated_is_what_litellm_lists(version: str) -> None:
    litellm = LiteLLMSimulator(version, master_key="sk-master")
    editing = editing_of(version)
    wanted = b.wanted("a", params=SENT_PARAMS, info=SENT_INFO)
    wanted = replace(wanted, mark=replace(wanted.mark, opaque=b.freeze(OPAQUE)))
    plan = make_plan(b.desired(wanted), b.observed(editing=editing))
    sent_to(litellm, "POST", "/model/new", thaw(plan.operations[0].row))
    rows = [Rows().kept(row) for row in sent_to(litellm, "GET", "/v1/model/info", {})["data"]]
    listed = observed_state({"editing": asdict(editing), "data": rows}, b.SCOPE, b.OWNER)
    simulated = simulate(plan, b.observed(editing=editing), b.SCOPE)
    (row,), (same,) = listed.deployments, simulated.deployments
    assert (row.key, row.id, row.mark) == (same.key, same.id, same.mark)
    for part, names in wanted.fields.items():
        for name in names:
            assert thaw(same.fields[part]).get(name) == thaw(row.fields[part]).get(name), name
