"""The requests to each kind of backend, and the listing that follows from its answers."""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from engine.backends.fetch import fetch_listings
from engine.backends.kinds import KINDS
from engine.bounds import MAX_ID
from engine.config.loader import load_config
from engine.config.model import Backend
from engine.fakes.backend import FakeBackend
from engine.state.documents import listing_document
from engine.state.frozen import freeze
from engine.state.listing import (
    EMPTY_LIST,
    INVALID,
    NOT_READY,
    OK,
    UNAUTHORISED,
    UNREACHABLE,
    Listing,
)
from engine.transport.client_pool import Http
from engine.transport.timing import Timing
from engine.validate import validate
from tests.quick import QUICK, examples
from tests.rawserver import AMPLE, MAX_WAIT, Exchange, RawServer, Script, always, answer, as_json

FIXTURES = Path(__file__).parents[3] / "fixtures" / "backends"
KEY = "sk-backend-key-0123456789"
MAIN = ("openai", "vllm", "ollama")
"""The kinds that the Go program has; the other adapters have tests of their own."""
LISTS = {"openai": "/models", "vllm": "/v1/models", "ollama": "/api/tags"}
"""The first path that each kind requests below a URL without /v1."""


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def configured(folder: Path, *backends: dict[str, Any]) -> tuple[Backend, ...]:
    """Return the backends of a configuration file."""
    (folder / "litellm").write_text("sk-master")
    document = {"litellm": {"url": "http://127.0.0.1:9"}, "backends": list(backends)}
    path = folder / "config.yaml"
    path.write_text(json.dumps(document))
    return load_config(path, folder).backends


@dataclass
class Place:
    """Asks servers for their lists, as the engine does."""

    folder: Path
    stack: ExitStack
    http: Http

    def serve(self, script: Script | bytes) -> RawServer:
        played = always(script) if isinstance(script, bytes) else script
        return self.stack.enter_context(RawServer(played))

    def ask(self, url: str, kind: str = "openai", **options: Any) -> Listing:
        given = {"name": "box", "type": kind, "url": url, "timeout": AMPLE, **options}
        backends = configured(self.folder, given)
        (listing,) = fetch_listings(backends, self.http)
        validate(listing_document(listing), "listing")
        return listing

    def listing(self, script: Script | bytes, kind: str = "openai", **options: Any) -> Listing:
        return self.ask(self.serve(script).url, kind, **options)

    def listings(self, *scripts: Script | bytes, kind: str = "openai") -> tuple[Listing, ...]:
        """Ask as many servers at once."""
        servers = [self.serve(script) for script in scripts]
        names = [f"box{number}" for number in range(len(servers))]
        key = self.folder / "box"
        for name in names if key.exists() else ():
            (self.folder / name).write_text(key.read_text())
        sections = [
            {"name": name, "type": kind, "url": server.url, "timeout": AMPLE}
            for name, server in zip(names, servers, strict=True)
        ]
        listings = fetch_listings(configured(self.folder, *sections), self.http)
        for listing in listings:
            validate(listing_document(listing), "listing")
        return listings

    def ids(self, document: Any, kind: str = "openai") -> list[str]:
        listing = self.listing(as_json(document), kind)
        assert listing.outcome == OK
        assert not listing.detail
        return [model.id for model in listing.models]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configuration")


@pytest.fixture
def place(folder: Path) -> Iterator[Place]:
    for key in folder.glob("box*"):
        key.unlink()
    with ExitStack() as stack:
        http = Http(QUICK)
        stack.callback(http.close)
        yield Place(folder, stack, http)


def only_at(path: str, body: bytes) -> Script:
    """Return the script of a server that has a single page."""

    def script(exchange: Exchange) -> None:
        if exchange.path == path:
            exchange.send(body)
        else:
            exchange.send(as_json({"detail": "Not Found"}, "404 Not Found"))

    return script


ONE = as_json({"object": "list", "data": [{"id": "m"}]})


# --- addresses: what is requested, and what LiteLLM gets ---

PROVIDERS = {"openai": "openai", "vllm": "hosted_vllm", "ollama": "ollama_chat"}
ADDRESSES = [
    # kind, url, models_endpoint, the page that there is, api_base
    ("openai", "", "", "/models", ""),
    ("openai", "", "", "/v1/models", "/v1"),
    ("openai", "/v1", "", "/v1/models", "/v1"),
    ("openai", "/v1/", "", "/v1/models", "/v1"),
    ("openai", "//v1//", "", "/v1/models", "/v1"),
    ("openai", "/", "", "/v1/models", "/v1"),
    ("openai", "/v3", "", "/v3/models", "/v3"),
    ("openai", "/engines/v1", "", "/engines/v1/models", "/engines/v1"),
    ("openai", "/openai", "", "/openai/v1/models", "/openai/v1"),
    ("openai", "", "/api/list", "/api/list", ""),
    ("openai", "/v1", "list", "/v1/list", "/v1"),
    ("vllm", "", "", "/v1/models", "/v1"),
    ("vllm", "/", "", "/v1/models", "/v1"),
    ("vllm", "/v1", "", "/v1/models", "/v1"),
    ("vllm", "/v1//", "", "/v1/models", "/v1"),
    ("vllm", "", "", "/models", ""),
    ("vllm", "/gpu//0/", "", "/gpu/0/v1/models", "/gpu/0/v1"),
    ("vllm", "", "/v1/models", "/v1/models", "/v1"),
    ("vllm", "/v1", "/models", "/v1/models", "/v1"),
    ("vllm", "", "/models", "/models", ""),
    ("ollama", "", "", "/api/tags", ""),
    ("ollama", "/", "", "/api/tags", ""),
    ("ollama", "/v1", "", "/api/tags", ""),
    ("ollama", "//v1/", "", "/api/tags", ""),
    ("ollama", "/ollama", "", "/ollama/api/tags", "/ollama"),
    ("ollama", "", "/v1/models", "/v1/models", ""),
    ("ollama", "/v1", "/models", "/v1/models", ""),
]


@pytest.mark.parametrize(("kind", "url", "models_endpoint", "page", "api_base"), ADDRESSES)
def test_the_address_that_answers_decides_what_litellm_is_told(
    place: Place, kind: str, url: str, models_endpoint: str, page: str, api_base: str
) -> None:
    server = place.serve(only_at(page, ONE))
    listing = place.ask(server.url + url, kind, models_endpoint=models_endpoint)
    assert listing.outcome == OK
    (model,) = listing.models
    assert model.api_base == server.url + api_base
    assert model.provider == PROVIDERS[kind]
    assert page in server.paths
    for path in server.paths:
        assert "//" not in path
        assert not path.endswith("/")


LM_STUDIO_404 = (FIXTURES / "openai" / "lmstudio-unknown-path.json").read_bytes()


@pytest.mark.parametrize(
    "nothing",
    [
        as_json({"detail": "Not Found"}, "404 Not Found"),
        as_json({"detail": "Method Not Allowed"}, "405 Method Not Allowed"),
        answer(LM_STUDIO_404),
        answer(b"<html>Welcome</html>", kind="text/html"),
        answer(b"Ollama is running", kind="text/plain"),
        answer(b"", "Location: https://elsewhere.example/", status="302 Found"),
    ],
    ids=["404", "405", "error with 200", "HTML", "text", "redirect"],
)
def test_where_a_bare_url_has_no_list_v1_is_asked(place: Place, nothing: bytes) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(ONE if exchange.path == "/v1/models" else nothing)

    listing = place.listing(script)
    assert [model.id for model in listing.models] == ["m"]
    assert listing.models[0].api_base.endswith("/v1")


def test_the_first_place_explains_why_there_is_no_list(place: Place) -> None:
    server = place.serve(as_json({"detail": "Not Found"}, "404 Not Found"))
    listing = place.ask(server.url)
    assert listing.outcome == INVALID
    assert f"{server.url}/models: HTTP 404: Not Found" in listing.detail
    assert server.paths == ["/models", "/v1/models"]


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "503 Not Yet"])
def test_a_refused_key_or_a_loading_server_is_not_asked_elsewhere(
    place: Place, status: str
) -> None:
    server = place.serve(answer(b"", status=status))
    place.ask(server.url)
    assert set(server.paths) == {"/models"}


@pytest.mark.parametrize("kind", MAIN)
def test_a_configured_models_endpoint_is_the_only_place(place: Place, kind: str) -> None:
    server = place.serve(answer(b"", status="404 Not Found"))
    assert place.ask(server.url, kind, models_endpoint="/list").outcome == INVALID
    assert server.paths == ["/list"]


@pytest.mark.parametrize("kind", MAIN)
def test_the_list_comes_first_and_nothing_else_is_asked_than_what_is_allowed(
    place: Place, kind: str
) -> None:
    server = place.serve(ONE)
    place.ask(server.url, kind)
    assert server.paths[0] == LISTS[kind]
    for exchange in server.exchanges:
        assert " ".join(exchange.head.split(" ")[:2]) in KINDS[kind].ALLOWED


@pytest.mark.parametrize("kind", MAIN)
def test_the_backend_gets_its_own_key(place: Place, kind: str) -> None:
    (place.folder / "box").write_text(KEY + "\n")
    server = place.serve(ONE)
    place.ask(server.url, kind)
    assert server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"


# --- answers that were captured or documented ---

ANSWERS: dict[str, list[str]] = {
    "openai/anthropic": ["claude-sonnet-4-20250514"],
    "openai/docker-model-runner": ["docker.io/ai/smollm2:latest"],
    "openai/koboldcpp": ["koboldcpp/gemma-4-31B-it-UD-Q8_K_XL"],
    "openai/kserve": ["llama3"],
    "openai/lemonade": ["Gemma-3-4b-it-GGUF", "Qwen3-0.6B-GGUF", "SD-Turbo"],
    "openai/litellm": ["embed-tiny", "gpt-tiny", "ollama/llama2"],
    "openai/llama-swap": ["qwen3-vl"],
    "openai/llamacpp": ["models/tiny-plain.gguf"],
    "openai/llamacpp-alias": ["qwen/tiny:tools"],
    "openai/llamacpp-router": [
        *("broken", "embedder", "team/alpha model:Q4", "tiny-plain", "tiny-tools-think"),
    ],
    "openai/lmdeploy": ["internlm3-8b"],
    "openai/lmstudio": [
        *("google/gemma-4-26b-a4b", "text-embedding-nomic-embed-text-v1.5-embedding"),
    ],
    "openai/localai": ["gpt-4", "some-loose-file.gguf"],
    "openai/mlx-lm": ["/Users/me/models/my-model", "mlx-community/Qwen3-8B-4bit"],
    "openai/mockllm": [
        *("claude-3-haiku-20240307", "claude-3-opus-20240229", "claude-3-sonnet-20240229"),
        *("gpt-3.5-turbo", "gpt-4", "gpt-4-turbo"),
    ],
    "openai/openai": ["gpt-4o"],
    "openai/openrouter": ["google/gemini-2.5-pro-preview"],
    "openai/sglang": ["Qwen/Qwen3-8B", "my-lora"],
    "openai/speaches": [
        *("Systran/faster-distil-whisper-small.en", "speaches-ai/Kokoro-82M-v1.0-ONNX"),
    ],
    "openai/tabbyapi": ["Llama-3-8B-exl3", "gpt-3.5-turbo"],
    "openai/text-generation-webui": ["Qwen3-8B-Q4_K_M.gguf"],
    "openai/tgi": ["bigscience/bloom-560m"],
    "openai/triton": ["broken", "llama3"],
    "openai/xinference": ["bge-m3", "bge-reranker", "my-qwen", "whisper"],
    "ollama/tags": ["gemma4:latest", "gpt-oss:120b-cloud"],
    "ollama/v1-models": ["codegpt/deepseek-coder-1.3b-typescript:latest", "gemma4:latest"],
    "vllm/nim": ["meta/llama-3.2-11b-vision-instruct"],
    "vllm/vllm": ["my-adapter", "tiny-vllm", "tiny/alias-two"],
}
FAILURES = {
    "openai/llamacpp-loading": (503, NOT_READY, "HTTP 503: Loading model"),
    "openai/llamacpp-key-refused": (401, UNAUTHORISED, "HTTP 401: Invalid API Key"),
    "openai/llamacpp-no-such-path": (404, INVALID, "HTTP 404: "),
    "openai/litellm-no-key": (401, UNAUTHORISED, "No api key passed in"),
    "openai/litellm-no-database": (400, INVALID, "HTTP 400: No connected db"),
    "openai/lmstudio-unknown-path": (200, INVALID, "Unexpected endpoint or method"),
    "openai/fakellm": (404, INVALID, "HTTP 404: Not Found"),
    "vllm/no-such-path": (404, INVALID, "HTTP 404: Not Found"),
    "ollama/tags-empty": (200, EMPTY_LIST, ""),
    "ollama/v1-models-empty": (200, EMPTY_LIST, ""),
    "ollama/localai-tags-empty": (200, EMPTY_LIST, ""),
}
NUMBERS = {"openai/gemini": 7, "openai/llmock": 4}


def fixture(case: str) -> bytes:
    return (FIXTURES / f"{case}.json").read_bytes()


def test_every_fixture_is_used() -> None:
    found = {str(path.relative_to(FIXTURES).with_suffix("")) for path in FIXTURES.rglob("*.json")}
    assert found == ANSWERS.keys() | FAILURES.keys() | NUMBERS.keys()


def test_every_fixture_has_its_origin_written_down() -> None:
    text = (FIXTURES.parent / "README.md").read_text()
    for path in FIXTURES.rglob("*.json"):
        assert f"`{path.relative_to(FIXTURES)}`" in text


@pytest.mark.parametrize("kind", MAIN)
def test_the_ids_of_a_real_answer_are_read(
    place: Place, subtests: pytest.Subtests, kind: str
) -> None:
    cases = [case for case in ANSWERS if case.startswith(f"{kind}/")]
    listings = place.listings(*(answer(fixture(case)) for case in cases), kind=kind)
    for case, listing in zip(cases, listings, strict=True):
        with subtests.test(case):
            assert listing.outcome == OK
            assert [model.id for model in listing.models] == ANSWERS[case]


@pytest.mark.parametrize("case", FAILURES)
def test_a_real_failure_is_classified(place: Place, case: str) -> None:
    status, outcome, detail = FAILURES[case]
    body = answer(fixture(case), status=f"{status} Whatever")
    listing = place.listing(body, case.partition("/")[0])
    assert listing.outcome == outcome
    assert detail in listing.detail
    assert not listing.models


def test_a_list_under_models_with_name_is_read(place: Place) -> None:
    listing = place.listing(answer(fixture("openai/gemini")))
    assert "models/gemini-2.5-pro" in [model.id for model in listing.models]


def test_the_list_of_a_mock_is_read(place: Place) -> None:
    assert place.listing(answer(fixture("openai/llmock"))).outcome == OK


# --- traps: what a listing can do to its reader ---


def short(answered: bytes) -> str:
    """Name an answer after its status and its body, not after all its headers."""
    body = answered.partition(b"\r\n\r\n")[2][:40].decode()
    return f"{answered[9:12].decode()} {body}"


NO_LISTS: list[tuple[bytes, str, str]] = [
    (as_json({"error": "Unexpected endpoint"}), INVALID, "an error: Unexpected endpoint"),
    (as_json({"error": {"message": "no"}}), INVALID, "an error: no"),
    (as_json({"error": {"message": "no"}, "data": []}), INVALID, "an error: no"),
    (as_json({"error": "upstream is gone", "data": [{"id": "m"}]}), INVALID, "upstream"),
    (answer(b"<html>Sign in</html>", kind="text/html"), INVALID, "not JSON (text/html)"),
    (as_json({"error": {"message": "Loading"}}, "503 Not Yet"), NOT_READY, "503: Loading"),
    (answer(b"", status="502 Bad Gateway"), UNREACHABLE, "HTTP 502"),
    (answer(b"", status="500 Internal Server Error"), UNREACHABLE, "HTTP 500"),
    (answer(b"", status="429 Too Many Requests"), UNREACHABLE, "HTTP 429"),
    (as_json({"error": "Unauthorized"}, "401 Unauthorized"), UNAUTHORISED, "Unauthorized"),
    (as_json({"detail": "Forbidden"}, "403 Forbidden"), UNAUTHORISED, "403: Forbidden"),
    (as_json({"error": "No connected db"}, "400 Bad Request"), INVALID, "400: No connected"),
    (as_json({"data": []}), EMPTY_LIST, ""),
    (as_json({"models": []}), EMPTY_LIST, ""),
    (as_json([]), EMPTY_LIST, ""),
    (as_json({"data": None}), EMPTY_LIST, ""),
    (as_json({"models": None}), EMPTY_LIST, ""),
    (as_json({"data": None, "models": None}), EMPTY_LIST, ""),
    (as_json({}), INVALID, "no list 'data' or 'models' (its keys: none)"),
    (as_json({"object": "list"}), INVALID, "(its keys: object)"),
    (as_json({"data": {}}), INVALID, "no list"),
    (as_json({"data": "m"}), INVALID, "no list"),
    (as_json(None), INVALID, "not a list of models but null"),
    (as_json("m"), INVALID, "not a list of models but a string"),
    (as_json(3), INVALID, "not a list of models but a number"),
    (as_json(True), INVALID, "not a list of models but a boolean"),
    (answer(b"", status="204 No Content"), INVALID, "empty"),
    (answer(b'{"data": [{"id": '), INVALID, "not JSON"),
    (as_json({"data": [{"id": None}]}), INVALID, "1 of its entries have no readable"),
    (as_json({"data": [{"id": "*"}]}), INVALID, "1 model ids hold NUL"),
]


@pytest.mark.parametrize("kind", MAIN)
def test_what_is_no_list_of_models_has_an_outcome_and_a_reason(
    place: Place, subtests: pytest.Subtests, kind: str
) -> None:
    listings = place.listings(*(body for body, _, _ in NO_LISTS), kind=kind)
    for (body, outcome, detail), listing in zip(NO_LISTS, listings, strict=True):
        with subtests.test(short(body)):
            assert (listing.outcome, listing.models) == (outcome, ())
            assert detail in listing.detail


@pytest.mark.parametrize("kind", MAIN)
def test_a_refused_connection_is_unreachable(place: Place, kind: str) -> None:
    with RawServer(always(b"")) as server:
        url = server.url
    listing = place.ask(url, kind)
    assert listing.outcome == UNREACHABLE
    assert f"{url}{LISTS[kind]}: connection refused" in listing.detail


@pytest.mark.parametrize("kind", MAIN)
def test_models_beside_data_are_not_counted(place: Place, kind: str) -> None:
    document = {"models": [{"name": "junk", "size": ""}], "data": [{"id": "real"}]}
    assert place.ids(document, kind) == ["real"]


@pytest.mark.parametrize("kind", MAIN)
def test_an_empty_data_beside_models_is_an_empty_list(place: Place, kind: str) -> None:
    body = as_json({"models": [{"name": "junk"}], "data": []})
    assert place.listing(body, kind).outcome == EMPTY_LIST


def test_a_null_data_beside_models_counts_the_models(place: Place) -> None:
    assert place.ids({"data": None, "models": [{"name": "a"}]}) == ["a"]


@pytest.mark.parametrize(
    "document",
    [
        [{"id": "a"}, {"id": "b"}],
        ["a", "b"],
        {"data": ["a", "b"]},
        {"models": ["a", "b"]},
        {"data": [{"model": "a"}, {"name": "b"}]},
        {"models": [{"key": "a"}, {"key": "b"}]},
        {"data": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]},
        {"data": [{"id": "b"}, {"id": "a"}, {"id": "b"}]},
        {"error": None, "data": [{"id": "a"}, {"id": "b"}]},
    ],
)
def test_a_list_is_read_in_every_spelling(place: Place, document: Any) -> None:
    assert place.ids(document) == ["a", "b"]


@pytest.mark.parametrize("bad", [None, "", {}, {"a": 1}, [], 7, True, 0.5])
def test_an_entry_without_a_readable_id_is_left_out_and_makes_the_list_partial(
    place: Place, bad: Any
) -> None:
    listing = place.listing(as_json({"data": [{"id": bad}, {"id": "good"}]}))
    assert listing.outcome == OK
    assert [model.id for model in listing.models] == ["good"]
    assert listing.partial
    assert listing.detail == "1 of its entries have no readable model id"


@pytest.mark.parametrize("bad", [None, 7, [], {}, "", ["a"], {"object": "model"}])
def test_an_entry_that_is_no_model_makes_the_list_partial(place: Place, bad: Any) -> None:
    listing = place.listing(as_json({"data": [bad, {"id": "good"}]}))
    assert listing.partial
    assert [model.id for model in listing.models] == ["good"]


@pytest.mark.parametrize(
    "bad", ["a\x00b", "*", "openai/*", "\ud800"], ids=["NUL", "wildcard", "prefix", "surrogate"]
)
def test_an_id_that_litellm_cannot_hold_is_left_out_with_a_reason(place: Place, bad: str) -> None:
    listing = place.listing(as_json({"data": [{"id": bad}, {"id": "good"}]}))
    assert [model.id for model in listing.models] == ["good"]
    assert not listing.partial
    assert listing.detail == "1 model ids hold NUL, * or a broken character"


ODD = [
    *("team/alpha model:Q4", "org/repo@ref", "org/repo:file.gguf", "/srv/models/tiny.gguf"),
    *("C:\\models\\tiny.gguf", "größe-模型-🦙", " spaced ", "a//b", "?a=b&c#d", "%2F", "..", "{}"),
    *("line\nbreak", "\x1b[31m", "a'b\"c", "\u202e", "openai/openai/m", "-", "null"),
]


@pytest.mark.parametrize("kind", MAIN)
def test_odd_ids_are_kept_as_they_are(place: Place, kind: str) -> None:
    assert place.ids({"data": [{"id": odd} for odd in ODD]}, kind) == sorted(ODD)


def test_a_long_id_is_kept_as_it_is(place: Place) -> None:
    assert place.ids({"data": [{"id": "x" * MAX_ID}]}) == ["x" * MAX_ID]


def test_ids_that_differ_in_case_or_unicode_form_are_different(place: Place) -> None:
    assert place.ids(["M", "m", "e\u0301", "\u00e9"]) == sorted(["M", "m", "e\u0301", "\u00e9"])


@pytest.mark.parametrize("more", [{"has_more": True}, {"nextPageToken": "abc"}])
def test_a_list_that_goes_on_elsewhere_is_partial(place: Place, more: dict[str, Any]) -> None:
    listing = place.listing(as_json({"data": [{"id": "a"}], **more}))
    assert listing.outcome == OK
    assert listing.partial
    assert "more pages" in listing.detail


def test_a_list_that_says_it_has_no_more_is_whole(place: Place) -> None:
    body = as_json({"data": [{"id": "a"}], "has_more": False, "nextPageToken": ""})
    assert not place.listing(body).partial


@pytest.mark.parametrize("kind", MAIN)
def test_what_changes_on_every_call_is_not_in_the_listing(place: Place, kind: str) -> None:
    with FakeBackend(kind, ["a", "b"]) as server:
        first, second = (place.ask(server.url, kind) for _ in range(2))
    assert first == second


def test_the_order_of_the_list_does_not_matter(place: Place) -> None:
    assert place.ids(["b", "a", "c"]) == place.ids(["c", "b", "a"])


def test_a_list_of_two_thousand_models_is_read(place: Place) -> None:
    names = [f"org-{number % 7}/model-{number:05}" for number in range(2_000)]
    document = {
        "data": [{"id": n, "object": "model", "created": 1, "owned_by": "x"} for n in names]
    }
    assert place.ids(document) == sorted(names)


def test_a_list_of_more_than_ten_megabytes_is_invalid(place: Place) -> None:
    body = b'{"data": [' + b'{"id": "m", "description": "' + b"x" * (10 << 20) + b'"}]}'
    listing = place.listing(answer(body))
    assert listing.outcome == INVALID
    assert "the answer has over 10485760 bytes" in listing.detail


def test_a_slow_backend_is_unreachable_after_its_timeout(place: Place) -> None:
    begun = time.monotonic()
    listing = place.listing(lambda exchange: exchange.wait(), timeout=0.3)
    assert listing.outcome == UNREACHABLE
    assert "no answer within 0.3 s" in listing.detail
    assert time.monotonic() - begun < AMPLE


def test_a_list_that_drips_in_is_unreachable_after_its_timeout(place: Place) -> None:
    def script(exchange: Exchange) -> None:
        going = exchange.send(answer(b"[", length=10_000))
        while going:
            exchange.wait(0.02)
            going = exchange.send(b" ")

    begun = time.monotonic()
    assert place.listing(script, timeout=0.3).outcome == UNREACHABLE
    assert time.monotonic() - begun < AMPLE


def test_headers_that_drip_in_do_not_hold_up_the_cycle(place: Place) -> None:
    def script(exchange: Exchange) -> None:
        going = exchange.send(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while going:
            exchange.wait(0.02)
            going = exchange.send(b"x")

    begun = time.monotonic()
    assert place.listing(script, timeout=0.3).outcome == UNREACHABLE
    assert time.monotonic() - begun < AMPLE


def test_one_answer_of_two_is_enough(place: Place) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.number == 0:
            exchange.close()
        else:
            exchange.send(ONE)

    assert place.listing(script).outcome == OK


def test_all_backends_are_asked_at_once(place: Place) -> None:
    together = threading.Barrier(8)

    def answer_when_all_are_asked(exchange: Exchange) -> None:
        together.wait(MAX_WAIT)
        exchange.send(ONE)

    servers = [place.serve(answer_when_all_are_asked) for _ in range(8)]
    backends = configured(
        place.folder, *({"name": f"b{i}", "url": s.url} for i, s in enumerate(servers))
    )
    listings = fetch_listings(backends, place.http)
    assert [(x.backend, x.outcome) for x in listings] == [(f"b{i}", OK) for i in range(8)]


def test_two_backends_on_one_server_are_asked_side_by_side(place: Place) -> None:
    server = place.serve(ONE)
    backends = configured(
        place.folder, *({"name": f"b{i}", "url": f"{server.url}/v1"} for i in range(6))
    )
    for _ in range(5):
        assert {listing.outcome for listing in fetch_listings(backends, place.http)} == {OK}


def test_when_the_engine_stops_backends_that_have_not_answered_are_unreachable(
    place: Place,
) -> None:
    server = place.serve(lambda exchange: exchange.wait())
    backends = configured(place.folder, {"name": "box", "url": server.url, "timeout": MAX_WAIT})
    begun = time.monotonic()
    (listing,) = fetch_listings(backends, place.http, lambda: True)
    assert listing.outcome == UNREACHABLE
    assert time.monotonic() - begun < AMPLE


def test_a_backend_whose_name_is_not_resolved_in_time_is_given_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def resolve(*_: object, **__: object) -> None:
        over.wait(MAX_WAIT)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    backends = configured(place.folder, {"name": "box", "url": "http://box", "timeout": 0.1})
    http = Http(Timing(grace=0.1))
    begun = time.monotonic()
    (listing,) = fetch_listings(backends, http)
    http.close()
    assert (listing.outcome, listing.detail) == (UNREACHABLE, "no answer within 0.1 s")
    assert time.monotonic() - begun < AMPLE
    over.set()
    for thread in threading.enumerate():
        if thread.name == "list-box":
            thread.join(MAX_WAIT)


def test_after_a_backend_was_given_up_it_is_asked_on_a_new_connection(place: Place) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.connection == 0:
            exchange.wait()
        else:
            exchange.send(ONE)

    server = place.serve(script)
    backends = configured(place.folder, {"name": "box", "url": server.url, "timeout": MAX_WAIT})
    fetch_listings(backends, place.http, lambda: bool(server.exchanges))
    (listing,) = fetch_listings(backends, place.http)
    assert listing.outcome == OK


def test_a_backend_that_was_given_up_keeps_no_connection_open(place: Place) -> None:
    given_up = threading.Event()

    def script(exchange: Exchange) -> None:
        given_up.wait(AMPLE)
        exchange.send(ONE)

    server = place.serve(script)
    backends = configured(place.folder, {"name": "box", "url": server.url, "timeout": MAX_WAIT})
    gc.disable()
    try:
        fetch_listings(backends, place.http, lambda: bool(server.exchanges))
        given_up.set()
        assert server.all_hung_up()
    finally:
        gc.enable()


def test_a_key_file_that_cannot_be_used_is_told_without_asking(place: Place) -> None:
    (place.folder / "box").write_text("two\nlines")
    server = place.serve(ONE)
    listing = place.ask(server.url)
    assert listing.outcome == UNAUTHORISED
    assert "more than one line" in listing.detail
    assert not server.exchanges


# --- the key, and what foreign text may do ---


ECHOES: list[tuple[Callable[[str], Any], str]] = [
    (lambda head: {"error": head}, "200 OK"),
    (lambda head: {"error": {"message": head}}, "200 OK"),
    (lambda head: {"error": {"code": 1, "request": {"headers": head}}}, "200 OK"),
    (lambda head: {head: 1}, "200 OK"),
    (lambda head: {"error": head}, "401 Unauthorized"),
    (lambda head: {"detail": [head]}, "400 Bad Request"),
    (lambda head: head, "500 Internal Server Error"),
    (lambda _: {"error": "x" * 190 + KEY}, "200 OK"),
    (lambda _: {"error": "x" * 290 + KEY}, "200 OK"),
    (lambda _: {"x" * 290 + KEY: 1}, "200 OK"),
]


def echo(make: Callable[[str], Any], status: str) -> Script:
    """Return a script that answers with the request that it got."""

    def script(exchange: Exchange) -> None:
        assert KEY in exchange.head
        exchange.send(as_json(make(exchange.head), status))

    return script


@pytest.mark.parametrize("kind", MAIN)
def test_a_backend_that_echoes_its_key_does_not_get_it_into_the_detail(
    place: Place, subtests: pytest.Subtests, kind: str
) -> None:
    (place.folder / "box").write_text(KEY)
    listings = place.listings(*(echo(*row) for row in ECHOES), kind=kind)
    for number, listing in enumerate(listings):
        with subtests.test(number=number):
            assert listing.outcome != OK
            assert KEY[3:11] not in listing.detail


@pytest.mark.parametrize("kind", MAIN)
@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
@pytest.mark.parametrize(
    "document",
    [{"error": "\x1b[2J\r\nfake log line" + "x" * 9999}, {"\x1b[2J\r\n" + "x" * 9999: 1}],
)
def test_a_detail_is_one_printable_line_of_bounded_length(
    place: Place, kind: str, status: str, document: Any
) -> None:
    detail = place.listing(as_json(document, status), kind).detail
    assert detail.isprintable()
    assert len(detail) < 500


DEPTHS = (100, 300, 600, 900, 950, 970, 980, 985, 990, 995, 100_000)


@pytest.mark.parametrize("name", ["error", "data", "x"])
def test_a_deeply_nested_answer_has_an_outcome(
    place: Place, subtests: pytest.Subtests, name: str
) -> None:
    bodies = [b'{"%s": [' % name.encode() + b"[" * n + b"]" * n + b"]}" for n in DEPTHS]
    listings = place.listings(*map(answer, bodies))
    for depth, listing in zip(DEPTHS, listings, strict=True):
        with subtests.test(depth=depth):
            assert listing.outcome == INVALID
            assert "please report" not in listing.detail


# --- whatever it answers ---

texts = st.text(max_size=12) | st.sampled_from(["id", "data", "models", "name", "error", "*", ""])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)
entries = documents | st.fixed_dictionaries({}, optional={"id": scalars, "name": scalars})
lists = st.fixed_dictionaries(
    {},
    optional={
        "data": st.lists(entries, max_size=6) | documents,
        "models": st.lists(entries, max_size=6) | documents,
        "error": documents,
        "has_more": documents,
    },
)
bodies = st.one_of(
    (documents | lists).map(lambda document: json.dumps(document).encode()),
    st.binary(max_size=60),
    st.sampled_from([b"[", b'{"data":[{"id":NaN}]}', b'{"data":[{"id":"a"}]}x', b"\xef\xbb\xbf[]"]),
)


EVERY_KIND = (*KINDS, "auto")


class Mirror:
    """One server of each kind that plays any script."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.status = 200
        self.body = b""
        server = place.serve(self._script)
        kinds = ({"name": kind, "type": kind, "url": server.url} for kind in EVERY_KIND)
        self.backends = configured(place.folder, *kinds)

    def _script(self, exchange: Exchange) -> None:
        exchange.send(answer(self.body, status=f"{self.status} Whatever"))


@pytest.fixture
def mirror(place: Place) -> Mirror:
    return Mirror(place)


OUTCOMES_OF_LISTS = {OK, EMPTY_LIST, INVALID}


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=bodies, status=st.sampled_from([200, 200, 200, 201, 400, 401, 404]))
def test_whatever_a_backend_answers_ends_in_a_listing(
    mirror: Mirror, body: bytes, status: int
) -> None:
    mirror.body, mirror.status = body, status
    begun = time.monotonic()
    listings = fetch_listings(mirror.backends, mirror.place.http)
    assert time.monotonic() - begun < AMPLE
    assert len(listings) == len(EVERY_KIND)
    for listing in listings:
        note(listing.backend)
        validate(listing_document(listing), "listing")
        assert "please report" not in listing.detail
        assert listing.detail.isprintable()
        if status in (200, 201):
            assert listing.outcome in OUTCOMES_OF_LISTS
        assert bool(listing.models) == (listing.outcome == OK)
        assert freeze({}) == listing.models[0].info if listing.models else True
        assert listing.detail or listing.outcome in (OK, EMPTY_LIST)


@settings(
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(names=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), max_size=8))
def test_every_id_that_litellm_can_hold_is_listed_once(mirror: Mirror, names: list[str]) -> None:
    mirror.body, mirror.status = json.dumps({"data": [{"id": n} for n in names]}).encode(), 200
    (listing,) = fetch_listings(mirror.backends[:1], mirror.place.http)
    wanted = sorted({n for n in names if "*" not in n and "\0" not in n})
    assert [model.id for model in listing.models] == wanted


def test_the_pages_of_a_list_are_read_to_its_end(place: Place) -> None:
    def page(exchange: Exchange) -> None:
        after = exchange.path.partition("after_id=")[2]
        number = int(after) + 1 if after else 0
        more = {"has_more": number < 3, "last_id": str(number)}
        exchange.send(as_json({"data": [{"id": str(number)}], **more}))

    listing = place.ask(place.serve(page).url + "/v1", "openai")
    assert [model.id for model in listing.models] == ["0", "1", "2", "3"]
    assert not listing.partial
