"""A LiteLLM that is down or refuses the key."""

from __future__ import annotations

import pytest

from .conftest import Servers, section
from .installation import Installation

COMMANDS = pytest.mark.parametrize("command", ["plan", "apply", "run --once"])


@COMMANDS
def test_a_wrong_key_is_refused_with_a_remedy(
    servers: Servers, installation: Installation, unique: str, command: str
) -> None:
    installation.configure(section(servers.start("openai", [f"a-{unique}"])))
    installation.write_key("litellm", f"sk-wrong-{unique}")
    outcome = installation.run(*command.split())
    assert (outcome.code, outcome.writes) == (1, [])
    assert "HTTP 401" in outcome.stderr
    assert "check the key in the key file 'litellm'" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert unique not in outcome.stderr


@COMMANDS
def test_a_litellm_that_is_down_is_named(
    servers: Servers, installation: Installation, unique: str, command: str
) -> None:
    installation.configure(section(servers.start("openai", [f"a-{unique}"])))
    installation.tap.stop()
    outcome = installation.run(*command.split())
    assert outcome.code == 1
    assert f"{installation.tap.url}/health/readiness: connection refused" in outcome.stderr
    assert "Traceback" not in outcome.stderr
