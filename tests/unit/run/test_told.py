"""What a loop tells of its configuration and of its backends: once, when it is new."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.reconcile import Ports
from engine.report.plan_log import PlanLog
from engine.run.loop import ConfigSource, Schedule, reconcile_forever
from engine.transport.client_pool import Http
from engine.validate import validate
from tests.fleet import Fleet, running_fleet
from tests.quick import QUICK

Json = dict[str, Any]


@pytest.fixture
def fleet(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Fleet]:
    caplog.set_level(logging.INFO)
    with running_fleet(tmp_path, "a") as running:
        yield running


def run_cycles(fleet: Fleet, *steps: Callable[[], object]) -> list[Json]:
    """Run one cycle more than there are steps, one step after each; return the plan log."""
    stream = io.StringIO()
    left = list(steps)

    def beat() -> None:
        if json.loads(stream.getvalue().splitlines()[-1])["event"] != "cycle":
            return  # an operation has ended, not a cycle
        if left:
            left.pop(0)()
        else:
            ports.stop.set()
        schedule.wake.set()

    schedule = Schedule(60.0)
    ports = Ports(PlanLog(stream), http=Http(QUICK), beat=beat)
    reconcile_forever(ConfigSource(fleet.folder / "config.yaml", fleet.folder), schedule, ports)
    lines = [json.loads(text) for text in stream.getvalue().splitlines()]
    for line in lines:
        validate(line, "planlog")
    return lines


def select(lines: list[Json], event: str) -> list[Json]:
    return [line for line in lines if line["event"] == event]


def wait() -> None:
    """Let a cycle pass in which nothing changes."""


def test_a_backend_that_dies_and_comes_back_is_told_once_each_time(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    lines = run_cycles(fleet, fleet.box.stop, wait, fleet.box.start, wait)
    told = select(lines, "endpoint")
    assert [(line["cycle"], line["before"], line["outcome"]) for line in told] == [
        (2, "ok", "unreachable"),
        (4, "unreachable", "ok"),
    ]
    cycles = select(lines, "cycle")
    assert [line["degraded"] for line in cycles] == [False, True, True, False, False]
    assert [line["backends"]["box"] for line in cycles][:2] == ["ok", "unreachable"]
    logged = [record for record in caplog.records if record.message.startswith("box")]
    assert [record.levelname for record in logged] == ["WARNING", "INFO"]


def test_a_wrong_key_is_told_in_the_first_cycle_and_the_right_one_when_it_works(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.box.key = "sk-right-key"
    key_file = fleet.folder / "box"
    key_file.write_text("sk-wrong-key")
    lines = run_cycles(fleet, wait, lambda: key_file.write_text("sk-right-key"), wait)
    told = [(line["cycle"], line["outcome"]) for line in select(lines, "endpoint")]
    assert told == [(1, "unauthorised"), (3, "ok")]
    refused, changed, back = caplog.messages
    assert "needs a valid key" in refused
    assert changed == "key of box changed"
    assert "is back: 1 model" in back
    assert "sk-" not in caplog.text + json.dumps(lines)


def test_a_filter_that_matches_nothing_is_told_once(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.configure("filter_regex: ^nothing$")
    lines = run_cycles(fleet, wait)
    (told,) = select(lines, "endpoint")
    assert told["unmatched"] == ["filter_regex: ^nothing$"]
    assert (told["models"], told["filtered"]) == (1, 1)
    assert len(caplog.messages) == 1
    assert "filter_regex '^nothing$' does not match its only model" in caplog.text


def test_the_log_says_what_changed_in_the_configuration_and_whose_key(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    source = ConfigSource(fleet.folder / "config.yaml", fleet.folder)

    def load() -> list[str]:
        caplog.clear()
        source.load()
        return caplog.messages

    assert load() == []
    assert load() == []
    fleet.configure("exclude_regex: x")
    assert load() == ["configuration reloaded: changed box"]
    fleet.configure("exclude_regex: x", "owner: other")
    assert load() == ["configuration reloaded"]
    (fleet.folder / "box").write_text("sk-box-secret")
    (fleet.folder / "litellm").write_text("sk-litellm-secret")
    assert load() == ["key of LiteLLM changed", "key of box changed"]
    assert load() == []
    with (fleet.folder / "config.yaml").open("a") as file:
        file.write("  - {name: twin, url: 'http://twin:1'}\n")
    assert load() == ["configuration reloaded: added twin"]
    fleet.configure("nonsense: 1")
    load()
    fleet.configure("exclude_regex: x", "owner: other")
    assert load() == ["configuration reloaded: removed twin", "the configuration is valid again"]


def test_each_warning_of_the_configuration_is_a_line_of_its_own(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    source = ConfigSource(fleet.folder / "config.yaml", fleet.folder)
    fleet.configure("type: opnai, model_format: fixed", top="owner: x\nowner: y")
    source.load()
    source.load()
    assert len(caplog.messages) >= 3
    assert all("\n" not in message for message in caplog.messages)
    assert len(set(caplog.messages)) == len(caplog.messages)
