"""A provider prefix that LiteLLM does not know."""

from __future__ import annotations

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy, names


def test_an_unknown_provider_is_an_error_with_a_remedy_and_harms_no_other_model(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    broken = servers.start("openai", [f"a-{unique}"])
    sound = servers.start("openai", [f"b-{unique}"])
    installation.configure(
        section(broken, name="broken", model_format="nosuchprovider/{model}"),
        section(sound, name="sound"),
    )
    for _ in range(2):
        outcome = installation.cycle()
        assert outcome.code == 1, str(outcome)
        failed = [line for line in outcome.events("result") if line["outcome"] != "applied"]
        assert [line["name"] for line in failed] == broken.models
        assert "provider prefix" in failed[0]["detail"]
        assert names(litellm.rows_on(sound.url)) == sound.models


def test_a_mended_provider_converges(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"])
    installation.configure(section(backend, model_format="nosuchprovider/{model}"))
    installation.cycle()
    installation.configure(section(backend))
    installation.converge()
    row = litellm.row(backend.url, backend.models[0])
    assert row["litellm_params"]["model"] == f"openai/{backend.models[0]}"
    assert litellm.chat(backend.models[0]).status_code == 200
    installation.assert_quiet()
