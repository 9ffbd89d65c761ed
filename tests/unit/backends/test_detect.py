"""The kind auto, which recognises the kind of a server."""

from __future__ import annotations

from typing import Any

import pytest

from engine.backends import detect as auto
from engine.backends.kinds import KINDS
from engine.errors import Rejected, Unavailable
from tests.adapters import ANY, CASES, read, result_of, server_over

_VERSION = {"GET /version": {"version": "0.32.0"}}
_OLLAMA = {"GET /api/version": {"version": "0.12.6"}}
_TAGS = {
    "GET /api/tags": {"models": [{"name": "a", "model": "a", "digest": "c6eb", "details": {}}]},
    **_OLLAMA,
}
"""Answers of servers that imitate Ollama."""

RECOGNISED = [
    ("openai/llamacpp", {}, "llamacpp", 'owned_by is "llamacpp" in GET /models'),
    ("openai/llamacpp-router", {}, "llamacpp", 'owned_by is "llamacpp"'),
    ("openai/llama-swap", {}, "llamacpp", 'owned_by is "llama-swap"'),
    ("openai/openai", {}, "openai", "no sign of another kind"),
    ("openai/anthropic-shape", {}, "openai", "no sign of another kind"),
    ("openai/strings", {}, "openai", "no sign of another kind"),
    ("openai/mlx-lm", {}, "openai", "no sign of another kind"),
    ("openai/lmdeploy", {}, "openai", 'owned_by is "lmdeploy" in GET /v1/models, which has no'),
    ("openai/openrouter", {}, "openrouter", "its list has pricing.prompt and architecture"),
    ("vllm/chat-and-lora", _VERSION, "vllm", 'owned_by is "vllm", and GET /version has a'),
    ("vllm/rerank", _VERSION, "vllm", 'owned_by is "vllm", and GET /version has a'),
    ("vllm/chat-and-lora", {}, "openai", 'owned_by is "vllm", but GET /version does not'),
    ("vllm/nim", {}, "openai", "no sign of another kind"),
    ("sglang/chat-and-lora", {}, "sglang", 'owned_by is "sglang"'),
    ("sglang/chat-and-lora", _TAGS, "sglang", 'owned_by is "sglang"'),
    ("ollama/tags", _OLLAMA, "ollama", "GET /api/tags lists digests, and GET /api/version"),
    ("ollama/empty", _OLLAMA, "ollama", "GET /api/tags lists digests, and GET /api/version"),
    ("lmstudio/v1", {}, "lmstudio", "GET /api/v1/models lists key, loaded_instances, type"),
    ("lmstudio/v0", {}, "lmstudio", "GET /api/v0/models lists id, state, type"),
    ("tgi/chat", {}, "tgi", "GET /info has model_id and max_total_tokens"),
    ("tei/embedding", {}, "tei", "GET /info has model_id and model_type"),
    ("tei/rerank", {}, "tei", "GET /info has model_id and model_type"),
    ("infinity/models", {}, "infinity", 'owned_by is "infinity" in GET /models'),
    ("localai/capabilities", {}, "localai", "GET /v1/models/capabilities lists capabilities"),
    ("localai/capabilities", _TAGS, "localai", "GET /v1/models/capabilities lists capabilities"),
    ("localai/without-capabilities", {}, "openai", "no sign of another kind"),
    ("xinference/models", {}, "xinference", 'owned_by is "xinference"'),
    ("tabbyapi/one-loaded", {}, "tabbyapi", 'owned_by is "tabbyAPI"'),
    ("docker_model_runner/engines", {}, "docker_model_runner", 'owned_by is "docker"'),
    ("docker_model_runner/engines", _TAGS, "docker_model_runner", 'owned_by is "docker"'),
    ("docker_model_runner/one-engine", {}, "docker_model_runner", 'owned_by is "docker"'),
    ("lemonade/models", {}, "lemonade", 'owned_by is "lemonade"'),
    ("lemonade/below-api", {}, "lemonade", 'owned_by is "lemonade" in GET /api/v1/models'),
    ("litellm_proxy/wildcard", {}, "litellm_proxy", "GET /model_group/info lists its"),
    ("openrouter/models", {}, "openrouter", "its list has pricing.prompt"),
    ("openrouter/bare-url", {}, "openrouter", "its list has pricing.prompt"),
]


@pytest.mark.parametrize(("name", "more", "kind", "sign"), RECOGNISED)
def test_auto_recognises_a_recorded_server_and_names_its_sign(
    name: str, more: dict[str, Any], kind: str, sign: str
) -> None:
    case = read(CASES / f"{name}.json")
    case["requests"] = {**case["requests"], **more}
    server, sent = server_over(
        case["requests"], auto.ALLOWED, url=case.get("url", "http://box:8000")
    )
    recognised, found = auto.ask_as(server)
    assert recognised == kind
    assert found.notes[0].startswith(f"recognised as {kind}: {sign}")
    assert len(sent) == len(set(sent)), "asked twice"
    plain = result_of(KINDS[kind], case)
    assert [record.id for record in found.records] == [entry["id"] for entry in plain["records"]]
    assert found.listed == plain["base"]
    assert list(found.notes[1:]) == plain["notes"]


def test_auto_recognises_gpustack_by_its_plain_list() -> None:
    requests = read(CASES / "gpustack" / "every-category.json")["requests"]
    requests["GET /v1/models"] = requests["GET /v1/models?with_meta=true"]
    server, _ = server_over(requests, auto.ALLOWED)
    assert auto.ask_as(server)[0] == "gpustack"


def test_every_kind_is_recognised_in_some_recording() -> None:
    assert {kind for _, _, kind, _ in RECOGNISED} | {"gpustack"} == KINDS.keys()


def test_litellm_is_recognised_without_its_groups() -> None:
    models = {"data": [{"id": "a", "owned_by": "openai"}]}
    answers = {
        "GET /v1/models": models,
        "GET /v1/models?return_wildcard_routes=true": models,
        "GET /model_group/info": {"status": 403},
        "GET /health/readiness": {"status": "healthy", "db": "connected", "cache": None},
    }
    server, _ = server_over(answers, auto.ALLOWED)
    kind, found = auto.ask_as(server)
    assert kind == "litellm_proxy"
    assert found.notes == (
        "recognised as litellm_proxy: GET /health/readiness has the state of its database",
    )


_IMPOSTORS: dict[str, dict[str, Any]] = {
    "sglang": {"GET /v1/models": {"data": [{"id": "a", "owned_by": "sglang"}]}, **_TAGS},
    "localai": {
        "GET /v1/models": {"data": [{"id": "a", "object": "model"}]},
        "GET /v1/models/capabilities": {"data": [{"id": "a", "capabilities": None}]},
        **_TAGS,
    },
    "localai without models": {
        "GET /v1/models": {"data": []},
        "GET /v1/models/capabilities": {"data": []},
        "GET /api/tags": {"models": None},
        **_OLLAMA,
    },
    "localai without models, older": {
        "GET /v1/models": {"data": None},
        "GET /api/tags": {"models": None},
        **_OLLAMA,
    },
    "koboldcpp": {
        "GET /v1/models": {"data": [{"id": "koboldcpp/a", "owned_by": "koboldcpp"}]},
        **_TAGS,
    },
    "koboldcpp by its tags": {
        "GET /api/tags": {"models": [{"name": "koboldcpp", "digest": "b", "details": {}}]},
        "GET /v1/models": {"data": ["a"]},
        **_OLLAMA,
    },
    "docker model runner": {
        "GET /engines/v1/models": {"data": [{"id": "a", "owned_by": "docker"}]},
        **_TAGS,
    },
    "docker model runner without models": {
        "GET /v1/models": {"data": []},
        "GET /engines/v1/models": {"data": []},
        "GET /api/tags": {"models": []},
        **_OLLAMA,
    },
    "llama.cpp, older": {
        "GET /v1/models": {"data": [{"id": "a", "owned_by": "llamacpp"}]},
        **_TAGS,
    },
    "tags without a digest": {
        "GET /v1/models": {"data": ["a"]},
        "GET /api/tags": {"models": [{"name": "a", "details": {}}]},
        **_OLLAMA,
    },
    "tags without a version": {
        "GET /v1/models": {"data": ["a"]},
        "GET /api/tags": _TAGS["GET /api/tags"],
    },
}


_BEHIND = {
    "sglang": "sglang",
    "localai": "localai",
    "localai without models": "localai",
    "docker model runner": "docker_model_runner",
    "docker model runner without models": "docker_model_runner",
    "llama.cpp, older": "llamacpp",
}


@pytest.mark.parametrize("name", _IMPOSTORS)
def test_an_impostor_is_not_taken_for_ollama(name: str) -> None:
    server, _ = server_over(_IMPOSTORS[name], auto.ALLOWED)
    kind, _found = auto.ask_as(server)
    assert kind == _BEHIND.get(name, "openai")


@pytest.mark.parametrize("status", [0, 429, 502, 503])
def test_auto_does_not_guess_while_a_probe_is_unavailable(status: int) -> None:
    answers = {"GET /v1/models": {"data": [{"id": "a", "owned_by": "vllm"}]}}
    server, _ = server_over({**answers, "GET /version": {"status": status}}, auto.ALLOWED)
    with pytest.raises(Unavailable):
        auto.ask_as(server)


def test_a_server_that_fails_on_paths_that_it_does_not_have_is_still_read() -> None:
    answers = {"GET /v1/models": {"data": ["a"]}, "GET /models": {"data": ["a"]}}
    server, sent = server_over({**answers, ANY: {"status": 500}}, auto.ALLOWED)
    kind, found = auto.ask_as(server)
    assert (kind, len(found.records)) == ("openai", 1)
    assert len(sent) <= 12


def test_an_info_of_something_else_is_no_sign() -> None:
    answers = {"GET /models": {"data": ["a"]}, "GET /info": {"model_id": "a", "version": "1"}}
    server, _ = server_over(answers, auto.ALLOWED)
    assert auto.ask_as(server)[0] == "openai"


@pytest.mark.parametrize("status", [401, 403])
def test_auto_takes_a_refused_key_for_what_it_is(status: int) -> None:
    server, sent = server_over({ANY: {"status": status}}, auto.ALLOWED)
    with pytest.raises(Rejected):
        auto.ask_as(server)
    assert len(sent) == 1


def test_auto_reads_a_configured_list_first() -> None:
    answers = {"GET /my/models": {"data": [{"id": "a", "owned_by": "lemonade"}]}}
    server, sent = server_over(answers, auto.ALLOWED, models_endpoint="/my/models")
    assert auto.ask_as(server)[0] == "lemonade"
    assert sent == ["GET /my/models"]
