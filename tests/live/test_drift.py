"""Changes that somebody makes in LiteLLM by hand."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("edit", ["another server", "no URL", "a query"])
def test_a_row_that_was_moved_by_hand_is_put_back_and_neither_doubled_nor_lost(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str, edit: str
) -> None:
    model = f"a-{unique}"
    backend, other = servers.start("openai", [model]), servers.start("openai", [f"z-{unique}"])
    installation.configure(section(backend), section(other, name="other"))
    installation.converge()
    before = litellm.row(backend.url, model)
    row_id, address = before["model_info"]["id"], before["litellm_params"]["api_base"]

    edited = {"another server": f"{other.url}/v1", "no URL": "", "a query": f"{address}?key=1"}
    litellm.patch(before, {"litellm_params": {"api_base": edited[edit]}})
    backend.stop()
    outcome = installation.converge(degraded=True)
    assert outcome.writes == [], str(outcome)
    assert (model, "incomplete") in {(skip["name"], skip["reason"]) for skip in outcome.skips}

    backend.start()
    assert installation.converge().results == [("drifted", model, "applied")]
    after = [row for row in litellm.rows() if row["model_name"] == model]
    assert [row["litellm_params"]["api_base"] for row in after] == [address]
    assert (after[0]["model_info"]["id"] == row_id) is litellm.patches_exactly
    installation.assert_quiet()
    assert litellm.chat(model).status_code == 200


def test_rows_follow_a_backend_whose_url_is_written_otherwise(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    kept, gone = f"a-{unique}", f"z-{unique}"
    backend = servers.start("openai", [kept, gone])
    by_name = backend.url.replace("127.0.0.1", "localhost")
    servers.sites.append(by_name)
    installation.configure(section(backend))
    installation.converge()
    before = {row["model_name"]: row["model_info"]["id"] for row in litellm.rows_on(backend.url)}

    backend.models.remove(gone)
    installation.configure(section(backend, url=by_name))
    outcome = installation.converge()
    assert outcome.results == [("changed", kept, "applied")]
    (left,) = outcome.skips
    assert (left["name"], left["reason"]) == (gone, "stray")
    assert "modelprovisioner retire box" in left["because"]
    (moved,) = litellm.rows_on(by_name)
    assert (moved["model_info"]["id"] == before[kept]) is litellm.patches_exactly
    assert installation.converge().writes == []
    assert litellm.chat(kept).status_code == 200


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
