"""A plan that is made today and applied tomorrow, on a LiteLLM that changed or did not."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from .chat_backends import ChatBackend
from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RELOAD, RealProxy, names, wait_until

_MODELS = ["gpt-4o", "changed", "gone"]
"""LiteLLM adds to its listing what its cost map knows of the first."""


@pytest.fixture
def restart(litellm: RealProxy) -> Callable[[], None]:
    """Return what restarts LiteLLM; without a command for that the test is skipped."""
    command = os.environ.get("LITELLM_RESTART", "")
    if not command:
        pytest.skip("set LITELLM_RESTART to a command that restarts LiteLLM")

    def restarted() -> None:
        subprocess.run(shlex.split(command), check=True, timeout=300, stdout=subprocess.DEVNULL)
        wait_until(lambda: litellm.call("GET", "/health/readiness").ok, 120, "LiteLLM is not back")

    return restarted


@pytest.fixture
def backend(servers: Servers, installation: Installation, unique: str) -> ChatBackend:
    """A backend with a key, whose models are registered; then one is gone, and one is new."""
    backend = servers.start("openai", _MODELS, key=f"key-{unique}")
    installation.write_key("box", f"key-{unique}")
    configure(installation, backend, unique, rpm=5)
    installation.converge()
    backend.models = ["gpt-4o", "changed", "new"]
    configure(installation, backend, unique, rpm=6)
    return backend


def configure(installation: Installation, backend: ChatBackend, unique: str, *, rpm: int) -> None:
    name_format = f"{{model}}-{unique}"
    defaults = {"rpm": rpm}
    installation.configure(
        section(backend, name_format=name_format, litellm_params_defaults=defaults)
    )


def saved(installation: Installation) -> str:
    """Save the plan; return the path of its file."""
    path = installation.config.parent / "plan.json"
    outcome = installation.run("plan", "--out", str(path))
    assert outcome.code == 2, str(outcome)
    operations = json.loads(path.read_text())["operations"]
    installation.planned |= {operation["id"] for operation in operations}
    assert len(operations) == 4
    return str(path)


def test_at_another_replica_with_another_admin_key_it_is_applied_as_it_is(
    installation: Installation,
    backend: ChatBackend,
    replicas: list[RealProxy],
    second_admin: str,
    unique: str,
) -> None:
    path = saved(installation)
    other = replicas[-1]
    wait_until(lambda: len(other.rows_on(backend.url)) == len(_MODELS), RELOAD, "a row is missing")
    host, port = urlsplit(other.url).hostname, urlsplit(other.url).port
    installation.tap.upstream = (str(host), port or 80)
    installation.write_key("litellm", second_admin)
    outcome = installation.run("apply", path)
    assert outcome.code == 0, str(outcome)
    assert "4 of 4 done" in outcome.stdout, str(outcome)
    assert names(other.rows_on(backend.url)) == [
        f"{model}-{unique}" for model in ("changed", "gpt-4o", "new")
    ]
    installation.assert_quiet()


def test_after_a_restart_only_the_row_that_was_edited_is_refused_with_its_field(
    installation: Installation,
    backend: ChatBackend,
    litellm: RealProxy,
    restart: Callable[[], None],
    unique: str,
) -> None:
    path = saved(installation)
    edited = litellm.row(backend.url, f"changed-{unique}")
    litellm.patch(edited, {"litellm_params": {"rpm": 7}})
    restart()
    wait_until(lambda: len(litellm.rows_on(backend.url)) == len(_MODELS), RELOAD, "a row is gone")
    outcome = installation.run("apply", path)
    assert outcome.code == 3, str(outcome)
    assert "stale: changed since the plan was made: litellm_params.rpm: 5 -> 7" in outcome.stdout
    assert "3 of 3 done" in outcome.stdout, str(outcome)
    rpm = {row["model_name"]: row["litellm_params"]["rpm"] for row in litellm.rows_on(backend.url)}
    assert rpm == {f"gpt-4o-{unique}": 6, f"new-{unique}": 6, f"changed-{unique}": 7}


def test_a_row_that_was_removed_and_a_key_that_was_rotated_refuse_what_needs_them(
    installation: Installation, backend: ChatBackend, litellm: RealProxy, unique: str
) -> None:
    path = saved(installation)
    litellm.delete(litellm.row(backend.url, f"changed-{unique}")["model_info"]["id"])
    installation.write_key("box", f"other-{unique}")
    outcome = installation.run("apply", path)
    assert outcome.code == 3, str(outcome)
    assert "the key of backend box is not the one the plan was made with" in outcome.stdout
    assert "delete gone" in outcome.stdout
    installation.write_key("box", f"key-{unique}")
    outcome = installation.run("apply", path)
    assert outcome.code == 3, str(outcome)
    assert "is gone since the plan was made" in outcome.stdout
    assert names(litellm.rows_on(backend.url)) == [f"gpt-4o-{unique}", f"new-{unique}"]
