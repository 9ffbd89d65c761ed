"""Mistakes in a configuration: each is named, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.loader import load_config
from engine.config.model import Config
from engine.errors import ConfigError


class Place:
    def __init__(self, folder: Path) -> None:
        self.secrets = folder / "secrets"
        self.secrets.mkdir()
        (self.secrets / "litellm").write_text("sk-master")
        self._file = folder / "config.yaml"

    def load(self, text: str) -> Config:
        self._file.write_text(text)
        return load_config(self._file, self.secrets)

    def refusal(self, text: str) -> str:
        with pytest.raises(ConfigError) as refused:
            self.load(text)
        return str(refused.value)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def backends(*sections: str) -> str:
    return "litellm: {url: http://p:4000}\nbackends:\n" + "".join(
        f"  - {{{s}}}\n" for s in sections
    )


@pytest.mark.parametrize("key", ["api_key", "key", "master_key"])
def test_a_key_of_litellm_in_the_configuration_goes_into_its_file(place: Place, key: str) -> None:
    text = place.refusal(f"litellm: {{url: http://p, {key}: sk-oops-123}}")
    assert f"config.yaml:1: litellm.{key}: a key does not belong in the configuration" in text
    assert f"it goes into the file {place.secrets / 'litellm'}" in text
    assert "sk-oops" not in text


def test_a_key_of_a_backend_in_the_configuration_goes_into_its_file(place: Place) -> None:
    text = place.refusal(backends("name: box, url: 'http://b', api_key: sk-oops-123"))
    assert f"it goes into the file {place.secrets / 'box'}" in text
    assert "sk-oops" not in text


def test_a_key_of_a_backend_without_a_name_is_still_refused(place: Place) -> None:
    assert "backends[0].api_key: unknown" in place.refusal(backends("url: 'http://b', api_key: x"))


@pytest.mark.parametrize("url", ["http://p/v1", "http://p/v1/", "http://p/proxy/v1"])
def test_the_url_of_litellm_must_not_end_in_v1(place: Place, url: str) -> None:
    text = place.refusal(f"litellm: {{url: {url}}}")
    assert "litellm.url: must be the address of LiteLLM itself" in text
    assert "remove /v1" in text


@pytest.mark.parametrize("name", ["litellm", "LiteLLM", "LITELLM"])
def test_no_backend_is_named_like_the_file_of_litellm(place: Place, name: str) -> None:
    assert "choose another name" in place.refusal(backends(f"name: {name}, url: 'http://b'"))


@pytest.mark.parametrize(
    ("section", "warning"),
    [
        ("url: 'http://b/v1/v1'", "url: ends in /v1 twice"),
        ("url: 'http://b/v1', models_endpoint: /v1/models", "asked for at /v1/v1/models"),
        ("url: 'http://b/v1/models'", "url: ends in /v1/models, which is added to it"),
        ("url: 'http://b/api/tags', type: ollama", "url: ends in /api/tags, which is added to it"),
        ("url: 'http://b/v1/chat/completions/'", "url: ends in /v1/chat/completions, which is"),
    ],
)
def test_a_doubled_path_is_a_warning(place: Place, section: str, warning: str) -> None:
    assert warning in " ".join(place.load(backends(f"name: box, {section}")).warnings)


@pytest.mark.parametrize(
    "section", ["url: 'http://b/v1'", "url: 'http://b', models_endpoint: /v1/models"]
)
def test_a_path_that_is_not_doubled_is_none(place: Place, section: str) -> None:
    assert place.load(backends(f"name: box, {section}")).warnings == ()


@pytest.mark.parametrize("other", ["http://localhost:8000", "http://[::1]:8000/v1"])
def test_two_names_of_this_machine_are_a_warning(place: Place, other: str) -> None:
    sections = ("name: a, url: 'http://127.0.0.1:8000'", f"name: b, url: '{other}'")
    (warning,) = place.load(backends(*sections)).warnings
    assert (
        "backends[1].url: probably the same server as backends[0] (http://127.0.0.1:8000)"
        in warning
    )


@pytest.mark.parametrize(
    "other", ["http://localhost:8001", "http://127.0.0.1:8000/gpu2", "https://localhost:8000"]
)
def test_two_servers_of_this_machine_are_no_warning(place: Place, other: str) -> None:
    sections = ("name: a, url: 'http://127.0.0.1:8000'", f"name: b, url: '{other}'")
    assert place.load(backends(*sections)).warnings == ()


def test_a_key_file_that_nothing_uses_is_named(place: Place) -> None:
    for name in ("box", "bax", "zzz", ".hidden", "config.yaml"):
        (place.secrets / name).touch()
    (place.secrets / "..data").mkdir()
    assert place.load(backends("name: box, url: 'http://b'")).unused_keys == (
        f"the key file {place.secrets / 'bax'} is not used; did you mean 'box'?",
        f"the key file {place.secrets / 'zzz'} is not used; no backend has this name",
    )


def test_a_tab_in_the_indentation_says_what_to_use(place: Place) -> None:
    text = place.refusal("litellm:\n\turl: http://p\n")
    assert "config.yaml:2:1" in text
    assert "indent with spaces" in text
