"""Rows made by hand stay as they are; rows of the Go program become ours."""

from __future__ import annotations

import pytest

from engine.state.deployment import MARK

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import Json, RealProxy, ids, lasting, names, owner

CYCLES = 10
OF_LITELLM = {"id", "db_model", "member_auto_router"}
"""What LiteLLM stores in the ``model_info`` of every row."""


def test_rows_made_by_hand_are_the_same_after_ten_cycles(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}", f"b-{unique}"])
    cloud = {"model": f"openai/cloud-{unique}", "api_key": "sk-cloud"}
    elsewhere = {"model": f"openai/a-{unique}", "api_base": "http://127.0.0.1:1/v1"}
    alias = {"model": f"openai/a-{unique}", "api_base": f"{backend.url}/v1", "rpm": 7}
    mine = {
        litellm.new(f"cloud-{unique}", cloud, {"mode": "chat"}),
        litellm.new(f"elsewhere-{unique}", elsewhere, {"note": "by hand"}),
        litellm.new(f"alias-{unique}", alias, {"access_groups": [f"group-{unique}"]}),
    }

    def others() -> dict[str, Json]:
        return {
            row["model_info"]["id"]: lasting(row)
            for row in litellm.rows()
            if row["model_info"]["id"] in mine or row["model_name"] == "static-model"
        }

    before = others()
    assert mine <= before.keys()
    for cycle in range(CYCLES):
        if cycle == CYCLES // 2:
            backend.models.remove(f"b-{unique}")
        installation.configure(section(backend, litellm_params_defaults={"rpm": 10 + cycle // 4}))
        outcome = installation.converge()
        assert ("alias", f"alias-{unique}") in {
            (skip["reason"], skip["name"]) for skip in outcome.skips
        }
    assert others() == before
    assert f"a-{unique}" in names(litellm.rows_on(backend.url))


def test_an_unmarked_row_of_a_model_that_is_not_served_survives(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"m-{unique}"])
    by_hand = [f"a-{unique}", f"z-{unique}"]
    params = {"model": f"openai/gone-{unique}", "api_base": f"{backend.url}/v1"}
    made = [litellm.new(name, {**params, "api_key": "sk-by-hand"}) for name in by_hand]
    before = {row["model_info"]["id"]: lasting(row) for row in litellm.rows_on(backend.url)}
    installation.configure(section(backend))
    for _ in range(2):
        outcome = installation.converge()
        skips = {skip["name"]: skip for skip in outcome.skips if skip["name"] in by_hand}
        assert [skips[name]["reason"] for name in by_hand] == ["unmarked"] * 2
        assert "to have it removed" in skips[by_hand[0]]["because"]
    after = {row["model_info"]["id"]: lasting(row) for row in litellm.rows_on(backend.url)}
    assert {row_id: after[row_id] for row_id in made} == before

    exclusive = section(backend, ownership="exclusive")
    installation.configure(exclusive)
    held = installation.cycle()
    assert (held.code, held.writes) == (3, []), str(held)
    installation.configure(exclusive, limits={"max_delete_fraction": 1})
    installation.converge()
    assert names(litellm.rows_on(backend.url)) == [f"m-{unique}"]


@pytest.mark.parametrize(
    ("kind", "suffix", "prefix"),
    [
        ("openai", "/v1", "openai"),
        ("openai", "", "openai"),
        ("vllm", "", "hosted_vllm"),
        ("vllm", "/v1/", "hosted_vllm"),
        ("ollama", "", "ollama"),
        ("ollama", "/v1", "ollama"),
    ],
)
def test_rows_of_the_go_program_are_adopted_and_its_duplicates_become_one(
    servers: Servers,
    installation: Installation,
    litellm: RealProxy,
    unique: str,
    kind: str,
    suffix: str,
    prefix: str,
) -> None:
    once, thrice, gone = f"once-{unique}", f"thrice-{unique}", f"gone-{unique}"
    backend = servers.start(kind, [once, thrice])
    url = backend.url + suffix
    made = [
        litellm.new(model, {"model": f"{prefix}/{model}", "api_base": url, "api_key": "BLANK"})
        for model in (once, thrice, gone, thrice, thrice)
    ]
    installation.write_key("box", "")  # none is needed, so rows may be replaced
    installation.configure(section(backend, url=url, ownership="exclusive"))
    outcome = installation.converge()
    assert sorted(result[:2] for result in outcome.results) == [
        ("adopted", once),
        ("adopted", thrice),
        ("duplicate", thrice),
        ("duplicate", thrice),
        ("surplus", gone),
    ]
    rows = litellm.rows_on(backend.url)
    assert names(rows) == [once, thrice]
    assert [owner(row) for row in rows] == [installation.owner] * 2
    assert made[2] not in ids(rows)
    installation.assert_quiet()
    for model in (once, thrice):
        answer = litellm.chat(model)
        assert answer.status_code == 200, answer.text


def test_an_adopted_row_keeps_its_only_key(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    """The backend lists its models to everybody, and chats only with those who have its key."""
    model = f"m-{unique}"
    backend = servers.start("openai", [model])
    backend.chat_key = f"sk-only-here-{unique}"
    params = {"model": f"openai/{model}", "api_base": f"{backend.url}/v1"}
    row_id = litellm.new(model, {**params, "api_key": backend.chat_key})
    assert litellm.chat(model).status_code == 200
    installation.configure(section(backend, litellm_params_defaults={"rpm": 100}))
    outcome = installation.converge()
    unknown = [skip for skip in outcome.skips if skip["reason"] == "key_unknown"]
    if litellm.patches_exactly:
        assert outcome.results == [("adopted", model, "applied")]
    else:
        assert "put it into the key file 'box'" in unknown[0]["because"]
    assert installation.converge().writes == []
    assert [row["model_info"]["id"] for row in litellm.rows_on(backend.url)] == [row_id]
    assert litellm.chat(model).status_code == 200
    assert backend.chats[-1].authorization == f"Bearer {backend.chat_key}"

    backend.chat_key = f"sk-rotated-{unique}"
    installation.write_key("box", backend.chat_key)
    installation.converge()
    assert litellm.chat(model).status_code == 200


def test_models_that_litellms_cost_map_knows_are_adopted_and_replaced_like_others(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    known = ["gpt-4o", "gpt-5.1", "text-embedding-3-small"]
    backend = servers.start("openai", known)
    for model in known:
        params = {"model": f"openai/{model}", "api_base": backend.url, "api_key": "BLANK"}
        litellm.new(f"{unique}-{model}", params)
    installation.write_key("box", "")
    box = section(backend, name_format=f"{unique}-{{model}}")
    installation.configure({**box, "model_info_defaults": {"note": "ours"}})
    outcome = installation.converge()
    assert [result[0] for result in outcome.results] == ["adopted"] * 3
    installation.assert_quiet()

    edited = litellm.row(backend.url, f"{unique}-gpt-5.1")
    litellm.patch(edited, {"model_info": {"hand": 1}})
    installation.configure(box)
    assert [result[0] for result in installation.converge().results] == ["changed"] * 3
    for row in litellm.rows_on(backend.url):
        by_hand = {"hand"} if row["model_name"] == edited["model_name"] else set()
        assert litellm.stored_info(row).keys() - OF_LITELLM == {MARK, *by_hand}
    installation.assert_quiet()
