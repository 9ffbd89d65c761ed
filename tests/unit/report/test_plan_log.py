"""The plan log and the plan artifacts."""

from __future__ import annotations

import io
import json
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.apply.result import Result
from engine.errors import Unrecorded
from engine.plan.plan import Plan
from engine.plan.planner import make_plan
from engine.report.artifacts import Artifacts, write_atomically
from engine.report.news import find_changes
from engine.report.plan_log import PlanLog
from engine.validate import validate
from tests import builders as b

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """A clock that advances one second with each call."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def plan_with(*names: str, complete: bool = True) -> Plan:
    site = b.endpoint(complete=complete, outcome="ok" if complete else "unreachable")
    state = b.desired(*(b.wanted(name) for name in names), endpoints=(site,))
    return make_plan(state, b.observed(b.as_seen(b.wanted("gone"))))


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        validate(line, "planlog")
    return lines


def test_every_line_matches_the_schema() -> None:
    stream = io.StringIO()
    log = PlanLog(stream, Clock())
    plan = plan_with("a", "b")
    log.plan(plan, b.desired())
    results = tuple(Result(op, "applied") for op in plan.operations)
    for result in results:
        log.result(result)
    log.end(plan, results, {b.BOX: "ok"}, 0.25)
    log.failed("LiteLLM does not answer", 1.0)
    lines = lines_of(stream)
    assert [line["event"] for line in lines] == [
        "plan", "result", "result", "result", "cycle", "cycle",
    ]  # fmt: skip
    assert [line["cycle"] for line in lines] == [1, 1, 1, 1, 1, 2]
    assert lines[4]["results"]["applied"] == 3
    assert lines[5]["ok"] is False


def test_a_skip_is_written_when_it_is_new_and_not_again_while_it_stays() -> None:
    stream = io.StringIO()
    log = PlanLog(stream, Clock())
    for complete in (False, False, True, False):
        log.plan(plan_with(complete=complete), b.desired())
    events = [line["event"] for line in lines_of(stream)]
    assert events == ["skip", "plan", "skip"]


def test_a_failed_operation_makes_the_cycle_not_ok() -> None:
    stream = io.StringIO()
    log = PlanLog(stream, Clock())
    plan = plan_with("a")
    log.plan(plan, b.desired())
    log.end(plan, (Result(plan.operations[0], "failed", "no"),), {}, 0.1)
    assert lines_of(stream)[-1]["ok"] is False


def test_a_change_of_a_backend_is_a_line_here_and_in_the_operator_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = io.StringIO()
    log = PlanLog(stream, Clock())
    log.plan(Plan(), b.desired())
    down = b.status(outcome="unreachable", detail="connection refused", models=0)
    (change,) = find_changes([down], {"box": b.status()})
    log.endpoint(change)
    (line,) = lines_of(stream)
    assert [line[name] for name in ("event", "backend", "endpoint", "outcome", "before")] == [
        "endpoint", "box", b.BOX, "unreachable", "ok",
    ]  # fmt: skip
    assert line["detail"] == "connection refused"
    assert line["remedy"]
    assert caplog.messages == [
        f"box ({b.BOX}) cannot be reached: connection refused. Remedy: {line['remedy']}"
    ]


def test_the_end_of_a_cycle_names_each_backend_and_whether_all_could_be_asked() -> None:
    stream = io.StringIO()
    log = PlanLog(stream, Clock())
    statuses = b.status("box"), b.status("twin", "unreachable")
    for answers, worst in ((statuses, "unreachable"), (statuses[:1], "ok")):
        log.plan(Plan(), b.desired())
        log.end(Plan(endpoints=answers), (), {b.BOX: worst}, 0.1)
    degraded, whole = lines_of(stream)
    assert degraded["backends"] == {"box": "ok", "twin": "unreachable"}
    assert degraded["degraded"] is True
    assert whole["degraded"] is False


def test_a_line_is_redacted_before_it_is_written() -> None:
    stream = io.StringIO()
    PlanLog(stream, Clock(), lambda text: text.replace("hunter2", "***")).failed("hunter2", 0.1)
    assert "hunter2" not in stream.getvalue()


def test_an_artifact_is_written_only_when_the_plan_is_new(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "new" / "folder", clock=Clock())
    first = artifacts.write(plan_with("a"))
    assert first is not None
    assert Plan.from_json(json.loads(first.read_text())) == plan_with("a")
    assert artifacts.write(plan_with("a")) is None
    assert artifacts.write(plan_with("b")) is not None


def test_an_artifact_is_written_when_a_backend_answers_otherwise(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path, clock=Clock())
    for status in (
        b.status(),
        b.status("box", "empty"),
        b.status("box", "empty", detail="other words"),
        b.status(answered=False),
    ):
        artifacts.write(Plan(endpoints=(status,)))
    written = [json.loads(path.read_text()) for path in sorted(tmp_path.iterdir())]
    assert [plan["endpoints"][0]["outcome"] for plan in written] == ["ok", "empty", "ok"]
    assert len({plan["digest"] for plan in written}) == 1


def test_only_the_newest_artifacts_are_kept(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path, keep=3, clock=Clock())
    (tmp_path / "not-ours.json").write_text("{}")
    written = [artifacts.write(plan_with(f"m{number}")) for number in range(6)]
    left = sorted(path.name for path in tmp_path.glob("plan-*"))
    assert left == [path.name for path in written[3:] if path]
    assert (tmp_path / "not-ours.json").exists()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "half \ud800")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_log_that_cannot_be_written_raises_unrecorded() -> None:
    with open("/dev/full", "w", buffering=1) as full:  # noqa: PTH123 - a device
        log = PlanLog(full, Clock())
        with pytest.raises(Unrecorded, match=r"no space left on device.*Remedy: check where"):
            log.failed("LiteLLM does not answer", 1.0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


def test_only_files_with_our_exact_name_are_deleted(tmp_path: Path) -> None:
    others = ["plan-b.json", "plan-2020.json", "plan-20200101T000000.000000Z-0123456789ab.json.bak"]
    for name in others:
        (tmp_path / name).write_text("theirs")
    ours = tmp_path / "plan-20200101T000000.000000Z-0123456789ab.json"
    ours.write_text("old")
    link = tmp_path / "plan-20190101T000000.000000Z-0123456789ab.json"
    link.symlink_to("plan-b.json")
    Artifacts(tmp_path, keep=1, clock=Clock()).write(plan_with("a"))
    assert not ours.exists()
    assert link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} >= set(others)


def test_a_long_apply_tells_from_time_to_time_how_far_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    log = PlanLog(io.StringIO(), Clock())
    plan = plan_with(*(f"m{number:02}" for number in range(39)))
    log.plan(plan, b.desired())
    for operation in plan.operations:
        log.result(Result(operation, "applied"))
    assert caplog.messages == [
        "15 of 40 operations done, about 52 s left",
        "30 of 40 operations done, about 20 s left",
    ]
