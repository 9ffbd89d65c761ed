"""What holds for every pair of states: convergence, scope, order independence, safety."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.litellm.row import is_patchable
from engine.plan.plan import REPLACE, Operation, Plan
from engine.plan.planner import make_plan, verify_plan
from engine.plan.simulate import simulate
from engine.plan.wanted import wanted_of
from engine.state.deployment import (
    TEAM_ROW,
    DesiredDeployment,
    DesiredState,
    Endpoint,
    ObservedDeployment,
    ObservedState,
)
from engine.state.frozen import canonical_json, thaw
from engine.state.mark import DRAINED, LADDER, MAINTENANCE
from engine.validate import validate
from tests import builders as b
from tests.quick import examples

NAMES = st.sampled_from(["a", "b", "c", "x/y:z"])
BOXES = st.sampled_from([b.BOX, b.OTHER_BOX])
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([0.5, 1.0, "1", "true", "text", "os"]),
    st.lists(st.integers(0, 2), max_size=2),
    st.dictionaries(st.sampled_from(["p", "q/r"]), st.one_of(st.booleans(), st.integers(0, 1))),
)
PARAMS = st.dictionaries(st.sampled_from(["weight", "timeout", "flag", "tags"]), VALUES, max_size=3)
INFO = st.dictionaries(st.sampled_from(["mode", "max_input_tokens"]), VALUES, max_size=2)
MARKS = st.sampled_from(["ours", "none", "other"])
PAUSED = st.sampled_from(["", "", MAINTENANCE, DRAINED, LADDER])
READ_ONLY = st.sampled_from(["", "", "", TEAM_ROW, "it comes from LiteLLM's configuration file"])

States = tuple[DesiredState, ObservedState]


def no_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields as the configuration passes them on: a null at the top is no field."""
    return {name: value for name, value in fields.items() if value is not None}


@st.composite
def wanted_rows(draw: st.DrawFn) -> DesiredDeployment:
    name = draw(NAMES)
    wanted = b.wanted(
        name,
        endpoint=draw(BOXES),
        upstream=draw(st.sampled_from([f"openai/{name}", f"hosted_vllm/{name}"])),
        params=no_nulls(draw(PARAMS)),
        info=no_nulls(draw(INFO)),
        api_key=draw(st.sampled_from(["BLANK", "sk-one"])),
        predecessors=(f"openai/{name}",),
    )
    return replace(wanted, missing_key=draw(st.sampled_from(["", "box"])))


@st.composite
def seen_rows(draw: st.DrawFn) -> ObservedDeployment:
    wanted = draw(wanted_rows())
    seen = b.as_seen(wanted, revision=draw(st.integers(0, 2)))
    seen = b.edited(seen, **draw(PARAMS))
    mark = seen.mark
    kind = draw(MARKS)
    if kind != "ours":
        mark = None if kind == "none" else replace(wanted.mark, owner="someone")
        odd = st.sampled_from(["", ".", "..", "a/b"])
        seen = replace(seen, id=draw(st.integers(0, 3).map(lambda n: f"{kind}-{n}") | odd))
    elif draw(st.integers(0, 9)) == 0:
        seen = replace(seen, id="")
    if mark is None:
        seen = replace(seen, released=draw(st.sampled_from(["", "", b.OWNER])))
    else:
        since = draw(st.sampled_from(["", "2026-01-01T00:00:00Z"]))
        mark = replace(mark, paused=draw(PAUSED), paused_at=since)
    return replace(seen, mark=mark, read_only=draw(READ_ONLY), blocked=draw(st.booleans()))


@st.composite
def endpoints(draw: st.DrawFn, url: str) -> Endpoint:
    complete = draw(st.booleans())
    return b.endpoint(
        url,
        complete=complete,
        outcome="ok" if complete else draw(st.sampled_from(["unreachable", "invalid", "ok"])),
        ownership=draw(st.sampled_from(["adopt", "marked", "exclusive"])),
        served=draw(st.sampled_from([(), ("a", "b"), ("x/y:z",)])),
        renamed=draw(st.sampled_from([(), ("a",)])),
        excluded=draw(st.sampled_from([(), (("a", "openai/a"),)])),
        maintenance=draw(st.sampled_from([(), (), ("box",), ("other",)])),
        removal_grace=draw(st.sampled_from([0.0, 60.0])),
    )


@st.composite
def states(draw: st.DrawFn) -> States:
    chosen = {row.key: row for row in draw(st.lists(wanted_rows(), max_size=5))}
    sites = [draw(endpoints(b.BOX)), draw(endpoints(b.OTHER_BOX))]
    kept = sites[: draw(st.integers(1, 2))]
    urls = {site.url for site in kept}
    desired = b.desired(
        *(wanted for wanted in chosen.values() if wanted.key.endpoint in urls),
        endpoints=tuple(kept),
    )
    seen = {row.id: row for row in draw(st.lists(seen_rows(), max_size=6))}
    editing = draw(st.sampled_from([b.IN_PLACE, b.REMOVING, b.REPLACING]))
    inside = [row for row in seen.values() if row.key.endpoint in urls]
    outside = [row for row in seen.values() if row.key.endpoint not in urls]
    backend = draw(st.sampled_from(["box", "other"]))
    outside = [replace(row, mark=replace(row.mark, backend=backend)) for row in outside if row.mark]
    waiting = [row for row in inside if row.paused == LADDER and row.mark and row.mark.paused_at]
    overdue = frozenset(row.id for row in waiting if draw(st.booleans()))
    state = b.observed(*inside, editing=editing, strays=tuple(outside))
    return desired, replace(state, overdue=overdue)


def owned(state: ObservedState, desired: DesiredState) -> dict[Any, Any]:
    """Return, per desired key, the declared fields of every row of ours, as canonical JSON."""
    found: dict[Any, Any] = {}
    for wanted in desired.deployments:
        for seen in state.deployments:
            ours = seen.mark is not None and seen.mark.owner == b.OWNER and not seen.read_only
            if seen.key == wanted.key and ours and seen.id:
                fields = {
                    part: {name: thaw(seen.fields[part]).get(name) for name in names}
                    for part, names in wanted_of(wanted, seen).fields.items()
                }
                found.setdefault(wanted.key, []).append(canonical_json(fields))
    return found


@given(states())
def test_after_the_plan_nothing_is_left_and_what_is_ours_is_as_desired(
    pair: States,
) -> None:
    desired, observed = pair
    plan = make_plan(desired, observed)
    verify_plan(plan, desired, observed, b.SCOPE)
    after = simulate(plan, observed, b.SCOPE)
    rows = owned(after, desired)
    changed = {op.key for op in plan.operations if op.action != "delete" and is_whole(op)}
    for wanted in desired.deployments:
        if wanted.key in changed:
            fields = thaw(wanted.fields)
            if '"api_key"' not in rows[wanted.key][0]:
                assert wanted.missing_key
                del fields["litellm_params"]["api_key"]
            assert rows[wanted.key] == [canonical_json(fields)]


def is_whole(operation: Operation) -> bool:
    """Tell whether an operation sends all fields of its row."""
    return "litellm_params" in operation.row


@given(states())
def test_what_others_blocked_stays_so_and_what_is_paused_loses_no_row(pair: States) -> None:
    desired, observed = pair
    maintained = {name for site in desired.endpoints for name in site.maintenance}
    after = simulate(make_plan(desired, observed), observed, b.SCOPE)
    rows = {seen.id: seen for seen in after.deployments}
    kept = {seen.key for seen in rows.values()}
    for seen in observed.deployments:
        ours = seen.belongs_to(b.OWNER)
        if seen.blocked and seen.id in rows and not (seen.mark and seen.mark.paused):
            assert rows[seen.id].blocked
        if ours and seen.paused == DRAINED:
            assert seen.key in kept
        if ours and seen.mark and seen.mark.backend in maintained and seen.id in rows:
            site = next(site for site in desired.endpoints if site.url == seen.key.endpoint)
            able = observed.editing.pauses and is_patchable(seen.id)
            if seen.mark.backend in site.maintenance and able:
                assert rows[seen.id].blocked


@given(states(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(pair: States, order: random.Random) -> None:
    desired, observed = pair
    texts = set()
    for _ in range(3):
        texts.add(canonical_json(make_plan(desired, observed).to_json()))
        wanted, seen = list(desired.deployments), list(observed.deployments)
        order.shuffle(wanted)
        order.shuffle(seen)
        desired = replace(desired, deployments=tuple(wanted))
        observed = replace(observed, deployments=tuple(seen))
    assert len(texts) == 1


@given(states())
def test_no_operation_is_out_of_scope_or_against_the_rules(pair: States) -> None:
    desired, observed = pair
    sites = {site.url: site for site in desired.endpoints}
    rows = {seen.id: seen for seen in (*observed.deployments, *observed.strays)}
    for op in make_plan(desired, observed).operations:
        assert op.key.endpoint in sites
        touched = rows.get(op.touched)
        if touched is None:
            assert op.action == "create"
            continue
        assert not touched.read_only
        assert not touched.released
        assert touched.id
        in_place = op.action in ("update", "block", "unblock")
        assert not in_place or touched.id not in (".", "..", "a/b")
        assert touched.mark is None or touched.mark.owner == b.OWNER
        ownership = sites[op.key.endpoint].ownership
        if touched.mark is None:
            assert ownership == "exclusive" or (ownership == "adopt" and op.action != "delete")
        if op.takes_away and op.reason == "surplus":
            assert sites[op.key.endpoint].complete
        if op.action == "delete" and op.reason == "surplus" and touched.mark:
            is_due = touched.paused == LADDER and touched.id in observed.overdue
            assert is_due or not sites[op.key.endpoint].removal_grace


@given(states())
def test_no_key_is_overwritten_that_we_do_not_have(pair: States) -> None:
    desired, observed = pair
    unknown = {wanted.key for wanted in desired.deployments if wanted.missing_key}
    rows = {seen.id: seen for seen in (*observed.deployments, *observed.strays)}
    for op in make_plan(desired, observed).operations:
        touched = rows.get(op.touched)
        if touched is not None and op.key in unknown and touched.mark is None:
            assert op.action != "replace"
            assert not is_whole(op) or "api_key" not in op.row["litellm_params"]


@given(states())
def test_every_row_is_an_operation_a_skip_or_unchanged(pair: States) -> None:
    desired, observed = pair
    plan = make_plan(desired, observed)
    operated = [op.touched for op in plan.operations]
    assert len(operated) == len(set(operated))
    skipped = {skip.id for skip in plan.skips}
    wanted = {row.key for row in desired.deployments}
    for seen in observed.deployments:
        in_place = seen.id in operated or seen.id in skipped
        assert in_place or seen.key in wanted
    assert skipped.isdisjoint(operated)


def parts(operation: Operation) -> list[Plan]:
    """Return the single writes of an operation: a replace is a create, then a delete."""
    if operation.action != REPLACE:
        return [Plan((operation,))]
    create = replace(operation, action="create", replaces="")
    delete = replace(operation, action="delete", id=operation.replaces, replaces="")
    return [Plan((create,)), Plan((delete,))]


@given(states(), st.integers(0, 20))
def test_a_kill_between_any_two_writes_still_converges(pair: States, survived: int) -> None:
    desired, observed = pair
    start = observed
    writes = [part for op in make_plan(desired, observed).operations for part in parts(op)]
    for write in writes[:survived]:
        observed = simulate(write, observed, b.SCOPE)
    rest = make_plan(desired, observed)
    verify_plan(rest, desired, observed, b.SCOPE)
    after = simulate(rest, observed, b.SCOPE)
    for key, rows in owned(after, desired).items():
        ours = [s for s in after.deployments if s.key == key and s.id and not s.read_only]
        assert len([s for s in ours if s.mark and s.mark.owner == b.OWNER]) <= 1, rows
    undisturbed = simulate(make_plan(desired, start), start, b.SCOPE)
    assert count_unmarked(after) == count_unmarked(undisturbed)


def count_unmarked(state: ObservedState) -> int:
    return len([seen for seen in state.deployments if seen.mark is None])


@given(states())
def test_no_public_name_loses_its_last_deployment_on_the_way(pair: States) -> None:
    desired, observed = pair
    plan = make_plan(desired, observed)
    names = {row.key.name for row in desired.deployments}
    offered = {row.key.name for row in observed.deployments} & names
    for operation in plan.operations:
        for write in parts(operation):
            observed = simulate(write, observed, b.SCOPE)
            assert offered <= {row.key.name for row in observed.deployments}


@given(states())
@settings(max_examples=examples(50))
def test_a_plan_fits_its_schema_and_survives_json(pair: States) -> None:
    plan = make_plan(*pair)
    document = json.loads("".join(plan.iter_json()))
    validate(document, "plan")
    assert Plan.from_json(document) == plan
    assert Plan.from_json(document).digest == plan.digest


@given(states(), st.sampled_from([None, 1, 2]))
@settings(max_examples=examples(50))
def test_the_text_of_a_plan_is_what_json_dumps_writes(pair: States, indent: int | None) -> None:
    plan = make_plan(*pair)
    document = plan.to_json()
    assert "".join(plan.iter_json(indent=indent)) == json.dumps(document, indent=indent)
    del document["skips"], document["endpoints"], document["checksum"]
    assert "".join(plan.iter_json(indent=indent, whole=False)) == json.dumps(
        document, indent=indent
    )


def test_the_plan_is_the_same_under_any_hash_seed() -> None:
    program = (
        "from tests import builders as b; from engine.plan.planner import make_plan\n"
        "import json\n"
        "after = {'tags': ['p', 'q'], 'extra': {'x': 1, 'y': 2}}\n"
        "before = {'extra': {'z': 2}, 'u': 1, 'v': 2}\n"
        "new = [b.wanted(n, params=after) for n in 'abcd']\n"
        "old = [b.as_seen(b.wanted(n, params=before)) for n in 'bcde']\n"
        "print(json.dumps(make_plan(b.desired(*new), b.observed(*old)).to_json()))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1
