"""The adapters of localai, xinference, gpustack, tabbyapi, docker_model_runner, lemonade,
litellm_proxy and openrouter; lists in pages; and the kind auto."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.backends
from engine.backends import auto, openrouter
from engine.backends.kinds import KINDS
from engine.backends.paging import left_out, paged_entries
from engine.backends.record import MODES, Record
from engine.backends.server import Found, Route
from engine.bounds import MAX_PAGES
from engine.errors import Garbled, Rejected, TransportError, Unavailable
from tests.adapters import (
    ANY,
    CASES,
    FIXTURES,
    answered,
    cases,
    golden_case,
    result_of,
    route_of,
    server_over,
)

ADAPTERS = {
    kind: KINDS[kind]
    for kind in (
        "localai",
        "xinference",
        "gpustack",
        "tabbyapi",
        "docker_model_runner",
        "lemonade",
        "litellm_proxy",
        "openrouter",
    )
}
GOLDEN = [
    pytest.param(kind, path, id=f"{kind}-{path.stem}") for kind in ADAPTERS for path in cases(kind)
]
MATRIX = json.loads((FIXTURES / "litellm" / "url-matrix.json").read_text(encoding="utf-8"))["rows"]


def read(kind: str, case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / kind / f"{case}.json").read_text(encoding="utf-8"))
    return found


def ask(module: ModuleType, answers: Mapping[str, Any], **options: str) -> Found:
    server, _ = server_over(dict(answers), module.ALLOWED, **options)
    found: Found = module.ask(server)
    return found


@pytest.mark.parametrize(("kind", "path"), GOLDEN)
def test_a_recording_gives_its_golden_records(kind: str, path: Path) -> None:
    golden_case(path, ADAPTERS[kind])


@pytest.mark.parametrize("kind", ADAPTERS)
def test_every_adapter_has_cases(kind: str) -> None:
    assert len(cases(kind)) >= 3


# -- what is sent ----------------------------------------------------------------------------------

_HARMLESS = {
    "GET /models", "GET /v1/models", "GET /api/v1/models", "GET /engines/v1/models",
    "GET /v1-openai/models", "GET /v1/models/capabilities", "GET /v1/model",
    "GET /v1/model/embedding", "GET /model_group/info", "GET /info", "GET /version",
    "GET /health/readiness", "GET /api/v0/models", "GET /api/tags", "GET /api/version",
    "GET /api/ps", "POST /api/show", "GET /props", "GET /openapi.json", "GET /model_info",
    "GET /get_model_info",
}  # fmt: skip
"""Requests that are known to load nothing and to generate nothing. ``GET /health`` is not among
them: SGLang generates for it, and LiteLLM sends a chat to every model."""


@pytest.mark.parametrize("module", [*ADAPTERS.values(), auto], ids=[*ADAPTERS, "auto"])
def test_an_adapter_publishes_only_harmless_requests(module: ModuleType) -> None:
    assert set(module.ALLOWED) <= _HARMLESS


@pytest.mark.parametrize("kind", ADAPTERS)
def test_the_published_requests_are_the_ones_that_the_cases_need(kind: str) -> None:
    sent = {
        request.partition("?")[0]
        for path in cases(kind)
        for request in json.loads(path.read_text(encoding="utf-8"))["sent"]
    }
    assert sent == set(ADAPTERS[kind].ALLOWED)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_an_adapter(kind: str) -> None:
    module = KINDS[kind]
    assert callable(module.ask)
    assert module.ALLOWED
    assert all(isinstance(route, Route) for route in module.ROUTES.values())
    assert module.ROUTES.keys() <= {"", *MODES}
    assert "" in module.ROUTES


@pytest.mark.parametrize("kind", ADAPTERS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_search_for_a_list(kind: str, status: int) -> None:
    server, sent = server_over({ANY: {"status": status}}, ADAPTERS[kind].ALLOWED)
    with pytest.raises(Rejected):
        ADAPTERS[kind].ask(server)
    assert len(sent) == 1


@pytest.mark.parametrize("module", [*ADAPTERS.values(), auto], ids=[*ADAPTERS, "auto"])
def test_a_backend_that_is_loading_is_not_asked_further(module: ModuleType) -> None:
    server, sent = server_over({ANY: {"status": 503}}, module.ALLOWED)
    with pytest.raises(Unavailable):
        module.ask(server)
    assert len(sent) == 1


# -- any answer at all -----------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        "id", "name", "model", "key", "data", "models", "capabilities", "parameters", "details",
        "digest", "version", "owned_by", "input_modalities", "output_modalities", "architecture",
        "model_type", "model_ability", "max_tokens", "meta", "max_model_len", "n_ctx", "mode",
        "max_seq_len", "use_vision", "prompt_template", "dmr", "context_window", "labels",
        "recipe", "downloaded", "context_length", "max_output_tokens", "model_group",
        "supports_vision", "pricing", "prompt", "completion", "supported_parameters",
        "top_provider", "has_more", "last_id", "type", "state", "loaded_instances", "error",
        "chat", "embeddings", "LLM", "audio", "image", "text", "tools", "cloud", "-1", "0.5",
        "vllm", "llamacpp", "openai", "docker", "gpustack", "tabbyAPI", "model_id", "db",
        "max_total_tokens", "*", "a/*", "a/b", "\x00", "\ud800", "gpt-3.5-turbo", "1e999",
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
    st.builds(
        lambda entries, more: {"data": entries, "has_more": more},
        st.lists(_ENTRY, max_size=4),
        st.booleans(),
    ),
    st.builds(lambda entries: {"models": entries}, st.lists(_ENTRY, max_size=4)),
    _ENTRY,
)
_STATUS = st.builds(
    lambda status, body: {"status": status, "body": body},
    st.sampled_from([0, 200, 301, 400, 401, 403, 404, 429, 500, 503]),
    _JSON,
)


@pytest.mark.parametrize("module", [*ADAPTERS.values(), auto], ids=[*ADAPTERS, "auto"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_answer_ends_in_records_or_in_a_transport_error(
    module: ModuleType, data: st.DataObject
) -> None:
    requests = st.sampled_from(module.ALLOWED)
    answers = data.draw(st.dictionaries(requests, _LIST | _STATUS, max_size=4))
    answers[ANY] = data.draw(_LIST | _STATUS)
    url = data.draw(st.sampled_from(["http://box:8000", "http://box:8000/v1"]))
    endpoint = data.draw(st.sampled_from(["", "", "/my/models"]))
    server, sent = server_over(answers, module.ALLOWED, url=url, models_endpoint=endpoint)
    try:
        found = module.ask(server)
    except TransportError:
        return
    assert isinstance(found, Found)
    assert len(sent) <= 10 + MAX_PAGES
    assert found.unusable >= 0
    assert all(len(note) < 1000 for note in found.notes)
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
        elif name.endswith("_cost_per_token"):
            assert isinstance(value, float)
            assert 0 <= value < float("inf")
        else:
            assert name in ("max_input_tokens", "max_output_tokens", "max_tokens")
            assert isinstance(value, int)
            assert value > 0
    assert isinstance(record.family, str)
    assert isinstance(record.slots, int)
    assert record.remote in (True, False)


# -- what changes from call to call ----------------------------------------------------------------

_VOLATILE = {"created", "permission", "stats", "size", "address", "accelerators", "health_status"}


def stirred(value: Any) -> Any:
    """Return a body with other volatile values in it, and its lists the other way round."""
    if isinstance(value, Mapping):
        return {
            name: "something else" if name in _VOLATILE else stirred(inner)
            for name, inner in reversed(list(value.items()))
        }
    return [stirred(inner) for inner in reversed(value)] if isinstance(value, list) else value


def added(value: Any) -> Any:
    """Return a body whose objects have volatile members that they had not."""
    if isinstance(value, Mapping):
        extra = dict.fromkeys(_VOLATILE, 7) if "id" in value else {}
        return {**extra, **{name: added(inner) for name, inner in value.items()}}
    return [added(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("kind", "path"), GOLDEN)
def test_values_that_change_by_themselves_are_in_no_record(kind: str, path: Path) -> None:
    case, module = json.loads(path.read_text(encoding="utf-8")), ADAPTERS[kind]
    records = answered(module, case, lambda body: body)
    assert answered(module, case, added) == records
    if path.stem != "paged-gateway":  # the first entry of an id counts, and the last has the cursor
        assert answered(module, case, stirred) == records


# -- where LiteLLM sends its requests --------------------------------------------------------------

_OPENAI = {
    "chat": "/v1/chat/completions",
    "completion": "/v1/completions",
    "embedding": "/v1/embeddings",
    "rerank": "/v1/rerank",
    "audio_transcription": "/v1/audio/transcriptions",
    "audio_speech": "/v1/audio/speech",
    "image_generation": "/v1/images/generations",
}
_SERVED = {kind: dict(_OPENAI) for kind in ADAPTERS}
_SERVED["tabbyapi"] = {mode: _OPENAI[mode] for mode in ("chat", "completion", "embedding")}
_SERVED["openrouter"]["image_generation"] = "/v1/chat/completions"
"""OpenRouter makes images by chat."""
_UNMEASURED = {"video_generation"}


@pytest.mark.parametrize(
    ("kind", "mode"), [(kind, mode) for kind, modes in _SERVED.items() for mode in modes]
)
def test_a_route_leads_to_the_path_that_the_backend_serves(kind: str, mode: str) -> None:
    provider, base = route_of(
        ADAPTERS[kind], mode, Found((), "http://box:8000/v1"), "http://box:8000"
    )
    hits = MATRIX[f"{provider}|{base.removeprefix('http://box:8000')}|{mode}"]
    assert hits == [f"POST {_SERVED[kind][mode]}"]


@pytest.mark.parametrize(("kind", "path"), GOLDEN)
def test_every_mode_that_a_case_finds_has_a_route_that_is_tested(kind: str, path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    modes = {record.get("info", {}).get("mode") for record in case.get("records", [])}
    assert modes - {None} <= _SERVED[kind].keys() | _UNMEASURED


# -- pages -----------------------------------------------------------------------------------------


def pages(*bodies: Any) -> tuple[Any, list[str]]:
    """Return what comes of a list at ``/v1/models`` whose pages go on after "m0", "m1", ..."""
    answers = {"GET /v1/models": bodies[0]}
    for number, body in enumerate(bodies[1:]):
        answers[f"GET /v1/models?after_id=m{number}"] = body
    server, sent = server_over(answers, ["GET /v1/models"])
    return paged_entries(server, "/v1/models"), sent


def page(number: int, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": f"m{number}"}], "has_more": True, "last_id": f"m{number}", **more}


def test_the_pages_of_a_list_are_read_in_turn() -> None:
    entries, sent = pages(page(0), page(1), page(2, has_more=False))
    assert [name for name, _ in entries] == ["m0", "m1", "m2"]
    assert not entries.paged
    assert len(sent) == 3


def test_a_page_without_a_cursor_goes_on_after_its_last_entry() -> None:
    entries, _ = pages(page(0, last_id=None), page(1, has_more=False))
    assert [name for name, _ in entries] == ["m0", "m1"]


def test_what_cannot_be_used_on_any_page_is_counted() -> None:
    entries, _ = pages(page(0), {"data": [{}, {"id": "a*"}, {"id": "m1"}]})
    assert (entries.unread, entries.unusable, entries.paged) == (1, 1, False)


@pytest.mark.parametrize(
    "second",
    [
        page(0),
        {"status": 404},
        {"status": 200, "body": "<html>"},
        {"data": [], "has_more": True},
    ],
)
def test_a_list_whose_pages_break_off_is_partial(second: Any) -> None:
    entries, sent = pages(page(0), second)
    assert [name for name, _ in entries] == ["m0"]
    assert entries.paged
    assert len(sent) == 2


def test_pages_without_end_are_not_read_for_ever() -> None:
    server, sent = server_over({ANY: page(0)}, ["GET /v1/models"])
    counted = iter(range(10**6))

    def get(path: str) -> Any:
        server.get(path)
        return page(next(counted))

    endless = type(server)("http://box", "http://box", "", get, server.post, server.said)
    entries = paged_entries(endless, "/v1/models")
    assert len(sent) == len(entries.members) == MAX_PAGES
    assert entries.paged


def test_a_cursor_is_quoted_and_added_to_the_query() -> None:
    answers = {
        "GET /v1/models?limit=1": {"data": [{"id": "a b/ü&x"}], "has_more": True},
        "GET /v1/models?limit=1&after_id=a%20b%2F%C3%BC%26x": {"data": [{"id": "c"}]},
    }
    server, _ = server_over(answers, ["GET /v1/models"])
    assert list(paged_entries(server, "/v1/models?limit=1").members) == ["a b/ü&x", "c"]


def test_no_list_in_pages_is_no_list() -> None:
    server, _ = server_over({ANY: {"error": "no"}}, ["GET /v1/models"])
    with pytest.raises(Garbled):
        paged_entries(server, "/v1/models")


def test_a_note_on_what_is_left_out_is_only_written_for_something() -> None:
    server, _ = server_over({}, [])
    assert left_out(server, [], "x") == ()
    assert left_out(server, ["a", "b"], "x") == ("left out, since x: a, b",)


# -- single rules ----------------------------------------------------------------------------------


def test_a_bare_wildcard_of_litellm_hides_no_model() -> None:
    records = read("litellm_proxy", "older")["records"]
    assert [record["id"] for record in records] == ["gpt-4o", "text-embedding"]


def test_what_litellm_did_not_declare_is_no_no() -> None:
    for path in cases("litellm_proxy"):
        for record in json.loads(path.read_text(encoding="utf-8")).get("records", []):
            assert False not in record.get("info", {}).values()


def test_a_trained_window_of_xinference_is_not_its_window() -> None:
    records = read("xinference", "models")["records"]
    windows = {record["id"]: record["info"].get("max_input_tokens") for record in records}
    assert windows == {"my-qwen": None, "bge-m3": 8192, "bge-reranker": None, "whisper": None}


@pytest.mark.parametrize("status", [0, 500, 502])
def test_tabby_that_went_down_has_not_unloaded_its_model(status: int) -> None:
    answers = {"GET /v1/models": {"data": ["a"]}, ANY: {"status": status}}
    with pytest.raises(Unavailable):
        ask(KINDS["tabbyapi"], answers)


def test_a_loaded_model_that_is_called_like_a_dummy_is_kept() -> None:
    model = {"id": "gpt-3.5-turbo", "parameters": {"max_seq_len": 5}}
    found = ask(KINDS["tabbyapi"], {"GET /v1/models": {"data": [model]}, "GET /v1/model": model})
    assert [record.info for record in found.records] == [{"max_input_tokens": 5}]


def test_an_embedding_model_of_tabby_that_is_listed_is_not_listed_twice() -> None:
    answers = {"GET /v1/models": {"data": ["a"]}, "GET /v1/model/embedding": {"id": "a"}}
    assert [record.id for record in ask(KINDS["tabbyapi"], answers).records] == ["a"]


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("0.00000125", 0.00000125), ("0", 0.0), ("1e-7", 1e-7), ("-1", None), ("nan", None),
        ("inf", None), ("1e999", None), ("", None), ("free", None), (0.5, None), (None, None),
        ("9" * 41, None),
    ],
)  # fmt: skip
def test_a_price_is_a_finite_number_of_dollars(text: Any, price: float | None) -> None:
    models = {"data": [{"id": "a", "pricing": {"prompt": text, "completion": text}}]}
    info = ask(openrouter, {"GET /models": models}).records[0].info
    assert info.get("input_cost_per_token") == info.get("output_cost_per_token") == price


@pytest.mark.parametrize("kind", ADAPTERS)
def test_a_configured_list_is_the_only_one(kind: str) -> None:
    answers = {"GET /my/models": {"data": ["a"]}, ANY: {"status": 404}}
    server, sent = server_over(answers, ADAPTERS[kind].ALLOWED, models_endpoint="/my/models")
    found = ADAPTERS[kind].ask(server)
    assert [record.id for record in found.records] == ["a"]
    assert sent[0].partition("?")[0] == "GET /my/models"
    assert not any("/models" in request for request in sent[1:])


# -- auto ------------------------------------------------------------------------------------------

_VERSION = {"GET /version": {"version": "0.32.0"}}
_OLLAMA = {"GET /api/version": {"version": "0.12.6"}}
_TAGS = {
    "GET /api/tags": {"models": [{"name": "a", "model": "a", "digest": "c6eb", "details": {}}]},
    **_OLLAMA,
}
"""What imitators of Ollama answer."""

RECOGNISED = [
    ("openai/llamacpp", {}, "llamacpp", 'owned_by is "llamacpp" in GET /models'),
    ("openai/llamacpp-router", {}, "llamacpp", 'owned_by is "llamacpp"'),
    ("openai/llama-swap", {}, "llamacpp", 'owned_by is "llama-swap"'),
    ("openai/openai", {}, "openai", "nothing tells it from"),
    ("openai/anthropic-shape", {}, "openai", "nothing tells it from"),
    ("openai/strings", {}, "openai", "nothing tells it from"),
    ("openai/mlx-lm", {}, "openai", "nothing tells it from"),
    ("openai/lmdeploy", {}, "openai", 'owned_by is "lmdeploy" in GET /v1/models, which has no'),
    ("openai/openrouter", {}, "openrouter", "its list tells pricing.prompt and architecture"),
    ("vllm/chat-and-lora", _VERSION, "vllm", 'owned_by is "vllm", and GET /version tells'),
    ("vllm/rerank", _VERSION, "vllm", 'owned_by is "vllm", and GET /version tells'),
    ("vllm/chat-and-lora", {}, "openai", 'owned_by is "vllm", but GET /version does not'),
    ("vllm/nim", {}, "openai", "nothing tells it from"),
    ("sglang/chat-and-lora", {}, "sglang", 'owned_by is "sglang"'),
    ("sglang/chat-and-lora", _TAGS, "sglang", 'owned_by is "sglang"'),
    ("ollama/tags", _OLLAMA, "ollama", "GET /api/tags lists digests, and GET /api/version"),
    ("ollama/empty", _OLLAMA, "ollama", "GET /api/tags lists digests, and GET /api/version"),
    ("lmstudio/v1", {}, "lmstudio", "GET /api/v1/models lists key, loaded_instances, type"),
    ("lmstudio/v0", {}, "lmstudio", "GET /api/v0/models lists id, state, type"),
    ("tgi/chat", {}, "tgi", "GET /info tells model_id and max_total_tokens"),
    ("tei/embedding", {}, "tei", "GET /info tells model_id and model_type"),
    ("tei/rerank", {}, "tei", "GET /info tells model_id and model_type"),
    ("infinity/models", {}, "infinity", 'owned_by is "infinity" in GET /models'),
    ("localai/capabilities", {}, "localai", "GET /v1/models/capabilities lists capabilities"),
    ("localai/capabilities", _TAGS, "localai", "GET /v1/models/capabilities lists capabilities"),
    ("localai/without-capabilities", {}, "openai", "nothing tells it from"),
    ("xinference/models", {}, "xinference", 'owned_by is "xinference"'),
    ("tabbyapi/one-loaded", {}, "tabbyapi", 'owned_by is "tabbyAPI"'),
    ("docker_model_runner/engines", {}, "docker_model_runner", 'owned_by is "docker"'),
    ("docker_model_runner/engines", _TAGS, "docker_model_runner", 'owned_by is "docker"'),
    ("docker_model_runner/one-engine", {}, "docker_model_runner", 'owned_by is "docker"'),
    ("lemonade/models", {}, "lemonade", 'owned_by is "lemonade"'),
    ("lemonade/below-api", {}, "lemonade", 'owned_by is "lemonade" in GET /api/v1/models'),
    ("litellm_proxy/wildcard", {}, "litellm_proxy", "GET /model_group/info lists its"),
    ("openrouter/models", {}, "openrouter", "its list tells pricing.prompt"),
    ("openrouter/bare-url", {}, "openrouter", "its list tells pricing.prompt"),
]


@pytest.mark.parametrize(("name", "more", "kind", "sign"), RECOGNISED)
def test_auto_recognises_a_recorded_server_and_names_its_sign(
    name: str, more: dict[str, Any], kind: str, sign: str
) -> None:
    case = read(*name.split("/"))
    case["requests"] = {**case["requests"], **more}
    server, sent = server_over(
        case["requests"], auto.ALLOWED, url=case.get("url", "http://box:8000")
    )
    recognised, found = auto.ask_as(server)
    assert recognised == kind
    assert found.notes[0].startswith(f"recognised as {kind}: {sign}")
    assert len(sent) == len(set(sent)), "asked twice"
    plain = result_of(KINDS[kind], case)
    assert [record.id for record in found.records] == [one["id"] for one in plain["records"]]
    assert found.listed == plain["base"]
    assert list(found.notes[1:]) == plain["notes"]


def test_auto_recognises_gpustack_by_its_plain_list() -> None:
    requests = read("gpustack", "every-category")["requests"]
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
        "recognised as litellm_proxy: GET /health/readiness tells the state of its database",
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
        auto.ask(server)


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
        auto.ask(server)
    assert len(sent) == 1


def test_auto_reads_a_configured_list_first() -> None:
    answers = {"GET /my/models": {"data": [{"id": "a", "owned_by": "lemonade"}]}}
    server, sent = server_over(answers, auto.ALLOWED, models_endpoint="/my/models")
    assert auto.ask_as(server)[0] == "lemonade"
    assert sent == ["GET /my/models"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_configured_kind_is_never_overridden(kind: str) -> None:
    """Whatever the server says of itself, only the configured adapter's requests are sent."""
    module = KINDS[kind]
    other = "sglang" if kind != "sglang" else "lemonade"
    answers = {ANY: {"data": [{"id": "a", "owned_by": other}]}}
    server, sent = server_over(answers, module.ALLOWED)
    try:
        found = module.ask(server)
    except TransportError:
        assert kind == "tei"  # which has no list
    else:
        assert not any(note.startswith("recognised") for note in found.notes)
    bare = {" ".join(request.partition("?")[0].split(" ")[:2]) for request in sent}
    assert bare <= set(module.ALLOWED)


def test_no_adapter_knows_auto_or_the_table_of_kinds() -> None:
    folder = Path(engine.backends.__file__).parent
    for module in KINDS.values():
        tree = ast.parse((folder / Path(str(module.__file__)).name).read_text(encoding="utf-8"))
        names = {
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for name in (node.module or "", *(alias.name for alias in node.names))
        }
        assert not names & {"auto", "kinds"}
