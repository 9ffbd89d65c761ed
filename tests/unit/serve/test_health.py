"""What the probes of a running loop are answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.parser import make_parser
from engine.run.heartbeat import longest_silence
from tests.fleet import Fleet, running_fleet
from tests.served import running_loop


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        yield running


def test_a_loop_is_alive_from_its_start_and_ready_after_its_first_cycle(fleet: Fleet) -> None:
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        alive, ready = loop.ask("/healthz"), loop.ask("/readyz")
    assert (alive.status, ready.status) == (200, 200)
    assert alive.text == "last sign of life 0 s ago\n"
    assert ready.text == "ready: a cycle has ended\n"


def test_a_loop_whose_litellm_refuses_it_is_alive_but_not_ready_and_says_why(fleet: Fleet) -> None:
    (fleet.folder / "litellm").write_text("sk-of-nobody")
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        alive, ready = loop.ask("/healthz"), loop.ask("/readyz")
        (fleet.folder / "litellm").write_text("sk-fleet-master-key")
        loop.cycle()
        repaired = loop.ask("/readyz")
    assert (alive.status, ready.status, repaired.status) == (200, 503, 200)
    assert "HTTP 401" in ready.text
    assert "sk-of-nobody" not in ready.text


def test_a_loop_without_a_sign_of_life_for_too_long_is_stuck(fleet: Fleet) -> None:
    with running_loop(fleet, max_silence=1e-9) as loop:
        stuck = loop.ask("/healthz")
    assert stuck.status == 503
    assert stuck.text.startswith("stuck: last sign of life 0 s ago, more than 0 s; look at the log")


def test_a_loop_that_stands_by_is_ready_if_it_is_known_who_leads(fleet: Fleet) -> None:
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        loop.schedule.term = lambda: 0
        told = loop.ask("/readyz")
        loop.schedule.doubt = lambda: "get lease: HTTP 403"
        doubted, alive = loop.ask("/readyz"), loop.ask("/healthz")
    assert (told.status, told.text) == (200, "ready: standing by, another one leads\n")
    assert (doubted.status, alive.status) == (503, 200)
    assert doubted.text.endswith("it is not known who leads: get lease: HTTP 403\n")


def test_a_loop_that_stands_by_tells_no_figures_of_its_earlier_cycles(fleet: Fleet) -> None:
    """An alert about what it saw last would fire for ever."""
    fleet.box.stop()
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        leading = loop.ask("/metrics").text
        loop.schedule.term = lambda: 0
        standing_by = loop.ask("/metrics").text
    fleet.box.start()
    assert "\nmodelprovisioner_leader 1.0" in leading
    assert 'modelprovisioner_backend_up{backend="box"} 0.0' in leading
    assert "\nmodelprovisioner_last_cycle_successful 1.0" in leading
    assert "\nmodelprovisioner_leader 0.0" in standing_by
    assert "\nmodelprovisioner_backend_up{" not in standing_by
    assert "\nmodelprovisioner_last_cycle_successful " not in standing_by
    assert 'modelprovisioner_cycles_total{result="ok"} 1.0' in standing_by


def test_the_limit_follows_from_the_longest_wait_between_cycles() -> None:
    assert [longest_silence(interval) for interval in (1, 60, 300)] == [600, 600, 600]
    assert longest_silence(3600) == 3600 * 1.1 + 270
    alive = make_parser().parse_args(["alive", "--heartbeat", "x"])
    assert alive.max_age == longest_silence(60), "a probe by the file decides in the same way"
