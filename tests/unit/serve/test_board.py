"""What the board keeps of the cycles: what happened, bounded, and nothing of quiet ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.apply.result import APPLIED, FAILED, NOT_ATTEMPTED, Result
from engine.plan.plan import CREATE, UPDATE, Operation, Plan, Skip
from engine.reconcile import Options, Report
from engine.report.news import Change
from engine.run.ended import Ended
from engine.run.loop import ConfigState
from engine.serve.board import MAX_PAST, Board
from engine.serve.past import MAX_TOLD
from engine.state.deployment import DesiredState, Key
from engine.state.endpoint_status import EndpointStatus
from engine.state.field_change import FieldChange
from engine.state.frozen import freeze
from tests.fleet import Fleet, running_fleet
from tests.served import running_loop

START = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = DesiredState("me", ())
UP = EndpointStatus("gpu1", "http://gpu1:1", "ok", answered=True, models=1)
DOWN = replace(UP, outcome="unreachable", answered=False)


class Clock:
    """One minute later at each look."""

    def __init__(self) -> None:
        self.minutes = 0

    def __call__(self) -> datetime:
        self.minutes += 1
        return START + timedelta(minutes=self.minutes)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        yield running


def board() -> Board:
    return Board(ConfigState, 600.0, Clock())


def operation(number: int, action: str = CREATE) -> Operation:
    key = Key("http://gpu1:1", f"m{number:05}", "openai/m")
    row = freeze({"model_name": key.name, "litellm_params": {"model": "openai/m"}})
    return Operation(action, key, f"id-{number}", "missing", "b" * 1000, row, before=row)


def show(on: Board, plan: Plan, results: tuple[Result, ...] = (), error: str = "") -> None:
    """Let a cycle with a plan, or with an error, happen."""
    if not error:
        on.plan(plan, NOTHING)
        for result in results:
            on.result(result)
    report = None if error else Report(plan, NOTHING, results)
    on.ended(Ended(report, error, START, 1.5, START + timedelta(minutes=1)))


def test_a_loop_fills_the_board(fleet: Fleet) -> None:
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        first = loop.board.snapshot()
        second = loop.cycle()
        fleet.box.models.append("c")
        third = loop.cycle()
    assert first.config.generation == 1
    assert first.good is first.last
    assert first.progress is None
    assert [past.planned for past in first.past] == [{"create": 2}]
    assert second.past == first.past, "a quiet cycle is not kept"
    assert second.last is not first.last
    assert [past.planned for past in third.past] == [{"create": 1}, {"create": 2}]
    (told,) = third.past[0].told
    assert (told.operation.key.name, told.outcome) == ("c", APPLIED)
    assert third.plan is not None
    assert third.past[0].digest == third.plan.digest
    assert third.counts.operations == {(CREATE, APPLIED): 3}
    assert third.counts.cycles == {"ok": 3}
    assert sum(third.counts.durations) == 3
    assert third.counts.seconds > 0


def test_a_dry_run_has_operations_without_an_outcome(fleet: Fleet) -> None:
    with running_loop(fleet, Options(dry_run=True)) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        seen = loop.board.snapshot()
    (past,) = seen.past
    assert past.dry_run
    assert [(told.operation.key.name, told.outcome) for told in past.told] == [("a", ""), ("b", "")]
    assert past.outcomes == {}
    assert seen.counts.operations == {}


def test_an_outage_is_news_when_it_begins_and_when_it_ends(fleet: Fleet) -> None:
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        up = loop.cycle().listed["box"]
        fleet.box.stop()
        down = loop.cycle()
        still = loop.cycle()
        fleet.box.start()
        back = loop.cycle()
    assert len(down.past) == len(still.past) == 2
    (change,) = still.past[0].changes
    assert (change.before, change.status.outcome) == ("ok", "unreachable")
    assert still.past[0].skips == {"incomplete": 2}
    assert up == down.listed["box"] == still.listed["box"] < back.listed["box"]
    assert len(back.past) == 3


def test_an_error_is_news_once_and_the_last_good_cycle_stays(fleet: Fleet) -> None:
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        good = loop.board.snapshot().good
        (fleet.folder / "litellm").write_text("sk-of-nobody")
        first, second = loop.cycle(), loop.cycle()
        (fleet.folder / "litellm").write_text("sk-fleet-master-key")
        repaired = loop.cycle()
    assert second.good is good
    assert second.last is not good
    assert second.config.generation == 2
    assert [bool(past.error) for past in second.past] == [True, False]
    assert len(first.past) == 2
    assert [bool(past.error) for past in repaired.past] == [False, True, False]
    assert repaired.counts.cycles == {"ok": 2, "failed": 2}


def test_a_configuration_that_is_wrong_is_told_and_the_last_good_one_stays(fleet: Fleet) -> None:
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        fleet.configure("nonsense: 1")
        wrong = loop.cycle().config
        fleet.configure()
        right = loop.cycle().config
        fleet.configure("filter_regex: a")
        other = loop.cycle().config
    assert "nonsense" in wrong.problem
    assert wrong.config is not None
    assert (wrong.generation, right.generation, other.generation) == (1, 1, 2)
    assert right.problem == other.problem == ""
    assert wrong.since == right.since
    assert other.since != right.since


def test_what_is_carried_out_is_in_progress_until_the_cycle_ends() -> None:
    seen = board()
    plan = Plan((operation(1), operation(2)), endpoints=(UP,))
    seen.plan(plan, NOTHING)
    seen.result(Result(plan.operations[0], APPLIED))
    progress = seen.snapshot().progress
    assert progress is not None
    assert (progress.total, progress.outcomes) == (2, {APPLIED: 1})
    assert [result.operation for result in progress.latest] == [plan.operations[0]]
    seen.ended(Ended(Report(plan, NOTHING), "", START, 1.0, START))
    assert seen.snapshot().progress is None


def test_a_huge_plan_leaves_a_bounded_memory_with_what_failed() -> None:
    seen = board()
    operations = tuple(map(operation, range(1000)))
    outcomes = [FAILED if number == 900 else APPLIED for number in range(1000)]
    show(seen, Plan(operations), tuple(map(Result, operations, outcomes)))
    (past,) = seen.snapshot().past
    assert past.planned == {CREATE: 1000}
    assert past.outcomes == {APPLIED: 999, FAILED: 1}
    assert len(past.told) == MAX_TOLD
    assert past.told[-1].outcome == FAILED
    names = [told.operation.key.name for told in past.told]
    assert names == sorted(names)
    assert all(told.operation.row == told.operation.before == {} for told in past.told)
    assert max(len(told.operation.because) for told in past.told) < 400


def test_long_values_and_many_fields_of_a_change_are_cut() -> None:
    seen = board()
    long = freeze({"a": ["x" * 100] * 1000})
    fields = [FieldChange("replace", f"/model_info/f{n}", "y" * 1000, long) for n in range(100)]
    fields[:2] = [FieldChange("add", "/model_info/n", None, 5), FieldChange("remove", "/x/y", True)]
    one = replace(operation(1, UPDATE), changes=tuple(fields))
    show(seen, Plan((one,)), (Result(one, FAILED, "z" * 1000),))
    (told,) = seen.snapshot().past[0].told
    changes = told.operation.changes
    assert len(changes) == 20
    assert changes[:2] == tuple(fields[:2])
    assert all(len(str(change.after)) < 400 and len(str(change.before)) < 400 for change in changes)
    assert len(told.detail) < 400


def test_only_the_last_cycles_with_news_are_kept() -> None:
    seen = board()
    for number in range(MAX_PAST + 5):
        show(seen, Plan((operation(number),)))
    past = seen.snapshot().past
    assert len(past) == MAX_PAST
    assert past[0].told[0].operation.key.name == f"m{MAX_PAST + 4:05}"


def test_a_stop_that_interrupts_a_cycle_is_no_cycle() -> None:
    seen = board()
    seen.ended(Ended(None, "", START, 1.0, START))
    assert seen.snapshot().last is None


def test_skips_are_news_when_there_are_more_or_fewer_for_a_reason() -> None:
    seen = board()
    held = Skip("delete", Key("http://gpu1:1", "m", "openai/m"), "id-1", "held", "14 min left")
    show(seen, Plan())
    show(seen, Plan(skips=(held,)))
    show(seen, Plan(skips=(replace(held, because="13 min left"),)))
    show(seen, Plan())
    assert [past.skips for past in seen.snapshot().past] == [{}, {"held": 1}]


def test_a_backend_that_left_the_configuration_is_forgotten() -> None:
    seen = board()
    show(seen, Plan(endpoints=(UP, replace(UP, backend="gpu2"))))
    show(seen, Plan(endpoints=(DOWN,)))
    listed = seen.snapshot().listed
    assert listed.keys() == {"gpu1"}
    show(seen, Plan(endpoints=(DOWN, replace(DOWN, backend="gpu2"))))
    assert seen.snapshot().listed == listed


def test_a_long_text_about_a_backend_is_cut() -> None:
    seen = board()
    loud = replace(DOWN, detail="d" * 5000, unmatched=("u" * 5000,) * 100)
    seen.plan(Plan(endpoints=(loud,)), NOTHING)
    for _ in range(100):
        seen.endpoint(Change(loud, "ok", answer=True, unmatched=loud.unmatched))
    seen.ended(Ended(Report(Plan(endpoints=(loud,)), NOTHING), "", START, 1.0, START))
    (past,) = seen.snapshot().past
    assert len(past.changes) == MAX_TOLD
    assert len(repr(past.changes[0])) < 5000


def test_operations_that_were_not_attempted_count_as_an_unfinished_cycle() -> None:
    seen = board()
    one = operation(1)
    show(seen, Plan((one,)), (Result(one, NOT_ATTEMPTED),))
    assert seen.snapshot().counts.cycles == {"unfinished": 1}
