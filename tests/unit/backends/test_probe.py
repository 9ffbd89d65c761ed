"""Probes are sent only if configured, allowed and needed, and find nothing without an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.backends.probe import BUDGET, probe_models
from engine.backends.scope import scope_of
from engine.config.loader import load_config
from engine.config.model import Backend, Config
from engine.config.patterns import compile_pattern, replacement
from engine.config.references import references_of
from engine.desired.deployments import desired_state
from engine.fakes.server import Answer, Fault, LoopbackServer
from engine.state.endpoint import canonical_endpoint
from engine.state.frozen import freeze, thaw
from engine.state.listing import Listing, Model
from engine.transport.client_pool import Http
from tests import builders as b


class Chatty:
    """A server that chats; ``tools`` and ``sees`` say what it can, ``status`` how it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.fault: Callable[[str, str, bytes], Fault | None] | None = None
        self.tools: list[dict[str, Any]] | None = [{"function": {"name": "report"}}]
        self.sees = True
        self.status = 200

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        asked = json.loads(body)
        self.bodies.append(asked)
        if self.status != 200:
            return Answer(self.status, b'{"error": "no"}')
        content = asked["messages"][0]["content"]
        image = 200 if self.sees and isinstance(content, list) else 0
        message = {"content": "x", "tool_calls": self.tools if "tools" in asked else None}
        document = {"choices": [{"message": message}], "usage": {"prompt_tokens": 9 + image}}
        return Answer(200, json.dumps(document).encode())


@pytest.fixture
def chatty() -> Iterator[Chatty]:
    server = Chatty()
    loopback = LoopbackServer(server)
    loopback.start()
    server.url = f"http://127.0.0.1:{loopback.server_port}"  # type: ignore[attr-defined]
    yield server
    loopback.stop()


@pytest.fixture
def config(chatty: Chatty, tmp_path: Any) -> Config:
    (tmp_path / "litellm").write_text("sk-1234")
    url = chatty.url  # type: ignore[attr-defined]
    text = "litellm: {url: http://p}\nbackends:\n"
    text += f"  - {{name: box, type: vllm, url: '{url}', discovery: probe, timeout: 2}}\n"
    (tmp_path / "config.yaml").write_text(text)
    return load_config(tmp_path / "config.yaml", tmp_path)


@pytest.fixture
def backend(config: Config) -> Backend:
    return config.backends[0]


def model(name: str = "m", **changes: Any) -> Model:
    info = changes.pop("info", {"mode": "chat"})
    loaded = Model(name, "hosted_vllm", "http://box/v1", info=freeze(info), state="loaded")
    return replace(loaded, **changes)


def found(backend: Backend, *models: Model, observed: b.ObservedState | None = None) -> list[Any]:
    listing = Listing("box", "ok", tuple(replace(m, api_base=f"{backend.url}/v1") for m in models))
    (after,) = probe((backend,), (listing,), observed or b.observed())
    return [thaw(probed.info) for probed in after.models]


def probe(
    backends: tuple[Backend, ...], listings: tuple[Listing, ...], observed: b.ObservedState
) -> tuple[Listing, ...]:
    http = Http()
    try:
        return probe_models(backends, listings, observed, scope_of(backends), http)
    finally:
        http.close()


def test_tools_and_vision_are_found(backend: Backend, chatty: Chatty) -> None:
    assert found(backend, model()) == [
        {"mode": "chat", "supports_function_calling": True, "supports_vision": True}
    ]
    assert {path for _, path in chatty.requests} == {"/v1/chat/completions"}
    for body in chatty.bodies:
        assert body["max_tokens"] <= 32
    with_image = next(
        body for body in chatty.bodies if isinstance(body["messages"][0]["content"], list)
    )
    assert isinstance(with_image["messages"][0]["content"][1]["image_url"], dict)


@pytest.mark.parametrize("calls", [None, []])
def test_an_answer_without_a_call_is_a_no(
    backend: Backend, chatty: Chatty, calls: list[dict[str, Any]] | None
) -> None:
    chatty.tools = calls
    assert found(backend, model())[0]["supports_function_calling"] is False


def test_an_image_that_costs_no_tokens_was_not_looked_at(backend: Backend, chatty: Chatty) -> None:
    chatty.sees = False
    assert found(backend, model())[0]["supports_vision"] is False


def test_a_refusal_is_a_no(backend: Backend, chatty: Chatty) -> None:
    chatty.status = 400
    assert found(backend, model()) == [
        {"mode": "chat", "supports_function_calling": False, "supports_vision": False}
    ]


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_an_error_of_the_server_finds_nothing(
    backend: Backend, chatty: Chatty, status: int
) -> None:
    chatty.status = status
    assert found(backend, model()) == [{"mode": "chat"}]


def test_a_timeout_finds_nothing(backend: Backend, chatty: Chatty) -> None:
    chatty.fault = lambda *_: Fault("hang", seconds=5)
    quick = replace(backend, connection=replace(backend.connection, timeout=0.2))
    assert found(quick, model()) == [{"mode": "chat"}]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "unloaded"},
        {"state": ""},
        {"state": "failed"},
        {"remote": True},
        {"info": {}},
        {"info": {"mode": "embedding"}},
        {"info": {"mode": "chat", "supports_function_calling": False, "supports_vision": True}},
    ],
)
def test_a_model_that_must_not_or_need_not_be_asked_is_not(
    backend: Backend, chatty: Chatty, changes: dict[str, Any]
) -> None:
    found(backend, model(**changes))
    assert chatty.requests == []


@pytest.mark.parametrize("discovery", [True, False])
def test_nothing_is_asked_unless_probes_are_configured(
    backend: Backend, chatty: Chatty, discovery: bool
) -> None:
    found(replace(backend, discovery=discovery), model())
    assert chatty.requests == []


def test_what_is_registered_as_evidence_is_not_asked_again(
    backend: Backend, chatty: Chatty
) -> None:
    evidence = {"supports_function_calling": False, "supports_vision": False}
    row = b.wanted("m", endpoint=backend.url, upstream="hosted_vllm/m", reported=evidence)
    assert found(backend, model(), observed=b.observed(b.as_seen(row))) == [{"mode": "chat"}]
    assert chatty.requests == []


def test_a_model_at_the_address_of_another_backend_is_asked_once(
    config: Config, backend: Backend, chatty: Chatty
) -> None:
    """Its row belongs to the other endpoint, since its ``api_base`` is there."""
    other = replace(backend, name="sub", url=f"{backend.url}/sub", discovery=True)
    backends = (backend, other)
    listed = Listing("box", "ok", (model(api_base=f"{other.url}/v1"),))
    empty = Listing("sub", "empty")
    listings = probe(backends, (listed, empty), b.observed())
    assert chatty.requests
    chatty.requests.clear()
    config = replace(config, backends=backends)
    references = references_of(config)
    desired = desired_state(config, listings, scope_of(backends), references)
    assert [row.key.endpoint for row in desired.deployments] == [other.url]
    rows = map(b.as_seen, desired.deployments)
    assert probe(backends, (listed, empty), b.observed(*rows)) == (listed, empty)
    assert chatty.requests == []


def test_the_requests_of_a_cycle_are_bounded(backend: Backend, chatty: Chatty) -> None:
    answers = found(backend, *(model(f"m{number:02}") for number in range(20)))
    assert len(chatty.requests) <= BUDGET
    assert sum("supports_vision" in info for info in answers) == BUDGET // 3


def with_rule(backend: Backend) -> Backend:
    return replace(backend, renames=(replacement(compile_pattern("m$"), "n"),))


def test_what_is_registered_for_a_renamed_model_is_not_asked_again(
    backend: Backend, chatty: Chatty
) -> None:
    evidence = {"supports_function_calling": True, "supports_vision": True}
    endpoint = canonical_endpoint(backend.url)
    wanted = b.wanted("m", endpoint=endpoint, upstream="hosted_vllm/n", reported=evidence)
    assert found(with_rule(backend), model(), observed=b.observed(b.as_seen(wanted))) == [
        {"mode": "chat"}
    ]
    assert chatty.requests == []


def test_a_model_that_will_not_be_registered_is_not_asked(backend: Backend, chatty: Chatty) -> None:
    filtered = replace(backend, exclude=compile_pattern("m"))
    adapters = replace(backend, selection=replace(backend.selection, adapters=False))
    assert found(filtered, model()) == found(adapters, model(parent="base")) == [{"mode": "chat"}]
    assert chatty.requests == []
