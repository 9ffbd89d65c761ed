"""The rows that the proof of a plan expects are those that LiteLLM of each version lists.

The simulator is the other side: the contract tests check it against real LiteLLMs.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.litellm_rows import default_false, parse_version
from engine.litellm.api import editing_of
from engine.litellm.fields import DEFAULT_FALSE
from engine.litellm.listed import listed_row

MASTER: Final = "sk-listed-rows"
VERSIONS: Final = (
    "1.74.15", "1.82.9", "1.83.0", "1.94.9", "1.95.0", "1.101.9", "1.102.0", "1.103.9", "1.104.0",
    "1.106.2", "1.108.9", "1.109.0", "1.109.9", "1.110.0", "1.110.2",
)  # fmt: skip
"""The newest release before each change that matters here, and the first one with it."""
HIDDEN: Final = {
    "my_token": "secret-of-21-letters!",
    "eight_key": "12345678",
    "nine_key": "123456789",
    "auth": 123456789012,
    "access": None,
    "private": True,
    "fingerprint": ["short", 5, None, {"password": "x" * 12, "plain": None}],
}
PARAMS: Final[dict[str, Any]] = {
    "model": "openai/a/b",
    "api_base": "http://box:8000/v1",
    "rpm": " 5 ",
    "tpm": "7",
    "max_retries": "2",
    "drop_params": "true",
    "stream_timeout": "60",
    "weight": None,
    "use_litellm_proxy": True,
    "input_cost_per_token": 0.000001,
    "tiered_pricing": [{"range": [0, 1]}],
    "cost_per_second": 0.5,
    "input_cost_per_second": 0.25,
    "vertex_credentials": {"type": "service_account"},
    "live_token": "a-token-of-its-own",
    "extra_body": {**HIDDEN, "list": [None, "x", {"cookie": "c"}], "nothing": None, "map": HIDDEN},
}
INFO: Final[dict[str, Any]] = {
    "id": "row-1",
    "mode": "chat",
    "note": {"token": "not hidden here", "nothing": None},
    "output_cost_per_token": 0.000002,
    "my_token_cost": 1,
    "supported_openai_params": ["ours"],
}
ROW: Final = {"model_name": "public", "litellm_params": PARAMS, "model_info": INFO}


def ask(litellm: LiteLLMSimulator, method: str, path: str, body: Any = None) -> Any:
    answer = litellm.answer(method, path, f"Bearer {MASTER}", json.dumps(body).encode())
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def listed_by(litellm: LiteLLMSimulator) -> dict[str, Any]:
    (row,) = ask(litellm, "GET", "/v2/model/info")["data"]
    return dict(row)


def assert_alike(expected: dict[str, Any], row: dict[str, Any], version: str) -> None:
    """Compare a row with what is expected of it, apart from what LiteLLM adds by itself."""
    assert expected["model_name"] == row["model_name"]
    later = DEFAULT_FALSE.difference(default_false(parse_version(version)))
    assert expected["litellm_params"] == row["litellm_params"] | dict.fromkeys(later, False)
    ours = {"db_model", *INFO, *PARAMS}
    infos = [expected["model_info"], row["model_info"]]
    first, second = [{name: info[name] for name in ours & info.keys()} for info in infos]
    assert first == {name: value for name, value in second.items() if value is not None}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_created_row_is_expected_as_it_is_listed(version: str) -> None:
    litellm = LiteLLMSimulator(version, master_key=MASTER)
    ask(litellm, "POST", "/model/new", ROW)
    assert_alike(listed_row(ROW, editing_of(version)), listed_by(litellm), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_changed_row_is_expected_as_it_is_listed(version: str) -> None:
    litellm = LiteLLMSimulator(version, master_key=MASTER)
    editing = editing_of(version)
    ask(litellm, "POST", "/model/new", ROW)
    before = listed_row(ROW, editing)
    change: dict[str, Any] = {
        "model_name": "renamed",
        "litellm_params": {**PARAMS, "order": 2, "drop_params": "false"},
        "model_info": {**INFO, "mode": "embedding"},
    }
    del change["litellm_params"]["use_litellm_proxy"]
    del change["litellm_params"]["extra_body"]
    removed = ("extra_body", "never_there") if editing.removes else ()
    body = {**change, "litellm_params_to_remove": list(removed)} if removed else change
    ask(litellm, "PATCH", "/model/row-1/update", body)
    row = listed_by(litellm)
    if not removed:  # LiteLLM kept it; as it was listed masked, its values are not expected again
        del before["litellm_params"]["extra_body"], row["litellm_params"]["extra_body"]
    assert_alike(listed_row(change, editing, before, removed), row, version)


def test_a_secret_is_expected_hidden_wherever_it_is() -> None:
    secret = {"$secret": "f" * 32}
    params = {"model": "openai/m", "plain": secret, "deep": {"list": [secret, {"name": secret}]}}
    row = {"model_name": "m", "litellm_params": params, "model_info": {"id": "row-1"}}
    for version in VERSIONS:
        shown = listed_row(row, editing_of(version))["litellm_params"]
        assert shown["plain"] == "****"
        assert shown["deep"] == {"list": ["****", {"name": "****"}]}


def test_the_fields_that_every_row_gets_are_expected() -> None:
    litellm = LiteLLMSimulator("1.110.2", master_key=MASTER)
    ask(litellm, "POST", "/model/new", {**ROW, "model_info": {"id": "row-1"}})
    row = {**ROW, "model_info": {"id": "row-1"}}
    info = listed_row(row, editing_of("1.110.2"))["model_info"]
    for name in ("key", "litellm_provider"):
        assert info[name] == listed_by(litellm)["model_info"][name]
    assert info["supported_openai_params"] == []


def test_an_unknown_version_is_expected_to_list_as_the_newest_does() -> None:
    assert listed_row(ROW, editing_of("unknown")) == listed_row(ROW, editing_of("1.110.2"))


@pytest.mark.parametrize(
    "version", ["", "unknown", "v1.110", "1", "1.x", "\uff11.\uff11\uff11\uff10.2"]
)
def test_a_version_that_cannot_be_read_allows_no_change_in_place(version: str) -> None:
    editing = editing_of(version)
    assert [editing.in_place, editing.removes, editing.reports_unserved] == [False] * 3
