"""What is special about servers that run models themselves."""

from __future__ import annotations

from typing import Any

import pytest

from engine.backends.kinds import lmstudio, ollama, sglang, tabbyapi, vllm
from engine.bounds import MAX_SHOWN
from engine.errors import Unavailable
from tests.adapters import ANY, CASES, ask, read, server_over


def test_what_the_trained_window_is_never_counts_as_the_runtime_one() -> None:
    for kind, case in (("ollama", "idle"), ("lmstudio", "v0")):
        records = read(CASES / kind / f"{case}.json")["records"]
        unloaded = [record for record in records if record.get("state") == "unloaded"]
        assert unloaded
        assert not any("max_input_tokens" in record["info"] for record in unloaded)


def test_a_trained_window_of_xinference_is_not_its_window() -> None:
    records = read(CASES / "xinference" / "models.json")["records"]
    windows = {record["id"]: record["info"].get("max_input_tokens") for record in records}
    assert windows == {"my-qwen": None, "bge-m3": 8192, "bge-reranker": None, "whisper": None}


# -- Ollama ----------------------------------------------------------------------------------------


def test_ollama_asks_about_a_bounded_number_of_models() -> None:
    tags = {"models": [{"name": f"m{number:03}"} for number in range(MAX_SHOWN + 5)]}
    answers = {"GET /api/tags": tags, "POST /api/show": {"capabilities": ["completion"]}}
    server, sent = server_over(answers, ollama.ALLOWED)
    found = ollama.ask(server)
    assert len(sent) == 2 + MAX_SHOWN
    assert len(found.records) == MAX_SHOWN + 5
    assert found.notes == ("only the first 200 models without a description were asked about",)


def test_ollama_down_in_mid_cycle_is_no_broken_model() -> None:
    answers = {"GET /api/tags": {"models": [{"name": "m"}]}, "POST /api/show": {"status": 503}}
    with pytest.raises(Unavailable):
        ask(ollama, answers)


def test_names_of_loaded_models_are_compared_as_ollama_does() -> None:
    tags = [
        {"name": "Hub/Gemma4", "capabilities": ["completion"], "details": {"context_length": 9}}
    ]
    running = [{"model": "hub/gemma4:latest", "context_length": 4096}]
    found = ask(ollama, {"GET /api/tags": {"models": tags}, "GET /api/ps": {"models": running}})
    assert found.records[0].info["max_input_tokens"] == 4096
    assert found.records[0].state == "loaded"


# -- vLLM and SGLang -------------------------------------------------------------------------------


def test_an_adapter_in_a_loop_of_parents_inherits_nothing() -> None:
    models = [{"id": "a", "parent": "b", "max_model_len": 5}, {"id": "b", "parent": "a"}]
    found = ask(vllm, {"GET /v1/models": {"data": models}})
    assert [record.info for record in found.records] == [{"max_input_tokens": 5}, {}]


def test_an_openapi_that_is_too_large_leaves_the_mode_open() -> None:
    answers = {"GET /v1/models": {"data": [{"id": "a"}]}, "GET /openapi.json": {"status": 200}}
    found = ask(vllm, answers)  # a status without a body means that the client refuses the answer
    assert found.records[0].info == {}


@pytest.mark.parametrize(
    ("url", "endpoint", "base"),
    [
        ("http://box:8000", "/models", "http://box:8000"),
        ("http://box:8000/v1", "/models", "http://box:8000/v1"),
        ("http://box:8000", "/v1/models", "http://box:8000/v1"),
        ("http://box:8000", "/other", "http://box:8000/v1"),
    ],
)
def test_vllm_with_a_list_of_its_own_is_reached_below_v1(
    url: str, endpoint: str, base: str
) -> None:
    answers = {ANY: {"data": [{"id": "a"}]}}
    assert ask(vllm, answers, url=url, models_endpoint=endpoint).listed == base


@pytest.mark.parametrize("info", [{}, {"is_generation": False}, {"is_generation": "yes"}])
def test_sglang_that_tells_too_little_leaves_the_mode_open(info: dict[str, Any]) -> None:
    answers = {"GET /v1/models": {"data": [{"id": "m"}]}, "GET /model_info": info}
    assert ask(sglang, answers).records[0].info == {}


# -- LM Studio -------------------------------------------------------------------------------------


def test_a_smaller_window_of_two_loaded_copies_counts() -> None:
    copies = [{"config": {"context_length": size}} for size in (8192, 4096)]
    models = {"models": [{"key": "m", "loaded_instances": copies}]}
    record = ask(lmstudio, {"GET /api/v1/models": models}).records[0]
    assert record.info == {"max_input_tokens": 4096}
    assert record.slots == 0


# -- TabbyAPI --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 500, 502])
def test_tabby_that_went_down_has_not_unloaded_its_model(status: int) -> None:
    answers = {"GET /v1/models": {"data": ["a"]}, ANY: {"status": status}}
    with pytest.raises(Unavailable):
        ask(tabbyapi, answers)


def test_a_loaded_model_that_is_called_like_a_dummy_is_kept() -> None:
    model = {"id": "gpt-3.5-turbo", "parameters": {"max_seq_len": 5}}
    found = ask(tabbyapi, {"GET /v1/models": {"data": [model]}, "GET /v1/model": model})
    assert [record.info for record in found.records] == [{"max_input_tokens": 5}]


def test_an_embedding_model_of_tabby_that_is_listed_is_not_listed_twice() -> None:
    answers = {"GET /v1/models": {"data": ["a"]}, "GET /v1/model/embedding": {"id": "a"}}
    assert [record.id for record in ask(tabbyapi, answers).records] == ["a"]
