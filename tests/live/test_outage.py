"""A model is not deleted while its backend cannot be listed."""

from __future__ import annotations

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy, lasting, names


def test_a_stopped_backend_keeps_its_deployments_and_the_log_says_which_and_why(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    models = [f"{letter}-{unique}" for letter in "abc"]
    stopped, healthy = servers.start("openai", models), servers.start("vllm", [f"d-{unique}"])
    installation.configure(section(stopped), section(healthy, name="other"))
    installation.converge()
    before = [lasting(row) for row in litellm.rows_on(stopped.url)]
    assert names(before) == models

    stopped.stop()
    outcome = installation.converge(degraded=True)
    assert outcome.writes == []
    assert [lasting(row) for row in litellm.rows_on(stopped.url)] == before
    assert [skip["name"] for skip in outcome.skips] == models
    for skip in outcome.skips:
        assert (skip["action"], skip["reason"]) == ("delete", "incomplete")
        assert "its backend cannot be reached" in skip["because"]
        assert "connection refused" in skip["because"]


def test_a_model_that_is_gone_after_an_outage_is_the_only_one_to_go(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    kept, gone = [f"a-{unique}", f"c-{unique}"], f"b-{unique}"
    backend = servers.start("openai", [*kept, gone])
    installation.configure(section(backend))
    installation.converge()
    before = [lasting(row) for row in litellm.rows_on(backend.url) if row["model_name"] != gone]

    backend.stop()
    installation.converge(degraded=True)
    backend.models.remove(gone)
    backend.start()
    outcome = installation.converge()
    assert outcome.results == [("surplus", gone, "applied")]
    assert [lasting(row) for row in litellm.rows_on(backend.url)] == before
    installation.assert_quiet()


def test_a_backend_that_suddenly_lists_nothing_keeps_its_deployments(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("ollama", [f"a-{unique}", f"b-{unique}"])
    installation.configure(section(backend))
    installation.converge()

    models = list(backend.models)
    backend.models.clear()
    outcome = installation.cycle()
    assert (outcome.code, outcome.writes) == (3, [])
    assert {skip["reason"] for skip in outcome.skips} == {"held"}
    assert names(litellm.rows_on(backend.url)) == models
