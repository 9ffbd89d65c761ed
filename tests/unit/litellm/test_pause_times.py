"""When a pause has lasted long enough, by two clocks of which each may be wrong."""

from __future__ import annotations

import time
from dataclasses import replace
from email.utils import formatdate

import pytest

from engine.litellm.pause_times import Dated, Now, now_by, stamp_of, with_overdue
from engine.state.deployment import ObservedState
from engine.state.mark import LADDER
from tests import builders as b
from tests.unit.plan.test_pauses import paused

AT = 1767225600.0
SINCE = "2026-01-01T00:00:00Z"


def by(now: float) -> Now:
    return Now(now, now)


def clock(offset: float) -> Dated:
    return formatdate(time.time() + offset, usegmt=True), time.monotonic()


def state(since: str, why: str = LADDER) -> ObservedState:
    seen = paused(b.as_seen(b.wanted("a")), why)
    assert seen.mark
    return b.observed(replace(seen, mark=replace(seen.mark, paused_at=since)))


@pytest.mark.parametrize(("passed", "due"), [(0, False), (59, False), (60, True), (9999, True)])
def test_a_row_is_due_once_its_grace_is_over(passed: float, *, due: bool) -> None:
    observed = state(SINCE)
    after = with_overdue(observed, {b.BOX: 60.0}, by(AT + passed))
    assert bool(after.overdue) is due
    assert due or after is observed


@pytest.mark.parametrize("now", [None, AT - 3600])
def test_without_a_time_or_with_a_clock_set_back_nothing_is_due(now: float | None) -> None:
    observed = state(SINCE)
    assert with_overdue(observed, {b.BOX: 60.0}, by(now) if now else None) is observed


@pytest.mark.parametrize("text", ["soon", "2026-01-01T00:00:00", "2099-01-01T00:00:00Z"])
def test_what_cannot_be_the_time_of_a_pause_is_taken_out(text: str) -> None:
    (seen,) = with_overdue(state(text), {b.BOX: 60.0}, by(AT + 9999)).deployments
    assert seen.mark
    assert (seen.paused, seen.mark.paused_at) == (LADDER, "")


def test_rows_of_others_and_other_pauses_are_never_due() -> None:
    late = by(AT + 9999)
    for observed in (state(SINCE, "drained"), replace(state(SINCE), owner="someone")):
        assert with_overdue(observed, {b.BOX: 60.0}, late) is observed
    assert with_overdue(state(SINCE), {}, late).overdue == frozenset()


@pytest.mark.parametrize("offset", [-86400.0, 0.0, 86400.0])
def test_of_two_clocks_the_one_counts_that_makes_a_row_stay_longer(offset: float) -> None:
    theirs, ours = time.time() + offset, time.time()
    now = now_by(clock(offset))
    assert now is not None
    assert now.earlier == pytest.approx(min(theirs, ours), abs=2)
    assert now.later == pytest.approx(max(theirs, ours), abs=2)
    written = state(stamp_of(clock(offset)))
    assert with_overdue(written, {b.BOX: 0.0}, by(now.later + 5)).overdue
    assert not with_overdue(written, {b.BOX: 0.0}, by(now.later - 2)).overdue
    assert with_overdue(written, {b.BOX: 60.0}, now) is written


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Foo 2026 00:00:00 GMT"])
def test_a_server_that_tells_no_time_makes_nothing_due(date: str) -> None:
    assert now_by((date, 0.0)) is None
    assert stamp_of((date, 0.0)) >= SINCE
