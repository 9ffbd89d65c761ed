"""Changes that somebody makes in LiteLLM by hand."""

from __future__ import annotations

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy


def test_a_declared_field_that_was_edited_is_put_back(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    model = f"a-{unique}"
    backend = servers.start("openai", [model])
    installation.configure(section(backend, litellm_params_defaults={"rpm": 10}))
    installation.converge()

    litellm.patch(litellm.row(backend.url, model), {"litellm_params": {"rpm": 99}})
    assert litellm.row(backend.url, model)["litellm_params"]["rpm"] == 99
    outcome = installation.converge()
    assert outcome.results == [("drifted", model, "applied")]
    assert litellm.row(backend.url, model)["litellm_params"]["rpm"] == 10
    installation.assert_quiet()


def test_a_row_that_was_deleted_is_made_again(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    model = f"a-{unique}"
    backend = servers.start("openai", [model, f"b-{unique}"])
    installation.configure(section(backend))
    installation.converge()

    before = litellm.row(backend.url, model)
    litellm.delete(before["model_info"]["id"])
    litellm.forget({before["model_info"]["id"]})
    outcome = installation.converge()
    assert outcome.results == [("missing", model, "applied")]
    assert litellm.row(backend.url, model)["model_info"]["id"] == before["model_info"]["id"]
    installation.assert_quiet()


def test_a_field_that_we_do_not_declare_is_left_alone(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    model = f"a-{unique}"
    backend = servers.start("openai", [model])
    installation.configure(section(backend, litellm_params_defaults={"rpm": 10}))
    installation.converge()

    by_hand = {"litellm_params": {"weight": 5}, "model_info": {"note": "by hand"}}
    litellm.patch(litellm.row(backend.url, model), by_hand)
    installation.assert_quiet()
    row = litellm.row(backend.url, model)
    assert (row["litellm_params"]["weight"], row["model_info"]["note"]) == (5, "by hand")


def test_a_field_that_we_do_not_declare_survives_our_own_changes(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    model = f"a-{unique}"
    backend = servers.start("openai", [model])
    installation.configure(section(backend, litellm_params_defaults={"rpm": 10, "order": 1}))
    installation.converge()
    by_hand = {"litellm_params": {"weight": 5}, "model_info": {"note": "by hand"}}
    litellm.patch(litellm.row(backend.url, model), by_hand)

    for params in ({"rpm": 20, "order": 1}, {"rpm": 20}):
        installation.configure(section(backend, litellm_params_defaults=params))
        installation.converge()
        row = litellm.row(backend.url, model)
        assert row["litellm_params"]["rpm"] == 20
        assert ("order" in row["litellm_params"]) == ("order" in params)
        assert (row["litellm_params"]["weight"], row["model_info"]["note"]) == (5, "by hand")
        installation.assert_quiet()
