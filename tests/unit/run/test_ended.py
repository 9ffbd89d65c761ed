"""What a watcher of the loop learns of each cycle, and what several receivers of its events do."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.reconcile import Options, Ports
from engine.report.fan_out import FanOut
from engine.report.plan_log import PlanLog
from engine.run.ended import Ended
from engine.run.loop import ConfigSource, Schedule, reconcile_forever
from engine.transport.client_pool import Http
from tests.fleet import Fleet, running_fleet
from tests.quick import QUICK

A_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        yield running


def watch_cycles(
    fleet: Fleet, ports: Ports, *steps: Callable[[], object], options: Options | None = None
) -> list[Ended]:
    """Run one cycle more than there are steps, one step after each."""
    ended: list[Ended] = []
    left = list(steps)
    schedule = Schedule(60.0)

    def watch(cycle: Ended) -> None:
        ended.append(cycle)
        if left:
            left.pop(0)()
        else:
            ports.stop.set()
        schedule.wake.set()

    source = ConfigSource(fleet.folder / "config.yaml", fleet.folder)
    reconcile_forever(source, schedule, ports, options or Options(), watch)
    return ended


def wrong_key(fleet: Fleet) -> Callable[[], object]:
    return lambda: (fleet.folder / "litellm").write_text("sk-of-nobody")


def test_each_cycle_is_told_with_its_report_or_its_error_and_when_the_next_is_due(
    fleet: Fleet,
) -> None:
    ports = Ports(PlanLog(None), http=Http(QUICK))
    first, second, third = watch_cycles(fleet, ports, lambda: None, wrong_key(fleet))
    assert first.report is not None
    assert len(first.report.results) == 2
    assert second.report is not None
    assert second.report.plan.operations == ()
    assert [first.ok, second.ok, third.ok] == [True, True, False]
    assert third.report is None
    assert "HTTP 401" in third.error
    assert first.begun < second.begun < third.begun
    pause = first.due - first.begun - timedelta(seconds=first.seconds)
    assert timedelta(seconds=50) < pause < timedelta(seconds=70)
    assert third.due - third.begun > timedelta(seconds=100)  # after a failure it waits longer


def test_a_dry_run_says_so(fleet: Fleet) -> None:
    ports = Ports(PlanLog(None), http=Http(QUICK))
    (only,) = watch_cycles(fleet, ports, options=Options(dry_run=True))
    assert only.dry_run
    assert only.report is not None
    assert (len(only.report.plan.operations), only.report.results) == (2, ())


def test_all_receivers_of_events_get_all_of_them(fleet: Fleet) -> None:
    streams = io.StringIO(), io.StringIO()
    log = FanOut(*(PlanLog(stream, lambda: A_TIME) for stream in streams))
    watch_cycles(fleet, Ports(log, http=Http(QUICK)), fleet.box.stop, wrong_key(fleet))
    one, other = (stream.getvalue() for stream in streams)
    assert one == other
    for event in ("plan", "result", "endpoint", "cycle"):
        assert f'"event": "{event}"' in one
    assert "HTTP 401" in one
