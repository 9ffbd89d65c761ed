"""What ``docker compose up`` starts on a laptop, as Docker Compose itself reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.cli.parser import make_parser
from engine.config.loader import load_config

from ..documents import read
from .tools import run_tool, succeed

OURS = "modelprovisioner"


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(succeed(["docker-compose", "config", "--format", "json"]))
    return found


def test_compose_takes_the_file_without_a_word() -> None:
    done = run_tool(["docker-compose", "config", "--quiet"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_compose_would_refuse_a_field_that_it_does_not_know(tmp_path: Path) -> None:
    text = read("compose.yaml").replace("stop_grace_period:", "grace_period:")
    (tmp_path / "compose.yaml").write_text(text, encoding="utf-8")
    done = run_tool(["docker-compose", "config", "--quiet"], tmp_path)
    assert done.returncode != 0
    assert "grace_period" in done.stderr


def test_the_configuration_is_valid_and_its_servers_are_there(
    project: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(project["configs"][OURS]["content"], encoding="utf-8")
    key = project["configs"]["litellm-key"]["content"]
    (tmp_path / "litellm").write_text(key, encoding="utf-8")
    config = load_config(tmp_path / "config.yaml", tmp_path)
    assert config.warnings == ()
    hosts = {re.sub(r"https?://([^:/]+).*", r"\1", one.url) for one in config.backends}
    assert {"litellm", *hosts} <= project["services"].keys()
    assert project["services"]["litellm"]["environment"]["LITELLM_MASTER_KEY"] == key


def test_everything_is_healthy_before_what_needs_it_starts(project: dict[str, Any]) -> None:
    services = project["services"]
    needs = {
        name: {other: how["condition"] for other, how in one.get("depends_on", {}).items()}
        for name, one in services.items()
    }
    healthy = "service_healthy"
    assert needs[OURS] == {"litellm": healthy, "ollama": healthy}
    assert needs["litellm"] == {"postgres": healthy}
    # Ours is in the image.
    assert {name for name, one in services.items() if "healthcheck" not in one} == {OURS}


def test_no_port_is_open_to_the_network(project: dict[str, Any]) -> None:
    ports = [port for one in project["services"].values() for port in one.get("ports", ())]
    assert len(ports) == 3
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_ours_runs_the_loop_unprivileged_with_what_the_health_check_looks_for(
    project: dict[str, Any],
) -> None:
    ours = project["services"][OURS]
    run = make_parser().parse_args(ours["command"])
    assert run.command == "run"
    assert str(run.heartbeat) == "/tmp/heartbeat"
    # Compose refuses to start a service that has it, and a configuration with `content`.
    assert "read_only" not in ours
    assert ours["cap_drop"] == ["ALL"]
    assert ours["security_opt"] == ["no-new-privileges:true"]
    targets = {one["target"] for one in ours["configs"]}
    assert targets == {str(run.config), str(run.secrets / "litellm")}
    (port,) = ours["ports"]
    assert run.listen == ("", port["target"])


def test_every_key_can_be_given_and_reaches_all_that_use_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "POSTGRES_PASSWORD"):
        monkeypatch.setenv(name, f"given-{name}")
    found = json.loads(succeed(["docker-compose", "config", "--format", "json"]))
    assert found["configs"]["litellm-key"]["content"] == "given-LITELLM_MASTER_KEY"
    services = found["services"]
    assert "given-POSTGRES_PASSWORD" in services["litellm"]["environment"]["DATABASE_URL"]
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == "given-POSTGRES_PASSWORD"
    assert services["litellm"]["environment"]["LITELLM_SALT_KEY"] == "given-LITELLM_SALT_KEY"
    assert "local-only" not in json.dumps(found)
