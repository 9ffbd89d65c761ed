"""What we rely on in LiteLLM, checked on the simulator and, if one is named, on a real proxy.

An expectation that differs between versions is a function of the version, the same one for both.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any, get_args

import pytest
import requests

from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.litellm_rows import Row
from engine.fakes.server import Fault, FaultKind
from engine.litellm.fields import is_injected
from engine.litellm.inspection import SETTINGS, STORE

from ..versions import SERIALISED
from .behaviours import (
    a_model_is_validated,
    absent_param_is_null,
    all_prices_are_mirrored,
    default_false,
    has_blocking,
    has_pages,
    info_prices_are_dropped,
    injects_into_any_row,
    keeps_serving_what_it_had,
    nested_nulls_become_text,
    not_live_is_an_error,
    null_clears_prices,
    params_are_removable,
    patch_resets_booleans,
    readiness_says_healthy,
    readiness_tells_version,
    secrets_are_masked,
    set_and_removed_is_refused,
    short_secrets_are_masked,
    taken_id_is_internal,
)
from .conftest import CONFIG_MODEL, NO_REAL_PROXY, PROXIES, REAL, Proxy, client

Json = dict[str, Any]

MARK = {
    "owner": "x",
    "fields": ["litellm_params.rpm", "model_info.mode"],
    "opaque": {"litellm_params.api_key": "hmac:00ff", "none": None, "float": 1.0, "list": []},
}
NOT_ADDED = "{'error': 'Failed to add model to db. Check your server logs for more details.'}"
NOT_LIVE = "Model create was saved to the database, but the model id(s) ['{}'] are not live in"


def unknown(prefix: str = "contract-unknown") -> str:
    return f"{prefix}-{uuid.uuid4().hex}"


def error(answer: requests.Response) -> Json:
    found: Json = answer.json()["error"]
    return found


def absent(proxy: Proxy) -> str | None:
    """Return the ``param`` of an error that is not about a parameter."""
    return None if absent_param_is_null(proxy.version) else "None"


def test_a_real_proxy_was_named() -> None:
    if REAL not in PROXIES:
        pytest.skip(NO_REAL_PROXY)


# --- health, version, authentication -------------------------------------------------------


def test_readiness_says_that_the_database_is_connected(proxy: Proxy) -> None:
    answer = requests.get(f"{proxy.url}/health/readiness", timeout=60)
    assert answer.status_code == 200
    status = "healthy" if readiness_says_healthy(proxy.version) else "connected"
    assert (answer.json()["status"], answer.json()["db"]) == (status, "connected")


def test_readiness_has_the_version_in_old_releases_only(proxy: Proxy) -> None:
    state = proxy.call("GET", "/health/readiness").json()
    assert ("litellm_version" in state) == readiness_tells_version(proxy.version)


def test_readiness_details_have_the_version_in_new_releases(proxy: Proxy) -> None:
    answer = proxy.call("GET", "/health/readiness/details")
    if readiness_tells_version(proxy.version):
        assert answer.status_code == 404
        assert answer.json() == {"detail": "Not Found"}
    else:
        assert answer.json()["litellm_version"] == proxy.version_text


def test_model_hub_info_has_the_version_and_needs_no_key(proxy: Proxy) -> None:
    answer = requests.get(f"{proxy.url}/public/model_hub/info", timeout=60)
    assert answer.json()["litellm_version"] == proxy.version_text


def test_liveliness_needs_no_key(proxy: Proxy) -> None:
    answer = requests.get(f"{proxy.url}/health/liveliness", timeout=60)
    assert (answer.status_code, answer.json()) == (200, "I'm alive!")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/model/info"),
        ("GET", "/v1/model/info"),
        ("POST", "/model/new"),
        ("PATCH", "/model/x/update"),
        ("POST", "/model/delete"),
    ],
)
def test_a_request_without_a_key_is_refused(proxy: Proxy, method: str, path: str) -> None:
    body: Json | None = None if method == "GET" else {}
    answer = requests.request(method, proxy.url + path, json=body, timeout=60)
    assert answer.status_code == 401
    assert error(answer) == {
        "message": "Authentication Error, No api key passed in.",
        "type": "auth_error",
        "param": absent(proxy),
        "code": "401",
    }


def test_a_wrong_key_has_an_error_of_its_own(proxy: Proxy) -> None:
    headers = {"Authorization": "Bearer sk-wrong"}
    answer = requests.get(f"{proxy.url}/v2/model/info", headers=headers, timeout=60)
    assert (answer.status_code, error(answer)["type"]) == (401, "token_not_found_in_db")


def test_the_master_key_may_list_credentials(proxy: Proxy) -> None:
    answer = proxy.call("GET", "/credentials")
    assert (answer.status_code, type(answer.json()["credentials"])) == (200, list)


# --- what doctor asks for -------------------------------------------------------------------


def test_the_master_key_is_no_key_in_the_database_and_no_user(proxy: Proxy) -> None:
    answer = proxy.call("GET", "/key/info")
    assert (answer.status_code, error(answer)["message"]) == (404, "Key not found in database")
    assert proxy.call("GET", "/v2/user/info").status_code == 404


def test_a_setting_is_told_or_said_not_to_be_set(proxy: Proxy) -> None:
    for name in SETTINGS:
        answer = proxy.call("GET", f"/config/field/info?field_name={name}")
        if answer.status_code == 200:
            assert "field_value" in answer.json()
            continue
        text = answer.json()["detail"]["error"]
        assert answer.status_code == 400
        assert any(words in text for words in ("is not set", "not in DB", "Invalid field")), text


def test_whether_models_are_stored_is_a_listed_setting(proxy: Proxy) -> None:
    answer = proxy.call("GET", "/config/list?config_type=general_settings")
    assert answer.status_code == 200
    listed = {field["field_name"] for field in answer.json() if "field_value" in field}
    assert STORE in listed or proxy.version < (1, 83)  # 1.74 does not list it


def test_a_page_of_one_row_has_the_count_of_all(proxy: Proxy) -> None:
    proxy.new()
    page = proxy.listing("?size=1")
    if has_pages(proxy.version):
        assert page["total_count"] == len(proxy.listed())


# --- create ---------------------------------------------------------------------------------


def test_an_explicit_id_is_honoured(proxy: Proxy) -> None:
    model_id, answer = proxy.request_new()
    assert answer.json()["model_id"] == model_id
    assert proxy.row(model_id)["model_info"]["db_model"] is True


def test_a_new_row_is_listed_at_once(proxy: Proxy) -> None:
    assert proxy.new() in proxy.listed()


def test_create_does_not_answer_secrets_in_clear(proxy: Proxy) -> None:
    _, answer = proxy.request_new()
    assert "sk-contract" not in answer.text


def test_a_duplicate_id_is_refused_and_changes_nothing(proxy: Proxy) -> None:
    model_id = proxy.new({"rpm": 5})
    before = proxy.row(model_id)
    _, answer = proxy.request_new({"rpm": 6}, model_id=model_id)
    internal = taken_id_is_internal(proxy.version)
    assert answer.status_code == 500
    assert error(answer) == {
        "message": NOT_ADDED,
        "type": "internal_server_error" if internal else "auth_error",
        "param": absent(proxy),
        "code": "500",
    }
    assert proxy.row(model_id) == before


def test_a_model_name_may_repeat(proxy: Proxy) -> None:
    ids, name = (unknown(), unknown()), unknown("contract-twin")
    proxy.made += ids
    for model_id in ids:
        body: Json = {"model_name": name, "litellm_params": {"model": f"openai/{name}"}}
        body["model_info"] = {"id": model_id}
        assert proxy.call("POST", "/model/new", body).ok
    assert {proxy.row(model_id)["model_name"] for model_id in ids} == {name}


def crashing(proxy: Proxy, body: Json) -> requests.Response:
    """POST to /model/new what may make LiteLLM fail and close the connection."""
    with proxy.session_of_its_own() as session:
        return session.post(f"{proxy.url}/model/new", json=body, timeout=60)


def test_create_without_litellm_params_is_a_500(proxy: Proxy) -> None:
    answer = crashing(proxy, {"model_name": "contract-x"})
    assert answer.status_code == 500
    assert "internal server error" in answer.text.lower()


def test_create_without_a_model_is_refused(proxy: Proxy) -> None:
    answer = crashing(proxy, {"model_name": "contract-x", "litellm_params": {}})
    if not a_model_is_validated(proxy.version):
        assert answer.status_code == 500
        return
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "litellm_params", "model"]


def test_create_with_an_rpm_that_is_not_a_number_is_a_422(proxy: Proxy) -> None:
    _, answer = proxy.request_new({"rpm": "abc"})
    assert answer.status_code == 422


def test_an_unknown_provider_is_saved_but_not_live(proxy: Proxy) -> None:
    model_id, answer = proxy.request_new({"model": "sglang/contract"})
    if not_live_is_an_error(proxy.version):
        assert (answer.status_code, error(answer)["type"]) == (500, "internal_server_error")
        assert error(answer)["message"].startswith(NOT_LIVE.format(model_id))
    else:
        assert (answer.status_code, answer.json()["model_id"]) == (200, model_id)
    assert model_id not in proxy.listed()
    assert proxy.delete(model_id).status_code == 200


def test_a_row_of_an_unknown_provider_occupies_its_id(proxy: Proxy) -> None:
    model_id, _ = proxy.request_new({"model": "sglang/contract"})
    _, answer = proxy.request_new(model_id=model_id)
    assert (answer.status_code, error(answer)["message"]) == (500, NOT_ADDED)


def test_a_custom_provider_needs_no_prefix(proxy: Proxy) -> None:
    model_id = proxy.new({"model": "org/contract", "custom_llm_provider": "hosted_vllm"})
    assert proxy.row(model_id)["litellm_params"]["model"] == "org/contract"


# --- model_info -----------------------------------------------------------------------------


def test_a_nested_mark_comes_back_as_sent(proxy: Proxy) -> None:
    model_id = proxy.new(info={"modelprovisioner": MARK})
    assert proxy.row(model_id)["model_info"]["modelprovisioner"] == MARK


def test_a_nested_mark_survives_a_patch(proxy: Proxy) -> None:
    model_id = proxy.new(info={"modelprovisioner": MARK})
    body = {"litellm_params": {"rpm": 3}, "model_info": {"id": model_id, "mode": "chat"}}
    assert proxy.patched(model_id, body)["model_info"]["modelprovisioner"] == MARK


def test_a_patch_replaces_a_nested_mark_as_a_whole(proxy: Proxy) -> None:
    model_id = proxy.new(info={"modelprovisioner": MARK})
    body = {"model_info": {"id": model_id, "modelprovisioner": {"owner": "y"}}}
    assert proxy.patched(model_id, body)["model_info"]["modelprovisioner"] == {"owner": "y"}


def test_posted_model_info_comes_back_unchanged(proxy: Proxy) -> None:
    sent = {
        "mode": "embedding",
        "max_input_tokens": 100,
        "supports_vision": False,
        "access_groups": [],
        "note": "",
        "secret_key": "not masked here",
    }
    info = proxy.row(proxy.new(info=sent))["model_info"]
    assert {key: info[key] for key in sent} == sent


def test_nulls_in_model_info_are_absent(proxy: Proxy) -> None:
    info = proxy.row(proxy.new(info={"contract_null": None}))["model_info"]
    assert "contract_null" not in info


def test_prices_in_model_info_are_kept_by_old_releases_only(proxy: Proxy) -> None:
    info = proxy.row(proxy.new(info={"output_cost_per_image": 7.5}))["model_info"]
    kept = info.get("output_cost_per_image") == 7.5
    assert kept != info_prices_are_dropped(proxy.version)


@pytest.mark.parametrize("price", ["input_cost_per_token", "output_cost_per_token"])
def test_prices_in_litellm_params_are_mirrored(proxy: Proxy, price: str) -> None:
    row = proxy.row(proxy.new({price: 1e-6}))
    assert (row["litellm_params"][price], row["model_info"][price]) == (1e-6, 1e-6)


def test_all_prices_are_mirrored_by_new_releases(proxy: Proxy) -> None:
    info = proxy.row(proxy.new({"input_cost_per_second": 0.5}))["model_info"]
    mirrored = info.get("input_cost_per_second") == 0.5
    assert mirrored == all_prices_are_mirrored(proxy.version)


def test_new_releases_add_fields_to_model_info(proxy: Proxy) -> None:
    row = proxy.row(proxy.new())
    added = injects_into_any_row(proxy.version)
    assert (row["model_info"].get("key") == row["litellm_params"]["model"]) == added
    assert ("supports_vision" in row["model_info"]) == added


def test_a_model_in_the_cost_map_is_listed_with_its_fields(proxy: Proxy) -> None:
    info = proxy.row(proxy.new({"model": "openai/gpt-4o"}))["model_info"]
    assert (info["key"], info["litellm_provider"], info["mode"]) == ("gpt-4o", "openai", "chat")
    assert info["max_input_tokens"] == 128000


def test_every_field_that_litellm_adds_to_model_info_is_known(proxy: Proxy) -> None:
    info = proxy.row(proxy.new({"model": "openai/gpt-4o"}))["model_info"]
    added = info.keys() - {"id", "db_model", "blocked"}
    assert sorted(name for name in added if not is_injected(name)) == []


# --- litellm_params as listed ---------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v2/model/info?size=10000", "/v1/model/info", "/model/info"])
def test_an_api_key_is_never_listed(proxy: Proxy, path: str) -> None:
    model_id = proxy.new({"aws_secret_access_key": "sk-contract-0123456789"})
    answer = proxy.call("GET", path)
    assert model_id in answer.text
    assert "sk-contract" not in answer.text


def test_authorization_in_extra_headers_is_masked(proxy: Proxy) -> None:
    sent = {"Authorization": "Bearer 0123456789", "X-Plain": "0123456789"}
    listed = proxy.row(proxy.new({"extra_headers": sent}))["litellm_params"]["extra_headers"]
    assert listed["X-Plain"] == "0123456789"
    expected = "Bear*********6789" if secrets_are_masked(proxy.version) else "Bearer 0123456789"
    assert listed["Authorization"] == expected


def test_a_key_that_looks_like_a_secret_is_masked(proxy: Proxy) -> None:
    sent = {"my_token": "abcdefghijkl", "spec_fingerprint": "f00d0000cafe", "key_cost": "abcdefghi"}
    listed = proxy.row(proxy.new(sent))["litellm_params"]
    if secrets_are_masked(proxy.version):
        expected = sent | {"my_token": "abcd****ijkl", "spec_fingerprint": "f00d****cafe"}
    else:
        expected = sent
    assert {key: listed[key] for key in sent} == expected


def test_short_secrets_are_hidden_by_new_releases(proxy: Proxy) -> None:
    listed = proxy.row(proxy.new({"my_token": "abc"}))["litellm_params"]
    assert listed["my_token"] == ("***" if short_secrets_are_masked(proxy.version) else "abc")


def test_nulls_inside_maps_are_listed(proxy: Proxy) -> None:
    sent = {"none": None, "list": [None, 1], "map": {"none": None}}
    listed = proxy.row(proxy.new({"extra_body": sent}))["litellm_params"]["extra_body"]
    null = "None" if nested_nulls_become_text(proxy.version) else None
    assert listed == {"none": null, "list": [null, 1], "map": {"none": null}}


def test_numbers_booleans_and_nulls_are_masked_under_a_name_that_looks_like_a_secret(
    proxy: Proxy,
) -> None:
    sent = {"token": 5, "a-key": None, "secret": True, "auth": {"plain": 5}, "private": [5]}
    listed = proxy.row(proxy.new({"extra_body": sent}))["litellm_params"]["extra_body"]
    expected: Json = dict(sent)
    if short_secrets_are_masked(proxy.version):
        expected |= {"token": "*", "a-key": "", "secret": "****"}
    elif secrets_are_masked(proxy.version):
        expected |= {"token": "5", "a-key": "", "secret": "True"}
    assert listed == expected


def test_values_under_plain_names_come_back_as_sent(proxy: Proxy) -> None:
    sent = {
        "api_base": "http://127.0.0.1:9/some/v1",
        "rpm": 7,
        "weight": 3,
        "order": 2,
        "tags": ["a", "b"],
        "stream_timeout": "60",
        "max_parallel_requests": 4,
        "extra_body": {"top_k": 5, "nested": {"list": [1, "x"]}},
        "contract_unknown": "kept",
    }
    listed = proxy.row(proxy.new(sent))["litellm_params"]
    assert {key: listed[key] for key in sent} == sent


def test_timeout_comes_back_equal(proxy: Proxy) -> None:
    assert proxy.row(proxy.new({"timeout": 30}))["litellm_params"]["timeout"] == 30


def test_declared_numbers_are_parsed(proxy: Proxy) -> None:
    listed = proxy.row(proxy.new({"max_retries": "2", "tpm": "7"}))["litellm_params"]
    assert (listed["max_retries"], listed["tpm"]) == (2, 7)


def test_nulls_in_litellm_params_are_absent(proxy: Proxy) -> None:
    assert "weight" not in proxy.row(proxy.new({"weight": None}))["litellm_params"]


def test_default_false_booleans_are_added(proxy: Proxy) -> None:
    listed = proxy.row(proxy.new())["litellm_params"]
    assert {key for key, value in listed.items() if value is False} == default_false(proxy.version)


# --- PATCH ----------------------------------------------------------------------------------


def test_patch_merges(proxy: Proxy) -> None:
    model_id = proxy.new({"rpm": 5, "weight": 1}, {"mode": "chat", "x": {"a": 1}})
    row = proxy.patched(
        model_id, {"litellm_params": {"rpm": 9}, "model_info": {"id": model_id, "y": 2}}
    )
    params, info = row["litellm_params"], row["model_info"]
    assert (params["rpm"], params["weight"]) == (9, 1)
    assert (info["mode"], info["x"], info["y"]) == ("chat", {"a": 1}, 2)


def test_patch_renames(proxy: Proxy) -> None:
    model_id, name = proxy.new(), unknown("contract-renamed")
    assert proxy.patched(model_id, {"model_name": name})["model_name"] == name


def test_patch_ignores_nulls(proxy: Proxy) -> None:
    model_id = proxy.new({"rpm": 5, "weight": 2}, {"note": "n"})
    body = {
        "litellm_params": {"rpm": None, "weight": None},
        "model_info": {"id": model_id, "note": None},
    }
    row = proxy.patched(model_id, body)
    assert (row["litellm_params"]["rpm"], row["litellm_params"]["weight"]) == (5, 2)
    assert row["model_info"]["note"] == "n"


def test_a_null_clears_a_mirrored_price_in_new_releases(proxy: Proxy) -> None:
    model_id = proxy.new({"input_cost_per_token": 1e-6})
    row = proxy.patched(model_id, {"litellm_params": {"input_cost_per_token": None}})
    cleared = "input_cost_per_token" not in row["litellm_params"]
    assert cleared == null_clears_prices(proxy.version)


def test_patch_of_litellm_params_resets_default_false_booleans(proxy: Proxy) -> None:
    booleans = default_false(proxy.version)
    model_id = proxy.new(dict.fromkeys(booleans, True))
    params = proxy.patched(model_id, {"litellm_params": {"rpm": 1}})["litellm_params"]
    expected = not patch_resets_booleans(proxy.version)
    assert {params[key] for key in booleans} == {expected}


def test_patch_keeps_booleans_that_are_sent(proxy: Proxy) -> None:
    booleans = dict.fromkeys(default_false(proxy.version), True)
    model_id = proxy.new(booleans)
    body = {"litellm_params": {"rpm": 1, **booleans}}
    params = proxy.patched(model_id, body)["litellm_params"]
    assert {key: params[key] for key in booleans} == booleans


def test_patch_of_model_info_alone_keeps_booleans(proxy: Proxy) -> None:
    model_id = proxy.new({"use_in_pass_through": True})
    row = proxy.patched(model_id, {"model_info": {"id": model_id, "note": "n"}})
    assert row["litellm_params"]["use_in_pass_through"] is True


def test_params_are_removed_by_the_newest_releases_only(proxy: Proxy) -> None:
    model_id = proxy.new({"rpm": 5, "weight": 2})
    params = proxy.patched(model_id, {"litellm_params_to_remove": ["rpm"]})["litellm_params"]
    assert ("rpm" not in params) == params_are_removable(proxy.version)
    assert params["weight"] == 2


def test_every_kind_of_parameter_can_be_removed(proxy: Proxy) -> None:
    gone = {"tpm": 5, "extra_headers": {"x": "y"}, "contract_unknown": "z", "tags": ["t"]}
    model_id = proxy.new({**gone, "use_in_pass_through": True, "rpm": 3})
    removed = [*gone, "use_in_pass_through", "contract_never_there"]
    body = {"litellm_params": {"rpm": 4}, "litellm_params_to_remove": removed}
    params = proxy.patched(model_id, body)["litellm_params"]
    assert params["rpm"] == 4
    assert params["use_in_pass_through"] is False
    assert (not params.keys() & gone.keys()) == params_are_removable(proxy.version)


def test_a_removed_price_is_gone_from_model_info_too(proxy: Proxy) -> None:
    model_id = proxy.new({"input_cost_per_token": 1e-6, "output_cost_per_image": 0.5})
    body = {"litellm_params_to_remove": ["input_cost_per_token", "output_cost_per_image"]}
    row = proxy.patched(model_id, body)
    kept = not params_are_removable(proxy.version)
    assert (row["litellm_params"].get("input_cost_per_token") == 1e-6) == kept
    assert (row["model_info"].get("input_cost_per_token") == 1e-6) == kept
    assert "output_cost_per_image" not in row["litellm_params"] or kept
    assert row["model_info"].get("output_cost_per_image") is None or kept


def test_a_parameter_cannot_be_set_and_removed_at_once(proxy: Proxy) -> None:
    model_id = proxy.new({"rpm": 5})
    body = {"litellm_params": {"rpm": 6}, "litellm_params_to_remove": ["rpm"]}
    answer = proxy.patch(model_id, body)
    refused = set_and_removed_is_refused(proxy.version)
    assert answer.status_code == (422 if refused else 200)
    assert proxy.row(model_id)["litellm_params"]["rpm"] == (5 if refused else 6)


def test_patch_without_an_id_in_model_info_keeps_the_row_id(proxy: Proxy) -> None:
    model_id = proxy.new()
    assert proxy.patched(model_id, {"model_info": {"note": "n"}})["model_info"]["id"] == model_id


def test_patch_to_an_unknown_provider_is_not_an_error(proxy: Proxy) -> None:
    model_id = proxy.new({"model": "openai/contract-before"})
    answer = proxy.patch(model_id, {"litellm_params": {"model": "sglang/contract"}})
    assert answer.status_code == 200
    row = proxy.listed().get(model_id)
    shown = row["litellm_params"]["model"] if row else None
    kept = keeps_serving_what_it_had(proxy.version)
    assert shown == ("openai/contract-before" if kept else None)


def test_patch_of_an_unknown_id_is_a_404(proxy: Proxy) -> None:
    model_id = unknown()
    answer = proxy.patch(model_id, {})
    assert answer.status_code == 404
    assert error(answer) == {
        "message": f"Model {model_id} not found on proxy.",
        "type": "not_found_error",
        "param": None,
        "code": "404",
    }


def test_patch_of_a_config_file_model_is_refused(proxy: Proxy) -> None:
    model_id = proxy.config_row()["model_info"]["id"]
    answer = proxy.patch(model_id, {"litellm_params": {"rpm": 1}})
    assert (answer.status_code, error(answer)["message"]) == (
        400,
        "Cannot edit config-based model. Store model in DB via /model/new first.",
    )


# --- delete, block --------------------------------------------------------------------------


def test_a_deleted_row_is_gone_at_once(proxy: Proxy) -> None:
    def is_gone() -> bool:
        model_id = proxy.new()
        answer = proxy.delete(model_id)
        assert answer.json() == {"message": f"Model: {model_id} deleted successfully"}
        return model_id not in proxy.listed()

    # A reload that overlaps with the delete may bring the row back until the next reload.
    assert is_gone() or (proxy.version < SERIALISED and is_gone())


def test_delete_of_an_unknown_id_is_a_400(proxy: Proxy) -> None:
    model_id = unknown()
    answer = proxy.delete(model_id)
    assert (answer.status_code, error(answer)["message"]) == (
        400,
        f"{{'error': 'Model with id={model_id} not found in db'}}",
    )


def test_delete_of_a_config_file_model_is_refused(proxy: Proxy) -> None:
    model_id = proxy.config_row()["model_info"]["id"]
    answer = proxy.delete(model_id)
    assert answer.status_code == 400
    assert f"Model with id={model_id} not found in db" in error(answer)["message"]


def test_delete_without_an_id_is_a_422(proxy: Proxy) -> None:
    answer = proxy.call("POST", "/model/delete", {})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "id"])


def test_a_blocked_row_is_listed_as_blocked(proxy: Proxy) -> None:
    model_id = proxy.new()
    answer = proxy.call("POST", "/model/block", {"model_id": model_id})
    if not has_blocking(proxy.version):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
        assert "blocked" not in proxy.row(model_id)["model_info"]
        return
    assert proxy.row(model_id)["model_info"]["blocked"] is True
    proxy.call("POST", "/model/unblock", {"model_id": model_id})
    assert proxy.row(model_id)["model_info"]["blocked"] is False


def test_a_patch_blocks_a_row_and_writes_its_mark_and_leaves_its_parameters(proxy: Proxy) -> None:
    model_id = proxy.new({"rpm": 5, "use_in_pass_through": True})
    mark = {"paused": "drained", "owner": "contract"}
    body = {"blocked": True, "model_info": {"id": model_id, "modelprovisioner": mark}}
    assert proxy.patch(model_id, body).status_code == 200
    row = proxy.row(model_id)
    assert row["model_info"].get("blocked") is (True if has_blocking(proxy.version) else None)
    assert row["model_info"]["modelprovisioner"] == mark
    kept = row["litellm_params"]
    assert (kept["rpm"], kept["use_in_pass_through"]) == (5, True)


def test_a_patch_that_does_not_say_blocked_leaves_a_row_blocked(proxy: Proxy) -> None:
    if not has_blocking(proxy.version):
        pytest.skip("rows cannot be blocked")
    model_id = proxy.new()
    proxy.patch(model_id, {"blocked": True})
    proxy.patch(model_id, {"litellm_params": {"rpm": 6}, "model_info": {"id": model_id}})
    assert proxy.row(model_id)["model_info"]["blocked"] is True
    proxy.patch(model_id, {"blocked": False})
    assert proxy.row(model_id)["model_info"]["blocked"] is False


# --- listings -------------------------------------------------------------------------------


def test_a_config_file_row_is_not_a_db_model(proxy: Proxy) -> None:
    assert proxy.config_row()["model_info"]["db_model"] is False


def test_one_large_page_lists_everything(proxy: Proxy) -> None:
    made = {proxy.new(), proxy.new()}
    listing = proxy.listing()
    rows = [row["model_info"]["id"] for row in listing["data"]]
    assert made <= set(rows)
    assert len(rows) == len(set(rows))
    if has_pages(proxy.version):
        counts = (listing["total_count"], listing["current_page"], listing["size"])
        assert counts == (len(rows), 1, 10000)
        assert listing["total_pages"] == 1
    else:
        assert set(listing) == {"data"}


def test_pages_can_be_smaller(proxy: Proxy) -> None:
    proxy.new()
    listing = proxy.listing("?size=1&page=2")
    if has_pages(proxy.version):
        assert len(listing["data"]) == 1
        assert listing["total_pages"] == listing["total_count"]
    else:
        assert len(listing["data"]) >= 2


def test_a_page_past_the_end_is_empty(proxy: Proxy) -> None:
    if has_pages(proxy.version):
        assert proxy.listing("?size=10000&page=2")["data"] == []


def test_v2_finds_a_row_by_its_id(proxy: Proxy) -> None:
    model_id = proxy.new()
    proxy.new()
    listing = proxy.listing(f"?modelId={model_id}")
    if has_pages(proxy.version):
        assert [row["model_info"]["id"] for row in listing["data"]] == [model_id]
    else:
        assert len(listing["data"]) >= 2


def test_v2_finds_no_row_by_an_unknown_id(proxy: Proxy) -> None:
    if has_pages(proxy.version):
        listing = proxy.listing(f"?modelId={unknown()}")
        assert (listing["data"], listing["total_count"], listing["total_pages"]) == ([], 0, 0)


def test_v2_finds_by_id_what_is_stored_but_not_live(proxy: Proxy) -> None:
    model_id, _ = proxy.request_new({"model": "sglang/contract"})
    if has_pages(proxy.version):
        found = proxy.listing(f"?modelId={model_id}")["data"]
        assert [row["litellm_params"]["model"] for row in found] == ["sglang/contract"]


@pytest.mark.parametrize("path", ["/v1/model/info", "/model/info"])
def test_v1_finds_a_live_row_by_its_id(proxy: Proxy, path: str) -> None:
    model_id = proxy.new(info={"modelprovisioner": MARK})
    answer = proxy.call("GET", f"{path}?litellm_model_id={model_id}")
    data = answer.json()["data"]
    assert [row["model_info"]["id"] for row in data] == [model_id]
    assert data[0]["model_info"]["modelprovisioner"] == MARK


@pytest.mark.parametrize("live", ["unknown", "stored"])
def test_v1_finds_nothing_that_is_not_live(proxy: Proxy, live: str) -> None:
    model_id = unknown()
    if live == "stored":
        model_id, _ = proxy.request_new({"model": "sglang/contract"})
    answer = proxy.call("GET", f"/v1/model/info?litellm_model_id={model_id}")
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": {"error": f"Model id = {model_id} not found on litellm proxy"}},
    )


# --- simulator only: replicas, an empty database, faults ------------------------------------


def ids(proxy: Proxy) -> set[str]:
    return set(proxy.listed())


def test_a_replica_reloads_by_itself() -> None:
    with LiteLLMSimulator() as simulator, client(simulator) as proxy:
        simulator.reload_interval = 0.0
        simulator.database.rows["x"] = Row("x", "x", {"model": "openai/x"})
        assert ids(proxy) == {"x"}


def test_a_stored_row_is_found_by_id_before_the_reload() -> None:
    with LiteLLMSimulator(config_models=[CONFIG_MODEL]) as simulator, client(simulator) as proxy:
        simulator.database.rows["x"] = Row("x", "x", {"model": "openai/x"})
        assert "x" not in ids(proxy)
        assert proxy.listing("?modelId=x")["total_count"] == 1


def test_an_empty_router_finds_nothing_by_id() -> None:
    with LiteLLMSimulator() as simulator, client(simulator) as proxy:
        simulator.database.rows["x"] = Row("x", "x", {"model": "openai/x"})
        assert proxy.listing("?modelId=x")["total_count"] == 0


def test_v1_is_a_500_until_the_first_model_was_made() -> None:
    with LiteLLMSimulator() as simulator, client(simulator) as proxy:
        answer = proxy.call("GET", "/v1/model/info")
        assert answer.status_code == 500
        assert answer.json()["detail"]["error"].startswith("LLM Model List not loaded in.")
        proxy.delete(proxy.new())
        assert proxy.call("GET", "/v1/model/info").json() == {"data": []}


def test_a_team_row_has_its_public_name_and_cannot_be_written() -> None:
    info = {"team_id": "t", "team_public_model_name": "public"}
    with LiteLLMSimulator() as simulator, client(simulator) as proxy:
        simulator.database.rows["x"] = Row("x", "model_name_t_1", {"model": "openai/x"}, info)
        simulator.reload()
        assert proxy.row("x")["model_name"] == "public"
        assert [proxy.patch("x", {}).status_code, proxy.delete("x").status_code] == [403, 403]


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_a_fault_of_the_simulator_happens(kind: FaultKind) -> None:
    with LiteLLMSimulator() as simulator, client(simulator) as proxy:
        simulator.fault = lambda method, *_: (
            Fault(kind, 503, "busy", seconds=0.01) if method == "POST" else None
        )
        answer: tuple[int, str] | None = None
        with suppress(requests.RequestException):
            got = proxy.request_new(model_id="x")[1]
            answer = (got.status_code, got.text[:9])
        answers = {
            "status": (503, "busy"),
            "status_after": (503, "busy"),
            "html": (200, "<!doctype"),
        }
        assert answer == answers.get(kind)
        assert ("x" in simulator.database.rows) == (
            kind in {"reset_after", "status_after", "truncate"}
        )
        assert simulator.writes == [("POST", "/model/new")]
