"""Installations in which much is broken: what can be looked at is, and nothing is a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.fakes.backend import FakeBackend
from tests.fleet import Fleet
from tests.quick import QUICK
from tests.rawserver import RawServer, always, answer, as_json

from .conftest import Examine


def test_without_a_configuration_the_key_files_are_looked_at(
    fleet: Fleet, examine: Examine
) -> None:
    (fleet.folder / "config.yaml").unlink()
    examined = examine(fleet)
    found = examined.one("invalid", "error")
    assert "there is no such file; write it, or name another file with --config" in found["what"]
    assert examined.one("litellm_key", "ok")
    unseen = {f["area"] for f in examined.of("area", "unchecked")}
    assert unseen == {"network", "backends", "LiteLLM", "models"}
    assert examined.code == 1


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "backends: 7", "litellm: {url: 5}", "a: [", "litellm: x\nbackends: [x]"]
)
def test_a_configuration_of_another_shape_is_no_traceback(
    fleet: Fleet, examine: Examine, text: str
) -> None:
    (fleet.folder / "config.yaml").write_text(text)
    examined = examine(fleet)
    assert examined.code == 1
    assert examined.of("invalid", "error")


def test_beside_a_broken_backend_the_others_and_litellm_are_looked_at(
    fleet: Fleet, examine: Examine
) -> None:
    fleet.configure()
    with (fleet.folder / "config.yaml").open("a") as file:
        file.write("  - {name: broken, url: 'not a url', typ: vllm}\n")
        file.write("limits: {max_models: many}\n")
    examined = examine(fleet)
    problems = [f["subject"] for f in examined.of("invalid", "error")]
    assert problems == [
        "config.yaml:5: backends[1].typ",
        "config.yaml:5: backends[1].url",
        "config.yaml:6: limits.max_models",
    ]
    listed = examined.one("list", "ok")
    assert (listed["subject"], listed["what"]) == ("box", "lists 2 models, as type openai")
    assert examined.one("rights", "ok")
    assert examined.one("area", "unchecked")["area"] == "models"


def test_without_litellms_key_the_backends_are_looked_at(fleet: Fleet, examine: Examine) -> None:
    path = fleet.folder / "litellm"
    for content in ("\n", None):
        path.write_text(content) if content else path.unlink()
        examined = examine(fleet)
        found = examined.one("litellm_key", "error")
        assert found["fix"].startswith("put the key of a LiteLLM admin into it")
        assert examined.one("list", "ok")["subject"] == "box"
        assert {f["area"] for f in examined.of("area", "unchecked")} == {"LiteLLM", "models"}


def test_while_litellm_is_down_the_backends_are_looked_at(fleet: Fleet, examine: Examine) -> None:
    text = (fleet.folder / "config.yaml").read_text()
    (fleet.folder / "config.yaml").write_text(text.replace(fleet.proxy.url, "http://127.0.0.1:1"))
    examined = examine(fleet)
    found = examined.one("reach_port", "error")
    assert found["subject"] == "LiteLLM"
    assert "no cycle can run" in found["why"]
    assert examined.one("list", "ok")["subject"] == "box"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (as_json({"status": "healthy", "db": "Not connected"}), "LiteLLM has no database"),
        (as_json({"status": "healthy", "db": "disconnected"}, "503 x"), "does not answer"),
        (answer(b"<html>Sign in", kind="text/html"), "does not answer as LiteLLM does"),
        (answer(b"{}", status="404 Not Found"), "does not answer as LiteLLM does"),
        (answer(b"[]"), "its database is not reported"),
    ],
)
def test_a_server_that_is_no_litellm_with_a_database_is_named_with_the_remedy(
    fleet: Fleet, examine: Examine, reply: bytes, words: str
) -> None:
    with RawServer(always(reply)) as server:
        text = (fleet.folder / "config.yaml").read_text()
        (fleet.folder / "config.yaml").write_text(text.replace(fleet.proxy.url, server.url))
        examined = examine(fleet)
        assert {exchange.head.split(" ")[0] for exchange in server.exchanges} == {"GET"}
    found = examined.one("unavailable", "error")
    assert words in found["what"]
    assert found["fix"]
    assert examined.one("list", "ok")["subject"] == "box"


def test_a_wrong_key_of_litellm_is_named_and_not_shown(fleet: Fleet, examine: Examine) -> None:
    (fleet.folder / "litellm").write_text("sk-no-such-key")
    examined = examine(fleet)
    found = examined.one("wrong_key", "error")
    assert found["area"] == "LiteLLM"
    assert found["fix"] == "check the key in the key file 'litellm'"
    assert "sk-no-such-key" not in examined.text
    assert examined.one("area", "unchecked")["area"] == "models"


def test_a_listing_that_cannot_be_read_is_an_error(fleet: Fleet, examine: Examine) -> None:
    document = {"data": [{"model_name": 7}], "total_pages": 1}

    def script(exchange: object) -> None:
        path = exchange.path  # type: ignore[attr-defined]
        healthy = {"status": "healthy", "db": "connected", "litellm_version": "1.110.2"}
        reply = as_json(healthy if "readiness" in path else document)
        exchange.send(reply)  # type: ignore[attr-defined]

    with RawServer(script) as server:
        text = (fleet.folder / "config.yaml").read_text()
        (fleet.folder / "config.yaml").write_text(text.replace(fleet.proxy.url, server.url))
        assert examine(fleet).one("listing", "error")["why"].startswith("no cycle can run")


def test_everything_at_once_is_told(fleet: Fleet, examine: Examine) -> None:
    """A wrong type, a dead server and an unusable key do not hide each other."""
    with FakeBackend("openai", ["c"]) as spare:
        backends = [
            {"name": "typed", "type": "ollama", "url": spare.url, "timeout": 2},
            {"name": "dead", "url": "http://127.0.0.1:1", "timeout": 2},
            {"name": "keyed", "url": fleet.box.url, "timeout": 2},
        ]
        document = {"litellm": {"url": fleet.proxy.url}, "backends": backends}
        (fleet.folder / "config.yaml").write_text(json.dumps(document))
        (fleet.folder / "keyed").write_text("two\nlines\n")
        examined = examine(fleet)
    assert examined.one("type", "error")["subject"] == "typed"
    assert examined.one("reach_port", "error")["subject"] == "dead"
    assert "holds more than one line" in examined.one("key", "error")["what"]
    unasked = {f["subject"]: f["why"] for f in examined.of("list", "unchecked")}
    assert unasked == {
        "dead": "it is not asked; see network",
        "keyed": "it is not asked; see key files",
    }


def test_a_folder_that_is_no_folder_is_told(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--config", fleet.arguments[1], "--secrets", str(tmp_path / "absent")]
    assert main(["doctor", *arguments], QUICK) == 1
    text = capsys.readouterr().out
    assert "the folder of key files cannot be listed: no such file or directory" in text
    assert "box: lists 2 models" in text
