"""Findings about what backends answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.fakes.server import Fault
from tests.fleet import Fleet
from tests.rawserver import Exchange, RawServer, always, answer, as_json

from .conftest import Examine

VLLM = {"data": [{"id": "a", "owned_by": "vllm"}]}
LLAMA = {"data": [{"id": "a", "owned_by": "llamacpp"}]}


def configure(fleet: Fleet, url: str, **fields: Any) -> None:
    backend = {"name": "box", "url": url, "timeout": 2, **fields}
    document = {"litellm": {"url": fleet.proxy.url}, "backends": [backend]}
    (fleet.folder / "config.yaml").write_text(json.dumps(document))


def routes(**replies: bytes) -> Any:
    """Return a script that answers by path, in which _ stands for a slash; else 404."""

    def script(exchange: Exchange) -> None:
        name = exchange.path.partition("?")[0].strip("/").replace("/", "_")
        exchange.send(replies.get(name, answer(b"{}", status="404 Not Found")))

    return script


def test_a_sign_in_page_is_an_error_of_its_own(fleet: Fleet, examine: Examine) -> None:
    fleet.box.fault = lambda *_: Fault("html")
    found = examine(fleet).one("sign_in", "error")
    assert "a web page" in found["what"]
    assert "without a sign-in" in found["fix"]


def test_an_empty_list_is_a_warning(fleet: Fleet, examine: Examine) -> None:
    fleet.box.models.clear()
    found = examine(fleet).one("empty", "warning")
    assert "answers with an empty list" in found["what"]
    assert "limits.suspicion_period" in found["why"]


@pytest.mark.parametrize(
    ("reply", "check", "severity"),
    [
        (answer(b"{}", status="503 x"), "not_ready", "warning"),
        (answer(b"{}", status="500 x"), "unreachable", "error"),
        (as_json({"data": [{"id": "a"}, {"id": 7}]}), "ok", "warning"),
        (as_json({"hello": 1}), "invalid", "error"),
        (answer(b"nope"), "invalid", "error"),
    ],
)
def test_a_list_that_is_none_is_told_with_cause_and_remedy(
    fleet: Fleet, examine: Examine, reply: bytes, check: str, severity: str
) -> None:
    with RawServer(always(reply)) as server:
        configure(fleet, server.url)
        found = examine(fleet).one(check, severity)
    assert found["area"] == "backends"
    assert found["what"]
    assert found["why"]
    assert found["fix"]


def test_an_empty_key_file_where_a_key_is_wanted_is_a_wrong_key(
    fleet: Fleet, examine: Examine
) -> None:
    fleet.box.key = "sk-right-key-1"
    (fleet.folder / "box").write_text("")
    assert "the key file 'box' is empty" in examine(fleet).one("wrong_key", "error")["what"]


@pytest.mark.parametrize(
    ("kind", "severity"), [("ollama", ""), ("sglang", "warning"), ("openai", "note")]
)
def test_another_kind_than_configured_is_told(
    fleet: Fleet, examine: Examine, kind: str, severity: str
) -> None:
    with RawServer(routes(v1_models=as_json(VLLM), version=as_json({"version": "1"}))) as server:
        configure(fleet, server.url, type=kind)
        examined = examine(fleet)
    if not severity:
        assert examined.one("type", "error")["fix"] == "write `type: vllm`, or `type: auto`"
        return
    found = examined.one("type", severity)
    assert found["what"] == f"answers as vllm does, but is configured as `type: {kind}`"
    assert found["fix"] == "write `type: vllm`, or `type: auto`"


@pytest.mark.parametrize("kind", ["vllm", "auto"])
def test_the_kind_that_it_is_is_ok(fleet: Fleet, examine: Examine, kind: str) -> None:
    with RawServer(routes(v1_models=as_json(VLLM), version=as_json({"version": "1"}))) as server:
        configure(fleet, server.url, type=kind)
        examined = examine(fleet)
    assert examined.of("type") == []
    listed = examined.one("list", "ok")["what"]
    assert listed.startswith("lists 1 model")
    assert ("recognised as vllm" in listed) == (kind == "auto")


@pytest.mark.parametrize("kind", ["llamacpp", "auto", "openai"])
def test_a_wrong_key_behind_an_open_list_is_found(
    fleet: Fleet, examine: Examine, kind: str
) -> None:
    """llama.cpp shows its list to all, and refuses everything else without the key."""
    refused = answer(b'{"error": "Invalid API Key"}', status="401 Unauthorized")
    (fleet.folder / "box").write_text("sk-wrong-key-2")
    with RawServer(routes(v1_models=as_json(LLAMA), props=refused)) as server:
        configure(fleet, server.url, type=kind)
        examined = examine(fleet)
    found = examined.one("wrong_key", "error")
    assert "its list is open to all, but the key is refused" in found["what"]
    assert "every chat with them fails" in found["why"]
    assert "sk-wrong-key-2" not in examined.text


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        ("llamacpp", as_json({"model_path": "a"})),
        ("openai", answer(b"", status="500 x")),
        ("openai", answer(b"", status="404 x")),
    ],
)
def test_a_key_behind_an_open_list_that_is_not_refused_is_ok(
    fleet: Fleet, examine: Examine, kind: str, props: bytes
) -> None:
    (fleet.folder / "box").write_text("sk-right-key-2")
    replies = {"v1_models": as_json(LLAMA), "props": props}
    with RawServer(routes(**replies)) as server:
        configure(fleet, server.url, type=kind)
        examined = examine(fleet)
    assert examined.one("list", "ok")
    assert examined.of("wrong_key") == []
    assert examined.of("key", "unchecked") == []


def test_a_key_that_the_list_does_not_need_is_not_checked(fleet: Fleet, examine: Examine) -> None:
    (fleet.folder / "box").write_text("sk-any-key-3")
    assert "only a chat would show it" in examine(fleet).one("key", "unchecked")["why"]
    fleet.box.key = "sk-any-key-3"
    assert examine(fleet).of("key", "unchecked") == []


def test_a_static_backend_whose_api_is_below_v1_is_an_error(fleet: Fleet, examine: Examine) -> None:
    with RawServer(routes(v1_models=as_json(VLLM))) as server:
        configure(fleet, server.url, type="static", models=["a"])
        examined = examine(fleet)
        assert examined.one("v1", "error")["fix"] == f"write {server.url}/v1"
        configure(fleet, f"{server.url}/v1", type="static", models=["a"])
        examined = examine(fleet)
    assert examined.of("v1") == []
    assert examined.one("list", "ok")["what"].startswith("is not asked for its 1 model,")


def test_a_static_backend_that_shows_no_list_is_left_alone(fleet: Fleet, examine: Examine) -> None:
    with RawServer(routes()) as server:
        configure(fleet, server.url, type="static", models=["a"])
        assert examine(fleet).of("v1") == []


def test_an_expression_that_matches_nothing_is_a_warning(fleet: Fleet, examine: Examine) -> None:
    fleet.configure("exclude_regex: zzz, overrides: [{regex: yyy, capabilities: {mode: chat}}]")
    found = examine(fleet).of("unmatched", "warning")
    assert ["exclude_regex" in found[0]["what"], "overrides[0]" in found[1]["what"]] == [True, True]


def test_a_model_that_an_option_leaves_out_is_named_with_the_option(
    fleet: Fleet, examine: Examine
) -> None:
    fleet.configure("include_modes: [embedding]")
    found = examine(fleet).one("filtered", "warning")
    assert "its mode is not known (include_modes): a, b" in found["what"]


def test_of_many_names_the_first_are_shown(fleet: Fleet, examine: Examine) -> None:
    fleet.box.models = [f"m{number:02}" for number in range(20)]
    fleet.configure("exclude_regex: m")
    what = examine(fleet).one("filtered", "warning")["what"]
    assert what.endswith("m00, m01, m02, m03, m04, m05, m06, m07 and 12 more")
