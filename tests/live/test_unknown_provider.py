"""A provider prefix that LiteLLM does not know."""

from __future__ import annotations

import pytest

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy, names


@pytest.mark.parametrize("cycles", [1, 2])
def test_an_unknown_provider_is_an_error_with_a_remedy_and_harms_no_other_model(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str, cycles: int
) -> None:
    broken = servers.start("openai", [f"a-{unique}"])
    sound = servers.start("openai", [f"b-{unique}"])
    installation.configure(
        section(broken, name="broken", model_format="nosuchprovider/{model}"),
        section(sound, name="sound"),
    )
    for _ in range(cycles):
        outcome = installation.cycle()
    assert names(litellm.rows_on(sound.url)) == sound.models
    assert outcome.code == 1, str(outcome)
    (failed,) = (line for line in outcome.events("result") if line["name"] == broken.models[0])
    assert failed["outcome"] != "applied"
    assert "provider prefix" in failed["detail"]


def test_a_corrected_provider_converges(
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


def test_a_row_that_litellm_cannot_serve_is_not_left_behind(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"])
    installation.configure(section(backend, model_format="nosuchprovider/{model}"))
    (dead,) = installation.cycle().operations
    installation.configure(section(backend))
    installation.converge()
    assert not litellm.stores(dead["id"])
