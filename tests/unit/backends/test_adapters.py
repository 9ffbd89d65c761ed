"""What holds for every adapter, whatever kind of backend it is for."""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import engine.backends
from engine.backends import detect
from engine.backends.kinds import KINDS
from engine.backends.record import MODES, Record
from engine.backends.server import Found
from engine.bounds import MAX_PAGES
from engine.errors import Rejected, TransportError, Unavailable
from tests.adapters import (
    ANY,
    FIXTURES,
    answered,
    cases,
    golden_case,
    read,
    route_of,
    server_over,
)
from tests.quick import examples

AUTO = SimpleNamespace(ALLOWED=detect.ALLOWED, ask=lambda server: detect.ask_as(server)[1])
WITH_AUTO: Mapping[str, Any] = {**KINDS, "auto": AUTO}
WITH_LIST = [kind for kind in KINDS if kind != "tei"]
"""TEI serves one model, and describes it without a list."""
GOLDEN = [(kind, path) for kind in KINDS for path in cases(kind)]
MATRIX = json.loads((FIXTURES / "litellm" / "url-matrix.json").read_text(encoding="utf-8"))["rows"]


def test_every_kind_has_requests_and_routes(subtests: pytest.Subtests) -> None:
    for kind, module in KINDS.items():
        with subtests.test(kind):
            assert module.ALLOWED
            assert module.ROUTES.keys() <= {"", *MODES}
            assert "" in module.ROUTES


@pytest.mark.parametrize(("kind", "path"), GOLDEN, ids=[f"{k}-{p.stem}" for k, p in GOLDEN])
def test_a_recording_gives_its_golden_records(kind: str, path: Path) -> None:
    golden_case(path, KINDS[kind])


def test_every_adapter_has_cases() -> None:
    assert not [kind for kind in KINDS if len(cases(kind)) < 3]


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


def test_an_adapter_publishes_only_harmless_requests() -> None:
    for kind, module in WITH_AUTO.items():
        assert not set(module.ALLOWED) - _HARMLESS, kind


def test_the_published_requests_are_the_ones_that_the_cases_need() -> None:
    sent = {
        kind: {
            bare(request)
            for case in map(read, cases(kind))
            if "models_endpoint" not in case
            for request in case["sent"]
        }
        for kind in KINDS
    }
    assert sent == {kind: set(module.ALLOWED) for kind, module in KINDS.items()}


def bare(request: str) -> str:
    """Return a request without its query and its body."""
    return " ".join(request.partition("?")[0].split(" ")[:2])


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_search_for_a_list(subtests: pytest.Subtests, status: int) -> None:
    for kind, module in KINDS.items():
        with subtests.test(kind):
            server, sent = server_over({ANY: {"status": status}}, module.ALLOWED)
            with pytest.raises(Rejected) as caught:
                module.ask(server)
            assert caught.value.status == status
            assert len(sent) == 1


def test_a_backend_that_is_loading_is_not_asked_further(subtests: pytest.Subtests) -> None:
    for kind, module in WITH_AUTO.items():
        with subtests.test(kind):
            server, sent = server_over({ANY: {"status": 503}}, module.ALLOWED)
            with pytest.raises(Unavailable):
                module.ask(server)
            assert len(sent) == 1


def test_a_configured_list_is_the_only_one(subtests: pytest.Subtests) -> None:
    answers = {"GET /my/models": {"data": ["a"]}, ANY: {"status": 404}}
    for kind in WITH_LIST:
        with subtests.test(kind):
            server, sent = server_over(answers, KINDS[kind].ALLOWED, models_endpoint="/my/models")
            found = KINDS[kind].ask(server)
            assert [record.id for record in found.records] == ["a"]
            assert sent[0].partition("?")[0] == "GET /my/models"
            assert not any("/models" in request for request in sent[1:])


def test_a_configured_kind_is_never_overridden(subtests: pytest.Subtests) -> None:
    """Whatever name the server gives itself, only the configured adapter's requests are sent."""
    for kind, module in KINDS.items():
        with subtests.test(kind):
            other = "sglang" if kind != "sglang" else "lemonade"
            answers = {ANY: {"data": [{"id": "a", "owned_by": other}]}}
            server, sent = server_over(answers, module.ALLOWED)
            try:
                found = module.ask(server)
            except TransportError:
                assert kind not in WITH_LIST
            else:
                assert not any(text.startswith("recognised") for text in found.notes)
            assert set(map(bare, sent)) <= set(module.ALLOWED)


def test_no_adapter_knows_auto_or_the_table_of_kinds() -> None:
    folder = Path(engine.backends.__file__).parent / "kinds"
    for kind in KINDS:
        tree = ast.parse((folder / f"{kind}.py").read_text(encoding="utf-8"))
        names = {
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for name in (node.module or "", *(alias.name for alias in node.names))
        }
        assert not names & {"auto", "detect", "kinds"}


# -- any answer at all -----------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        "id", "name", "model", "key", "data", "models", "capabilities", "details", "parameters",
        "context_length", "max_model_len", "parent", "root", "status", "value", "failed", "type",
        "architecture", "input_modalities", "meta", "n_ctx", "paths", "is_generation", "state",
        "loaded_instances", "config", "model_type", "served_model_name", "model_id", "error",
        "architectures", "max_input_length", "remote_host", "loaded", "text", "image", "chat",
        "completion", "embedding", "classify", "embed", "llm", "*", "\x00", "\ud800", "a:b", "A",
        "num_ctx 5", "num_ctx 99999999999", "digest", "version", "owned_by", "output_modalities",
        "model_ability", "max_tokens", "mode", "max_seq_len", "use_vision", "prompt_template",
        "dmr", "context_window", "labels", "recipe", "downloaded", "max_output_tokens",
        "model_group", "supports_vision", "pricing", "prompt", "supported_parameters",
        "top_provider", "has_more", "last_id", "embeddings", "LLM", "audio", "tools", "cloud", "-1",
        "0.5", "vllm", "llamacpp", "openai", "docker", "gpustack", "tabbyAPI", "db",
        "max_total_tokens", "a/*", "a/b", "gpt-3.5-turbo", "1e999",
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
_ENTRIES = st.lists(_ENTRY, max_size=4)
_LIST = st.one_of(
    st.fixed_dictionaries({"data": _ENTRIES}, optional={"has_more": st.booleans()}),
    st.fixed_dictionaries({"data": _ENTRIES, "has_more": st.just(value=True)}),
    st.fixed_dictionaries({"models": _ENTRIES}),
    _ENTRY,
)
_STATUS = st.builds(
    lambda status, body: {"status": status, "body": body},
    st.sampled_from([0, 200, 301, 400, 401, 403, 404, 429, 500, 503]),
    _JSON,
)
_ANSWER = _LIST | _STATUS


@given(
    drawn=st.lists(_ANSWER, min_size=1, max_size=5),
    order=st.randoms(use_true_random=False),
    url=st.sampled_from(["http://box:8000", "http://box:8000/v1"]),
    endpoint=st.sampled_from(["", "", "/my/models"]),
)
@settings(max_examples=examples(300), deadline=None)
def test_any_answer_ends_in_records_or_in_a_transport_error(
    drawn: list[Any], order: random.Random, url: str, endpoint: str
) -> None:
    """Drawing answers is slow and reading them is not, so every kind gets the same ones.

    Each of its requests gets one of them, as ``order`` has it.
    """
    for kind, module in WITH_AUTO.items():
        note(kind)
        requests = (*module.ALLOWED, ANY)
        answers = dict(zip(requests, order.choices(drawn, k=len(requests)), strict=True))
        server, sent = server_over(answers, module.ALLOWED, url=url, models_endpoint=endpoint)
        try:
            found = module.ask(server)
        except TransportError:
            continue
        assert isinstance(found, Found)
        assert len(sent) <= _MOST_SENT.get(kind, 10)
        assert found.unusable >= 0
        assert all(len(text) < 1000 for text in found.notes)
        for record in found.records:
            assert_sound(record, priced=kind in _PRICED)


_MOST_SENT = {"auto": 10 + MAX_PAGES}
"""``auto`` looks for the signs of all kinds before it asks as one of them."""
_PRICED = {"openrouter", "auto"}
"""Only OpenRouter lists prices, and ``auto`` may take an answer for OpenRouter's."""


def assert_sound(record: Record, *, priced: bool) -> None:
    """Assert that a record has only valid fields of LiteLLM, each with its source."""
    assert record.id.encode()
    assert record.info.keys() == record.sources.keys()
    for name, value in record.info.items():
        if name == "mode":
            assert value in MODES
        elif name.startswith("supports_"):
            assert isinstance(value, bool)
        elif priced and name.endswith("_cost_per_token"):
            assert isinstance(value, float)
            assert 0 <= value < float("inf")
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
    "modified_at", "version", "sha", "model_sha", "address", "accelerators", "health_status",
}  # fmt: skip


def stirred(value: Any) -> Any:
    """Return a body with other volatile values, and with its lists reversed."""
    if isinstance(value, Mapping):
        return {name: _other(name, inner) for name, inner in reversed(list(value.items()))}
    return [stirred(inner) for inner in reversed(value)] if isinstance(value, list) else value


def _other(name: str, inner: Any) -> Any:
    """Return another value of a field; a command line (``args``) has an order that matters."""
    if name in _VOLATILE:
        return "something else"
    return inner if name == "args" else stirred(inner)


def added(value: Any) -> Any:
    """Return a body with volatile members added to its objects."""
    if isinstance(value, Mapping):
        extra = dict.fromkeys(_VOLATILE, 7) if "id" in value else {}
        return {**extra, **{name: added(inner) for name, inner in value.items()}}
    return [added(inner) for inner in value] if isinstance(value, list) else value


def test_values_that_change_by_themselves_are_in_no_record(subtests: pytest.Subtests) -> None:
    for kind, path in GOLDEN:
        with subtests.test(f"{kind}-{path.stem}"):
            case, module = read(path), KINDS[kind]
            records = answered(module, case, lambda body: body)
            assert answered(module, case, added) == records
            if (kind, path.stem) != ("openrouter", "paged-gateway"):
                # There the first entry of an id counts, and the last one has the cursor.
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


def as_openai(*modes: str) -> dict[str, str]:
    return {mode: _OPENAI[mode] for mode in modes}


_SERVED = {
    "openai": _OPENAI,
    "ollama": {
        "chat": "/api/chat",
        "completion": "/api/generate",
        "embedding": "/api/embed",
        "image_generation": "/v1/images/generations",
    },
    "llamacpp": as_openai("chat", "embedding", "rerank"),
    "vllm": as_openai("chat", "completion", "embedding", "rerank", "audio_transcription"),
    "sglang": as_openai("chat", "embedding", "rerank"),
    "lmstudio": as_openai("chat", "completion", "embedding"),
    "tgi": as_openai("chat", "completion"),
    "tei": {"embedding": "/v1/embeddings", "rerank": "/rerank"},
    "infinity": {"embedding": "/embeddings", "rerank": "/rerank"},
    "localai": _OPENAI,
    "xinference": _OPENAI,
    "gpustack": _OPENAI,
    "tabbyapi": as_openai("chat", "completion", "embedding"),
    "docker_model_runner": _OPENAI,
    "lemonade": _OPENAI,
    "litellm_proxy": _OPENAI,
    "openrouter": {**_OPENAI, "image_generation": "/v1/chat/completions"},
}
"""The path at which a backend serves a mode. OpenRouter makes images by chat."""
_ASKED_BEFORE = {("ollama", "embedding"): ["POST /api/show"]}
"""Requests of LiteLLM before the request itself; they generate nothing."""
_UNMEASURED = {kind: {"video_generation"} for kind in ("localai", "xinference", "openrouter")}
"""Modes that a kind finds and the matrix does not have."""


def test_a_route_leads_to_the_path_that_the_backend_serves(subtests: pytest.Subtests) -> None:
    for kind, mode in [(kind, mode) for kind, modes in _SERVED.items() for mode in modes]:
        with subtests.test(f"{kind}-{mode}"):
            listed = "http://box:8000" if kind == "infinity" else "http://box:8000/v1"
            provider, base = route_of(KINDS[kind], mode, Found((), listed), "http://box:8000")
            hits = MATRIX[f"{provider}|{base.removeprefix('http://box:8000')}|{mode}"]
            assert hits == [*_ASKED_BEFORE.get((kind, mode), []), f"POST {_SERVED[kind][mode]}"]


def test_every_mode_that_a_case_finds_has_a_route_that_is_tested(
    subtests: pytest.Subtests,
) -> None:
    for kind, path in GOLDEN:
        with subtests.test(f"{kind}-{path.stem}"):
            modes = {record.get("info", {}).get("mode") for record in read(path).get("records", [])}
            assert modes - {None} <= _SERVED[kind].keys() | _UNMEASURED.get(kind, set())
