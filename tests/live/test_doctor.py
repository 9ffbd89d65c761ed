"""``doctor`` in front of a real LiteLLM: it finds nothing where all is well, and only reads."""

from __future__ import annotations

import json
from typing import Any

from engine.validate import validate

from .conftest import Servers, section
from .installation import Installation, Outcome

Json = dict[str, Any]


def findings(outcome: Outcome) -> list[Json]:
    """Return what was found; the document is valid, and LiteLLM got nothing but GETs."""
    document = json.loads(outcome.stdout)
    validate(document, "diagnosis")
    assert outcome.requests
    assert outcome.writes == [], str(outcome)
    found: list[Json] = document["findings"]
    return found


def of(found: list[Json], severity: str, check: str = "") -> list[Json]:
    return [f for f in found if f["severity"] == severity and check in ("", f["check"])]


def test_a_healthy_installation_has_no_error_before_and_after_it_is_applied(
    servers: Servers, installation: Installation, unique: str
) -> None:
    box = servers.start("openai", [f"live-{unique}-a", f"live-{unique}-b"])
    installation.configure(section(box))
    before = installation.run("doctor", "--json")
    found = findings(before)
    assert of(found, "error") == [], str(before)
    assert "2 models are not in LiteLLM yet" in [f["what"] for f in of(found, "note", "create")]
    assert of(found, "ok", "rights")
    assert of(found, "ok", "version")
    installation.converge()
    after = installation.run("doctor", "--json")
    found = findings(after)
    assert of(found, "error") == [], str(after)
    assert of(found, "note", "create") == []
    assert "has 2 models registered" in [f["what"] for f in of(found, "ok", "registered")]
    assert of(found, "ok", "store")


def test_a_wrong_key_of_a_backend_and_one_of_litellm_are_found_and_not_shown(
    servers: Servers, installation: Installation, unique: str
) -> None:
    box = servers.start("openai", [f"live-{unique}"], key="sk-the-right-key")
    installation.configure(section(box))
    installation.write_key("box", "sk-a-wrong-key")
    outcome = installation.run("doctor", "--json")
    (found,) = of(findings(outcome), "error")
    assert (found["check"], found["subject"], outcome.code) == ("wrong_key", "box", 1)
    installation.write_key("litellm", "sk-no-key-of-this-litellm")
    outcome = installation.run("doctor", "--json")
    errors = of(findings(outcome), "error", "wrong_key")
    assert [error["area"] for error in errors] == ["backends", "LiteLLM"]
    text = outcome.stdout + outcome.stderr
    assert "sk-a-wrong-key" not in text
    assert "sk-no-key-of-this-litellm" not in text


def test_a_name_that_others_have_and_a_backend_that_is_down_are_found(
    servers: Servers, installation: Installation, unique: str
) -> None:
    name = f"live-{unique}"
    box, dead = servers.start("openai", [name]), servers.start("openai", [])
    dead.stop()
    params = {"model": "openai/gpt", "api_base": "https://cloud.invalid/v1", "api_key": "sk-none"}
    servers.litellm.new(name, params)
    installation.configure(section(box), section(dead, name="dead"))
    found = findings(installation.run("doctor", "--json"))
    assert [f["subject"] for f in of(found, "warning", "name_taken")] == [name]
    assert [f["subject"] for f in of(found, "error", "reach_port")] == ["dead"]
