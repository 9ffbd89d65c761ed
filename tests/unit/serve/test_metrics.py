"""What Prometheus is told by a running loop, in its own format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine import __version__
from engine.apply.result import OUTCOMES
from engine.fakes.server import Fault
from engine.plan.plan import ACTIONS
from tests.fleet import Fleet, running_fleet
from tests.served import Loop, running_loop

LABELS = {"action", "backend", "outcome", "reason", "result", "state", "version", "le"}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "model-one", "model-two") as running:
        yield running


@pytest.fixture
def loop(fleet: Fleet) -> Iterator[Loop]:
    with running_loop(fleet) as running:
        running.wait_until(lambda seen: seen.last is not None)
        yield running


class Metrics:
    """The samples of one answer, without the prefix of their names."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float | None:
        """Return the value of a sample; None if there is none."""
        full = f"modelprovisioner_{name}"
        found = [s.value for s in self.samples if s.name == full and s.labels == labels]
        assert len(found) <= 1
        return found[0] if found else None

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Return the values of a metric that are not 0, by one label."""
        full, more = f"modelprovisioner_{name}", labels.items()
        chosen = (s for s in self.samples if s.name == full and more <= s.labels.items())
        return {sample.labels[label]: sample.value for sample in chosen if sample.value}


def scrape(loop: Loop) -> Metrics:
    reply = loop.ask("/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(reply.text)


def test_a_first_cycle_is_told(loop: Loop) -> None:
    seen = scrape(loop)
    assert seen("build_info", version=__version__) == 1
    assert seen.by("result", "cycles_total") == {"ok": 1}
    assert seen("operations_total", action="create", outcome="applied") == 2
    assert seen.by("action", "plan_operations") == {"create": 2}
    assert seen("operations_pending") == 0
    assert seen("backend_up", backend="box") == 1
    assert seen("backend_models", backend="box") == 2
    assert seen.by("outcome", "backend_outcome", backend="box") == {"ok": 1}
    assert seen.by("state", "deployments", backend="box") == {"desired": 2}
    assert seen("config_generation") == seen("config_last_load_successful") == 1
    assert seen("last_cycle_successful") == 1
    assert seen("dry_run") == 0
    assert seen("cycle_duration_seconds_count") == 1
    assert seen("cycle_duration_seconds_bucket", le="+Inf") == 1
    assert (seen("cycle_duration_seconds_sum") or 0) > 0
    assert (seen("next_cycle_timestamp_seconds") or 0) > (
        seen("last_cycle_timestamp_seconds") or 0
    ) + 3000
    assert seen("sign_of_life_max_age_seconds") == 3600 * 1.1 + 270


def test_rows_are_observed_from_the_next_cycle_on(loop: Loop) -> None:
    loop.cycle()
    assert scrape(loop).by("state", "deployments") == {"desired": 2, "observed": 2}


def test_the_rows_of_others_are_not_counted(fleet: Fleet, loop: Loop) -> None:
    fleet.configure(top="owner: somebody-else")
    loop.cycle()
    seen = scrape(loop)
    assert seen("deployments", backend="box", state="observed") == 0
    assert seen.by("reason", "skips") == {"not_owned": 2, "name_taken": 2}


def test_an_outage_is_told_with_the_time_of_the_last_list(fleet: Fleet, loop: Loop) -> None:
    name = "backend_last_good_listing_timestamp_seconds"
    loop.cycle()
    before = scrape(loop)(name, backend="box")
    fleet.box.stop()
    loop.cycle()
    seen = scrape(loop)
    assert seen("backend_up", backend="box") == 0
    assert seen.by("outcome", "backend_outcome") == {"unreachable": 1}
    assert seen.by("state", "deployments") == {"observed": 2, "kept": 2}
    assert seen.by("reason", "skips") == {"incomplete": 2}
    assert seen(name, backend="box") == before is not None


def test_a_held_deletion_is_told(fleet: Fleet, loop: Loop) -> None:
    fleet.box.models.clear()
    loop.cycle()
    seen = scrape(loop)
    assert seen("deployments", backend="box", state="held") == 2
    assert seen.by("reason", "skips") == {"held": 2}
    assert seen.by("outcome", "backend_outcome") == {"empty": 1}
    assert seen("backend_up", backend="box") == 1


def test_a_write_that_fails_is_told(fleet: Fleet, loop: Loop) -> None:
    refuse = Fault("status", 400, '{"error": "no"}')
    fleet.proxy.fault = lambda method, path, body: refuse if path == "/model/new" else None
    fleet.box.models.append("model-three")
    loop.cycle()
    seen = scrape(loop)
    assert seen.by("result", "cycles_total") == {"ok": 1, "unfinished": 1}
    assert seen("operations_total", action="create", outcome="failed") == 1
    assert seen("last_cycle_successful") == 0


def test_a_litellm_that_refuses_us_is_told_and_the_rest_is_as_it_was(
    fleet: Fleet, loop: Loop
) -> None:
    loop.cycle()
    good = scrape(loop)
    (fleet.folder / "litellm").write_text("sk-of-nobody")
    loop.cycle()
    seen = scrape(loop)
    assert seen.by("result", "cycles_total") == {"ok": 2, "failed": 1}
    assert seen("last_cycle_successful") == 0
    name = "last_good_cycle_timestamp_seconds"
    assert seen(name) == good(name)
    assert seen.by("state", "deployments") == good.by("state", "deployments")


def test_a_wrong_configuration_is_told(fleet: Fleet, loop: Loop) -> None:
    fleet.configure("nonsense: 1")
    loop.cycle()
    assert scrape(loop)("config_last_load_successful") == 0
    fleet.configure("filter_regex: one")
    loop.cycle()
    seen = scrape(loop)
    assert (seen("config_last_load_successful"), seen("config_generation")) == (1, 2)


def test_a_backend_that_left_the_configuration_disappears(fleet: Fleet, loop: Loop) -> None:
    text = (fleet.folder / "config.yaml").read_text()
    (fleet.folder / "config.yaml").write_text(text.replace("name: box", "name: crate"))
    loop.cycle()
    backends = {sample.labels.get("backend") for sample in scrape(loop).samples}
    assert backends == {None, "crate"}


def test_before_the_first_cycle_nothing_is_made_up(fleet: Fleet) -> None:
    (fleet.folder / "litellm").write_text("sk-of-nobody")
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        seen = scrape(loop)
    assert seen("last_good_cycle_timestamp_seconds") is None
    assert {sample.labels.get("backend") for sample in seen.samples} == {None}
    assert seen.by("result", "cycles_total") == {"failed": 1}


def test_all_that_can_be_counted_is_there_from_the_start(loop: Loop) -> None:
    total = [s for s in scrape(loop).samples if s.name == "modelprovisioner_operations_total"]
    labels = [(sample.labels["action"], sample.labels["outcome"]) for sample in total]
    assert labels == [(action, outcome) for action in ACTIONS for outcome in OUTCOMES]


def test_names_and_labels_keep_the_conventions(fleet: Fleet, loop: Loop) -> None:
    fleet.box.models.clear()
    loop.cycle()
    seen = scrape(loop)
    theirs = re.compile("process_|python_")
    ours = {name: each for name, each in seen.families.items() if not theirs.match(name)}
    assert "process_resident_memory_bytes" in seen.families
    assert all(name.startswith("modelprovisioner_") for name in ours)
    assert all(family.documentation.endswith(".") for family in ours.values())
    labels = {label for family in ours.values() for s in family.samples for label in s.labels}
    assert labels <= LABELS
    values = {v for s in seen.samples for v in s.labels.values()}
    assert not any("model-" in value for value in values)


def test_no_secret_is_shown_and_a_number_is_never_hidden(fleet: Fleet) -> None:
    config = fleet.folder / "config.yaml"
    other = "  - {name: other, url: 'http://127.0.0.1:1'}\n"
    config.write_text(config.read_text().replace("name: box", "name: box-secret") + other)
    (fleet.folder / "box-secret").write_text("box-secret")
    (fleet.folder / "other").write_text("4230.0")
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        reply = loop.ask("/metrics").text
    assert "box-secret" not in reply
    assert Metrics(reply)("backend_up", backend="***") == 1
    assert Metrics(reply)("sign_of_life_max_age_seconds") == 4230
