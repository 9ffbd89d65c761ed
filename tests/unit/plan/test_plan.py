"""A plan as a document."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.plan.plan import FieldChange, Plan
from engine.plan.planner import make_plan
from tests import builders as b


@pytest.mark.parametrize(
    ("change", "document"),
    [
        (FieldChange("add", "/p", after=1), {"op": "add", "path": "/p", "value": 1}),
        (FieldChange("remove", "/p", 1), {"op": "remove", "path": "/p", "was": 1}),
        (
            FieldChange("replace", "/p", (1,), None),
            {"op": "replace", "path": "/p", "value": None, "was": [1]},
        ),
    ],
)
def test_a_change_is_written_with_what_it_needs_and_no_more(
    change: FieldChange, document: dict[str, object]
) -> None:
    assert change.to_json() == document
    assert FieldChange.from_json(document) == change


def test_the_summary_counts_each_action_and_the_skips() -> None:
    state = b.desired(b.wanted("a"), b.wanted("b"), b.wanted("c", params={"rpm": 1}))
    stray = b.as_seen(b.wanted("old", endpoint=b.OTHER_BOX))
    seen = [b.as_seen(b.wanted("c")), b.as_seen(b.wanted("d"))]
    plan = make_plan(state, b.observed(*seen, strays=(stray,)))
    assert plan.summary == {"create": 2, "update": 1, "replace": 0, "delete": 1, "skip": 1}


def test_the_digest_follows_what_is_done_but_not_its_wording() -> None:
    site = b.endpoint(complete=False, outcome="unreachable")
    observed = b.observed(b.as_seen(b.wanted("gone")))
    plan = make_plan(b.desired(b.wanted("a"), endpoints=(site,)), observed)
    reworded = Plan(
        tuple(replace(operation, because="other words") for operation in plan.operations),
        tuple(replace(skip, because="other words") for skip in plan.skips),
    )
    assert reworded.digest == plan.digest
    assert len({plan.digest, replace(plan, skips=()).digest, Plan().digest}) == 3


def test_the_digest_of_a_plan_is_computed_once() -> None:
    plan = make_plan(b.desired(b.wanted("a")), b.observed())
    assert plan.digest is plan.digest
