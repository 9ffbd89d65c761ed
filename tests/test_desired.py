"""Configuration and listings as the desired state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.backends.kinds import KINDS as MODULES
from engine.config import KINDS, Config, load_config
from engine.desired import desired_state, secret_values
from engine.documents import desired_document
from engine.listing import OUTCOMES, Listing, Model
from engine.state import Secret, State, thaw
from engine.validate import validate

HEAD = "litellm: {url: 'http://litellm:4000'}\nbackends:\n"


def configured(tmp_path: Path, backends: str, **keys: str) -> Config:
    (tmp_path / "litellm").write_text("sk-master-1234")
    for name, key in keys.items():
        (tmp_path / name).write_text(key)
    (tmp_path / "config.yaml").write_text(HEAD + backends)
    return load_config(tmp_path / "config.yaml", tmp_path)


def listed(*ids: str, backend: str = "box", provider: str = "openai") -> Listing:
    models = tuple(Model(text, provider, "http://box:8000/v1") for text in ids)
    return Listing(backend, "ok" if ids else "empty", models)


def state_of(config: Config, *listings: Listing) -> State:
    state = desired_state(config, listings)
    validate(desired_document(state), "desired")
    return state


BOX = "  - {name: box, url: 'http://box:8000/v1', %s}\n"


def test_built_in_parameters_beat_the_configuration_and_defaults_beat_generic_ones(
    tmp_path: Path,
) -> None:
    options = (
        "litellm_params_defaults: {rpm: 1, model: x, api_base: y},"
        " generic_params: {rpm: 2, timeout: 3, api_key: z}"
    )
    state = state_of(configured(tmp_path, BOX % options), listed("m"))
    params = thaw(state.deployments[0].fields["litellm_params"])
    assert params.pop("api_key").keys() == {"$secret"}
    assert params == {
        "model": "openai/m",
        "api_base": "http://box:8000/v1",
        "rpm": 1,
        "timeout": 3,
    }


def test_the_first_override_that_matches_wins_over_the_defaults(tmp_path: Path) -> None:
    options = (
        "model_info_defaults: {mode: chat, x: 1},"
        " overrides: [{regex: '^n', capabilities: {x: 2}}, {regex: 'm', capabilities: {x: 3}},"
        " {regex: '.', capabilities: {x: 4}}]"
    )
    state = state_of(configured(tmp_path, BOX % options), listed("m"))
    assert thaw(state.deployments[0].fields["model_info"]) == {"mode": "chat", "x": 3}


def test_a_null_in_an_override_takes_a_default_away(tmp_path: Path) -> None:
    options = "model_info_defaults: {x: 1}, overrides: [{regex: m, capabilities: {x: null}}]"
    state = state_of(configured(tmp_path, BOX % options), listed("m"))
    assert thaw(state.deployments[0].fields["model_info"]) == {}


def test_filters_search_anywhere_and_exclusion_wins(tmp_path: Path) -> None:
    options = "filter_regex: 'a|b', exclude_regex: 'b$'"
    state = state_of(configured(tmp_path, BOX % options), listed("xa", "ab", "c"))
    assert [one.key.name for one in state.deployments] == ["xa"]
    assert state.endpoints[0].served == ("ab", "c", "xa")
    assert ("ab", "openai/ab") in state.endpoints[0].excluded


def test_a_secret_is_a_reference_that_only_the_sender_can_resolve(tmp_path: Path) -> None:
    options = "litellm_params_defaults: {extra_headers: {Authorization: Bearer abc-123-def}}"
    config = configured(tmp_path, BOX % options, box="sk-box-1234\n")
    state = state_of(config, listed("m"))
    text = json.dumps(desired_document(state))
    assert "sk-box" not in text
    assert "abc-123" not in text
    params = state.deployments[0].fields["litellm_params"]
    secrets = secret_values(config)
    assert secrets[params["api_key"]["$secret"]] == Secret("sk-box-1234")
    header = params["extra_headers"]["Authorization"]["$secret"]
    assert secrets[header] == Secret("Bearer abc-123-def")
    assert state.deployments[0].mark is not None
    assert thaw(state.deployments[0].mark.opaque) == {
        "/litellm_params/api_key": params["api_key"]["$secret"],
        "/litellm_params/extra_headers/Authorization": header,
    }


def test_a_backend_without_a_key_gets_a_placeholder(tmp_path: Path) -> None:
    config = configured(tmp_path, BOX % "")
    reference = state_of(config, listed("m")).deployments[0].fields["litellm_params"]["api_key"]
    assert secret_values(config)[reference["$secret"]].reveal() == "BLANK"


def test_the_fingerprint_follows_every_field_and_the_key(tmp_path: Path) -> None:
    marks = []
    for options, key in [
        ("", "a1234"),
        ("", "b1234"),
        ("litellm_params_defaults: {rpm: 1}", "a1234"),
    ]:
        state = state_of(configured(tmp_path, BOX % options, box=key), listed("m"))
        marks.append(state.deployments[0].mark)
    assert len({mark.fingerprint for mark in marks if mark}) == 3


def test_prices_move_to_where_litellm_reads_them(tmp_path: Path) -> None:
    options = "model_info_defaults: {input_cost_per_token: 0.5, tiered_pricing: [1], mode: chat}"
    fields = state_of(configured(tmp_path, BOX % options), listed("m")).deployments[0].fields
    assert thaw(fields["model_info"]) == {"mode": "chat"}
    assert fields["litellm_params"]["input_cost_per_token"] == 0.5
    assert fields["litellm_params"]["tiered_pricing"] == (1,)


def test_long_and_unprintable_names_are_made_usable(tmp_path: Path) -> None:
    state = state_of(configured(tmp_path, BOX % ""), listed("a\tb\x1b[31m", "x" * 10_000))
    names = [one.key.name for one in state.deployments]
    assert names == ["a_b_[31m", "x" * 255]
    assert state.deployments[1].key.upstream == "openai/" + "x" * 10_000


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("on_unreachable", ["keep", "remove"])
def test_only_a_good_list_proves_absence(tmp_path: Path, outcome: str, on_unreachable: str) -> None:
    config = configured(tmp_path, BOX % f"on_unreachable: {on_unreachable}")
    state = state_of(config, Listing("box", outcome, detail="why"))
    gone = on_unreachable == "remove" and outcome in ("unreachable", "not_ready")
    assert state.endpoints[0].complete == (outcome in ("ok", "empty") or gone)


def test_one_bad_backend_on_an_endpoint_makes_it_incomplete(tmp_path: Path) -> None:
    backends = BOX % "" + "  - {name: box2, url: 'http://box:8000'}\n"
    config = configured(tmp_path, backends)
    bad = Listing("box2", "unreachable", detail="refused")
    (site,) = state_of(config, listed("m"), bad).endpoints
    assert (site.complete, site.outcome, site.backends) == (False, "unreachable", ("box", "box2"))


def test_the_later_backend_decides_for_a_model_that_both_list(tmp_path: Path) -> None:
    backends = BOX % "model_format: 'one/{model}'"
    backends += "  - {name: box2, url: 'http://box:8000', model_format: 'two/{model}'}\n"
    state = state_of(configured(tmp_path, backends), listed("m"), listed("m", backend="box2"))
    assert [one.key.upstream for one in state.deployments] == ["two/m"]


def test_every_kind_that_may_be_configured_can_be_asked() -> None:
    assert set(KINDS) == {*MODULES, "auto", "static"}
