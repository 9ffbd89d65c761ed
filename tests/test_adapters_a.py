"""The adapters of ollama, llama.cpp, vllm, openai, sglang, lmstudio, tgi, tei and infinity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends import (
    infinity,
    llamacpp,
    lmstudio,
    ollama,
    openai,
    sglang,
    tei,
    tgi,
    vllm,
)
from engine.backends.record import MODES, Record
from engine.backends.server import Found
from engine.bounds import MAX_SHOWN
from engine.errors import Rejected, TransportError, Unavailable
from tests.adapters import ANY, FIXTURES, answered, cases, golden_case, route_of, server_over

ADAPTERS: dict[str, ModuleType] = {
    "ollama": ollama,
    "llamacpp": llamacpp,
    "vllm": vllm,
    "openai": openai,
    "sglang": sglang,
    "lmstudio": lmstudio,
    "tgi": tgi,
    "tei": tei,
    "infinity": infinity,
}
CASES = [
    pytest.param(kind, path, id=f"{kind}-{path.stem}") for kind in ADAPTERS for path in cases(kind)
]
MATRIX = json.loads((FIXTURES / "litellm" / "url-matrix.json").read_text(encoding="utf-8"))["rows"]


@pytest.mark.parametrize(("kind", "path"), CASES)
def test_a_recording_gives_its_golden_records(kind: str, path: Path) -> None:
    golden_case(path, ADAPTERS[kind])


@pytest.mark.parametrize("kind", ADAPTERS)
def test_every_adapter_has_cases(kind: str) -> None:
    assert len(cases(kind)) >= 3


# -- what is sent ----------------------------------------------------------------------------------

_HARMLESS = {
    "GET /models", "GET /v1/models", "GET /api/tags", "GET /api/ps", "POST /api/show",
    "GET /openapi.json", "GET /props", "GET /model_info", "GET /get_model_info",
    "GET /api/v1/models", "GET /api/v0/models", "GET /info",
}  # fmt: skip
"""Requests that are known to load nothing and to generate nothing."""


@pytest.mark.parametrize("kind", ADAPTERS)
def test_an_adapter_publishes_only_harmless_requests(kind: str) -> None:
    assert set(ADAPTERS[kind].ALLOWED) <= _HARMLESS


@pytest.mark.parametrize("kind", ADAPTERS)
def test_the_published_requests_are_the_ones_that_the_cases_need(kind: str) -> None:
    module = ADAPTERS[kind]
    sent: set[str] = set()
    for path in cases(kind):
        case = json.loads(path.read_text(encoding="utf-8"))
        if "models_endpoint" not in case:
            plain = (request.partition("?")[0] for request in case["sent"])
            sent.update(" ".join(request.split(" ")[:2]) for request in plain)
    assert sent == set(module.ALLOWED)


# -- any answer at all -----------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        "id", "name", "model", "key", "data", "models", "capabilities", "details", "parameters",
        "context_length", "max_model_len", "parent", "root", "status", "value", "failed", "type",
        "architecture", "input_modalities", "meta", "n_ctx", "paths", "is_generation", "state",
        "loaded_instances", "config", "model_type", "served_model_name", "model_id", "error",
        "architectures", "max_input_length", "remote_host", "loaded", "text", "image", "chat",
        "completion", "embedding", "classify", "embed", "llm", "*", "\x00", "\ud800", "a:b", "A",
        "num_ctx 5", "num_ctx 99999999999",
    ]
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _WORDS | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(), inner, max_size=5)
    ),
    max_leaves=25,
)
_ENTRY = st.dictionaries(_WORDS, _JSON, max_size=8) | _JSON
_LIST = st.one_of(
    st.builds(lambda entries: {"data": entries}, st.lists(_ENTRY, max_size=4)),
    st.builds(lambda entries: {"models": entries}, st.lists(_ENTRY, max_size=4)),
    _ENTRY,
)
_STATUS = st.builds(
    lambda status, body: {"status": status, "body": body},
    st.sampled_from([0, 200, 301, 400, 401, 403, 404, 429, 500, 503]),
    _JSON,
)


@pytest.mark.parametrize("kind", ADAPTERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_answer_ends_in_records_or_in_a_transport_error(kind: str, data: st.DataObject) -> None:
    module = ADAPTERS[kind]
    answers = {
        request: data.draw(_LIST | _STATUS, label=request) for request in (*module.ALLOWED, ANY)
    }
    url = data.draw(st.sampled_from(["http://box:8000", "http://box:8000/v1"]))
    endpoint = data.draw(st.sampled_from(["", "", "/my/models"]))
    server, sent = server_over(answers, module.ALLOWED, url=url, models_endpoint=endpoint)
    try:
        found = module.ask(server)
    except TransportError:
        return
    assert isinstance(found, Found)
    assert len(sent) <= 10
    for record in found.records:
        assert_sound(record)


def assert_sound(record: Record) -> None:
    """Assert that a record holds only what LiteLLM's fields can be, each with its source."""
    assert record.id.encode()
    assert record.info.keys() == record.sources.keys()
    for name, value in record.info.items():
        if name == "mode":
            assert value in MODES
        elif name.startswith("supports_"):
            assert isinstance(value, bool)
        else:
            assert name in ("max_input_tokens", "max_output_tokens", "max_tokens")
            assert isinstance(value, int)
            assert value > 0
    assert isinstance(record.family, str)
    assert isinstance(record.parent, str)
    assert isinstance(record.slots, int)
    assert record.remote in (True, False)


# -- what changes from call to call ----------------------------------------------------------------

_VOLATILE = {
    "created", "permission", "stats", "size", "size_vram", "size_bytes", "digest", "expires_at",
    "modified_at", "version", "sha", "model_sha",
}  # fmt: skip


def stirred(value: Any) -> Any:
    """Return a body with other volatile values in it, and its lists the other way round."""
    if isinstance(value, Mapping):
        return {name: _other(name, inner) for name, inner in reversed(list(value.items()))}
    return [stirred(inner) for inner in reversed(value)] if isinstance(value, list) else value


def _other(name: str, inner: Any) -> Any:
    """Return another value of a field; a command line (``args``) has an order that matters."""
    if name in _VOLATILE:
        return "something else"
    return inner if name == "args" else stirred(inner)


@pytest.mark.parametrize(("kind", "path"), CASES)
def test_values_that_change_by_themselves_are_in_no_record(kind: str, path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    module = ADAPTERS[kind]
    assert answered(module, case, stirred) == answered(module, case, lambda body: body)


# -- where LiteLLM sends its requests --------------------------------------------------------------

_SERVED = {
    "ollama": {
        "chat": "/api/chat",
        "completion": "/api/generate",
        "embedding": "/api/embed",
        "image_generation": "/v1/images/generations",
    },
    "llamacpp": {
        "chat": "/v1/chat/completions",
        "embedding": "/v1/embeddings",
        "rerank": "/v1/rerank",
    },
    "vllm": {
        "chat": "/v1/chat/completions",
        "completion": "/v1/completions",
        "embedding": "/v1/embeddings",
        "rerank": "/v1/rerank",
        "audio_transcription": "/v1/audio/transcriptions",
    },
    "openai": {
        "chat": "/v1/chat/completions",
        "completion": "/v1/completions",
        "embedding": "/v1/embeddings",
        "rerank": "/v1/rerank",
        "audio_transcription": "/v1/audio/transcriptions",
        "audio_speech": "/v1/audio/speech",
        "image_generation": "/v1/images/generations",
    },
    "sglang": {
        "chat": "/v1/chat/completions",
        "embedding": "/v1/embeddings",
        "rerank": "/v1/rerank",
    },
    "lmstudio": {
        "chat": "/v1/chat/completions",
        "completion": "/v1/completions",
        "embedding": "/v1/embeddings",
    },
    "tgi": {"chat": "/v1/chat/completions", "completion": "/v1/completions"},
    "tei": {"embedding": "/v1/embeddings", "rerank": "/rerank"},
    "infinity": {"embedding": "/embeddings", "rerank": "/rerank"},
}
"""The path at which a backend serves a mode."""


@pytest.mark.parametrize(
    ("kind", "mode"), [(kind, mode) for kind, modes in _SERVED.items() for mode in modes]
)
def test_a_route_leads_to_the_path_that_the_backend_serves(kind: str, mode: str) -> None:
    listed = "http://box:8000" if kind == "infinity" else "http://box:8000/v1"
    found = Found((), listed)
    provider, base = route_of(ADAPTERS[kind], mode, found, "http://box:8000")
    hits = MATRIX[f"{provider}|{base.removeprefix('http://box:8000')}|{mode}"]
    assert f"POST {_SERVED[kind][mode]}" in hits


@pytest.mark.parametrize(("kind", "path"), CASES)
def test_every_mode_that_a_case_finds_has_a_route_that_is_tested(kind: str, path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    modes = {record["info"].get("mode") for record in case.get("records", []) if "info" in record}
    assert modes - {None} <= _SERVED[kind].keys()


# -- single rules ----------------------------------------------------------------------------------


def ask(kind: str, answers: Mapping[str, Any], **options: str) -> Found:
    module = ADAPTERS[kind]
    server, _ = server_over(dict(answers), module.ALLOWED, **options)
    found: Found = module.ask(server)
    return found


@pytest.mark.parametrize("kind", ADAPTERS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_search_for_a_list(kind: str, status: int) -> None:
    module = ADAPTERS[kind]
    server, sent = server_over({ANY: {"status": status}}, module.ALLOWED)
    with pytest.raises(Rejected) as caught:
        module.ask(server)
    assert caught.value.status == status
    assert len(sent) == 1


@pytest.mark.parametrize("kind", ADAPTERS)
def test_a_backend_that_is_loading_is_not_asked_further(kind: str) -> None:
    module = ADAPTERS[kind]
    server, sent = server_over({ANY: {"status": 503}}, module.ALLOWED)
    with pytest.raises(Unavailable):
        module.ask(server)
    assert len(sent) == 1


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
        ask("ollama", answers)


def test_names_of_loaded_models_are_compared_as_ollama_does() -> None:
    tags = [
        {"name": "Hub/Gemma4", "capabilities": ["completion"], "details": {"context_length": 9}}
    ]
    running = [{"model": "hub/gemma4:latest", "context_length": 4096}]
    found = ask("ollama", {"GET /api/tags": {"models": tags}, "GET /api/ps": {"models": running}})
    assert found.records[0].info["max_input_tokens"] == 4096
    assert found.records[0].state == "loaded"


def test_what_the_trained_window_is_never_counts_as_the_runtime_one() -> None:
    for kind, case in (("ollama", "idle"), ("lmstudio", "v0")):
        path = FIXTURES / "adapters" / kind / f"{case}.json"
        records = json.loads(path.read_text(encoding="utf-8"))["records"]
        unloaded = [record for record in records if record.get("state") == "unloaded"]
        assert unloaded
        assert not any("max_input_tokens" in record["info"] for record in unloaded)


def test_an_adapter_in_a_loop_of_parents_inherits_nothing() -> None:
    models = [{"id": "a", "parent": "b", "max_model_len": 5}, {"id": "b", "parent": "a"}]
    found = ask("vllm", {"GET /v1/models": {"data": models}})
    assert [record.info for record in found.records] == [{"max_input_tokens": 5}, {}]


def test_an_openapi_that_is_too_large_leaves_the_mode_open() -> None:
    answers = {"GET /v1/models": {"data": [{"id": "a"}]}, "GET /openapi.json": {"status": 200}}
    found = ask("vllm", answers)  # a status without a body stands for what the client refuses
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
    assert ask("vllm", answers, url=url, models_endpoint=endpoint).listed == base


def test_a_smaller_window_of_two_loaded_copies_counts() -> None:
    copies = [{"config": {"context_length": size}} for size in (8192, 4096)]
    models = {"models": [{"key": "m", "loaded_instances": copies}]}
    record = ask("lmstudio", {"GET /api/v1/models": models}).records[0]
    assert record.info == {"max_input_tokens": 4096}
    assert record.slots == 0


def test_lm_studio_can_be_given_a_list() -> None:
    found = ask("lmstudio", {"GET /my/models": {"data": ["m"]}}, models_endpoint="/my/models")
    assert [record.id for record in found.records] == ["m"]


def test_a_reranker_of_llama_swap_is_reached_through_another_provider() -> None:
    entry = {"id": "m", "capabilities": {"reranker": True}}
    found = ask("openai", {"GET /models": {"data": [entry]}})
    assert found.records[0].info == {"mode": "rerank"}
    provider, _ = route_of(openai, "rerank", found, "http://box:8000")
    assert provider == "hosted_vllm"


@pytest.mark.parametrize("info", [{}, {"is_generation": False}, {"is_generation": "yes"}])
def test_sglang_that_tells_too_little_leaves_the_mode_open(info: dict[str, Any]) -> None:
    answers = {"GET /v1/models": {"data": [{"id": "m"}]}, "GET /model_info": info}
    assert ask("sglang", answers).records[0].info == {}
