"""What an operator is told when a backend, or the configuration, is not as intended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.main import main
from tests.fleet import Fleet, running_fleet
from tests.rawserver import RawServer, always, answer


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a") as running:
        yield running


def shown(fleet: Fleet, capsys: pytest.CaptureFixture[str], url: str, kind: str) -> str:
    """Return what `plan` shows of one backend."""
    backend = {"name": "box", "url": url, "type": kind, "timeout": 2}
    document = {"litellm": {"url": fleet.proxy.url}, "backends": [backend]}
    (fleet.folder / "config.yaml").write_text(json.dumps(document))
    main(["plan", *fleet.arguments])
    return capsys.readouterr().out


def test_a_server_that_wants_a_key_names_the_missing_file(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    with RawServer(always(answer(b"{}", status="401 Unauthorized"))) as server:
        without = shown(fleet, capsys, server.url, "vllm")
        (fleet.folder / "box").write_text("\n")
        empty = shown(fleet, capsys, server.url, "vllm")
        (fleet.folder / "box").write_text("sk-wrong-key-1")
        wrong = shown(fleet, capsys, server.url, "vllm")
    assert "asked without a key: there is no key file 'box'" in without
    assert "asked without a key: the key file 'box' is empty" in empty
    assert "check the key in the key file 'box'" in wrong
    assert "sk-wrong" not in wrong


def test_a_wrong_type_is_told_with_what_is_there(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(fleet, capsys, fleet.box.url, "ollama")
    fits = "it answers as openai does, so `type: auto` or `type: openai` fits it"
    assert f"HTTP 404: Not Found; {fits}, and `type: ollama` does not" in text


def test_a_server_that_is_nothing_known_gets_no_suggestion(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    with RawServer(always(answer(b"{}", status="404 Not Found"))) as server:
        text = shown(fleet, capsys, server.url, "ollama")
    assert "HTTP 404" in text
    assert "fits it" not in text


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "404 Not Found"])
def test_a_sign_in_page_or_a_proxy_is_named(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], status: str
) -> None:
    page = answer(b"<html>Sign in</html>", status=status, kind="text/html")
    with RawServer(always(page)) as server:
        text = shown(fleet, capsys, server.url, "vllm")
    assert "a web page, as a proxy in between or a sign-in page sends" in text
    assert "Sign in<" not in text


def test_a_server_that_is_no_litellm_says_which_address_to_correct(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    page = answer(b"<html>Sign in</html>", kind="text/html")
    for reply in (answer(b"{}", status="404 Not Found"), page, answer(b"{}")):
        with RawServer(always(reply)) as server:
            (fleet.folder / "config.yaml").write_text(
                f"litellm: {{url: '{server.url}'}}\nbackends: []"
            )
            assert main(["plan", *fleet.arguments]) == 1
        text = capsys.readouterr().err
        assert "does not answer as LiteLLM does" in text
        assert "Remedy: check that litellm.url is the address of LiteLLM itself" in text


def test_https_to_a_server_without_tls_is_named(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(fleet, capsys, fleet.box.url.replace("http:", "https:"), "openai")
    assert "the server does not speak TLS; write http:// in its url" in text
    assert "ca_file" not in text


BIDI = "\u202eevil\u2066"


def test_characters_that_turn_the_text_around_are_escaped_in_every_output(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.configure(top=f'on_clash: pool\n"{BIDI}": x')
    assert main(["validate", *fleet.arguments]) == 1
    backend = {"name": "box", "url": f"{fleet.box.url}/{BIDI}", "timeout": 2}
    document = {"litellm": {"url": f"{fleet.proxy.url}"}, "backends": [backend]}
    (fleet.folder / "config.yaml").write_text(json.dumps(document))
    for line in ("validate", "plan", "plan --json", "apply", "run --once --debug"):
        main([*line.split(), *fleet.arguments])
    document["litellm"] = {"url": f"{fleet.proxy.url}/{BIDI}"}
    (fleet.folder / "config.yaml").write_text(json.dumps(document))
    for line in ("validate", "plan", "apply"):
        main([*line.split(), *fleet.arguments])
    output = capsys.readouterr()
    assert "evil" in output.out
    assert "evil" in output.err
    for text in (output.out, output.err):
        assert not set(BIDI) - set("evil") & set(text)


def test_validate_names_key_files_that_nothing_uses(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet.folder / "bax").touch()
    assert main(["validate", *fleet.arguments]) == 0
    assert "bax is not used; did you mean 'box'?" in capsys.readouterr().err
    main(["plan", *fleet.arguments])
    assert "bax" not in capsys.readouterr().err
