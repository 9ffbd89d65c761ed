"""Alerts and dashboard: what they name exists, and promtool has nothing to say against it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.documents import ROOT, read, rows
from tests.fleet import Fleet, running_fleet
from tests.monitoring.prometheus import DASHBOARD, RULES, promtool
from tests.served import running_loop

NAME = re.compile(r"\b(?:modelprovisioner|process)_\w+\b")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        yield running


def answer(fleet: Fleet) -> str:
    """Return all that Prometheus can be told: with a backend, and with something left alone."""
    with running_loop(fleet) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        fleet.box.models.clear()
        loop.cycle()
        return loop.ask("/metrics").text


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def expressions() -> list[str]:
    found = rules()
    panels = json.loads(DASHBOARD.read_text())["panels"]
    targets = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(found) >= 7
    assert len(targets) >= 12
    return [*(rule["expr"] for rule in found), *targets]


def test_all_that_alerts_and_dashboard_name_is_told(fleet: Fleet) -> None:
    families = text_string_to_metric_families(answer(fleet))
    told = {sample.name for family in families for sample in family.samples}
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    assert named
    assert named - told == set()


def test_the_variables_of_the_dashboard_are_there_and_its_panels_do_not_overlap() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    variables = {each["name"] for each in dashboard["templating"]["list"]} | {"__rate_interval"}
    assert set(re.findall(r"\$\{?(\w+)", DASHBOARD.read_text())) - {"__all"} <= variables
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in dashboard["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


def test_every_alert_is_explained_and_says_where() -> None:
    found = rules()
    explained = {row[0].strip("`") for row in rows(read("k8s/monitoring/README.md"), "alert")}
    assert {rule["alert"] for rule in found} == explained
    for rule in found:
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["for"]


def test_every_metric_is_explained(fleet: Fleet) -> None:
    families = [family.name for family in text_string_to_metric_families(answer(fleet))]
    ours = {name for name in families if name.startswith("modelprovisioner_")}
    name = re.compile(r"`(modelprovisioner_\w+?)(?:_total)?(?:\{[\w, ]+\})?`")
    explained = name.findall(read("k8s/monitoring/README.md"))
    assert set(explained) == ours


def test_promtool_accepts_the_metrics(fleet: Fleet) -> None:
    done = promtool("check", "metrics", text=answer(fleet))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_accepts_the_rules() -> None:
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stderr


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    cases = ROOT / "tests/monitoring/rules.test.yaml"
    done = promtool("test", "rules", str(cases))
    assert done.returncode == 0, done.stdout
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    fired = re.findall(r"alertname: (\w+)\n        exp_alerts", cases.read_text())
    assert set(fired) == set(alerts)
