"""Environment variables in a configuration."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bounds import MAX_SETTING
from engine.config.loader import examine_config, load_config
from engine.config.model import Backend, Config
from engine.config.outside.variables import escaped, with_variables
from engine.config.yaml.document import read_yaml
from engine.errors import ConfigError
from engine.state.frozen import thaw
from engine.validate import schema

KEY_FILE = "sk-of-the-file-hunter2"
KEY = "MODELPROVISIONER_LITELLM_KEY"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "litellm").write_text(KEY_FILE)
    return tmp_path


def load(place: Path, text: str, environment: Mapping[str, str]) -> Config:
    (place / "config.yaml").write_text(text)
    return load_config(place / "config.yaml", place, environment)


def backend(place: Path, lines: str, environment: Mapping[str, str]) -> Backend:
    text = f"litellm: {{url: 'http://l:4000'}}\nbackends:\n  - name: box\n{lines}\n"
    (only,) = load(place, text, environment).backends
    return only


def refused(place: Path, lines: str, environment: Mapping[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as error:
        backend(place, lines, environment)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://${OLLAMA_HOST}:11434", "http://gpu7:11434"),
        ("${URL}", "http://whole:1"),
        ("http://${NONE:-localhost}:1", "http://localhost:1"),
        ("http://${EMPTY:-localhost}:1", "http://localhost:1"),
        ("http://a${EMPTY}b:1", "http://ab:1"),
        ("http://${OLLAMA_HOST}:1/${OLLAMA_HOST}", "http://gpu7:1/gpu7"),
        ("http://a/$$${OLLAMA_HOST}", "http://a/$${OLLAMA_HOST}"),
        ("http://a/$${OLLAMA_HOST}", "http://a/${OLLAMA_HOST}"),
        ("http://a/$OLLAMA_HOST/$$/$", "http://a/$OLLAMA_HOST/$$/$"),
        ("http://a/${1}/${22}", "http://a/${1}/${22}"),
        ("http://a/${TWICE}", "http://a/${OLLAMA_HOST}"),
    ],
)
def test_a_variable_is_replaced_in_a_setting(place: Path, url: str, expected: str) -> None:
    environment = {
        "OLLAMA_HOST": "gpu7",
        "URL": "http://whole:1",
        "EMPTY": "",
        "TWICE": "${OLLAMA_HOST}",
    }
    assert backend(place, f"    url: {url}", environment).url == expected


def test_a_setting_that_is_no_text_is_read_like_a_plain_scalar(place: Path) -> None:
    text = """
litellm: {url: "http://l:4000", writers: "${WRITERS}", verify: "${VERIFY:-false}"}
limits: {max_delete_fraction: "${SHARE}", suspicion_period: "${PERIOD}"}
policy: ${POLICY}
owner: ${OWNER}
backends:
  - name: box
    url: http://box
    timeout: ${TIMEOUT}
    discovery: ${DISCOVERY}
    use_slots: ${YES}
"""
    environment = {
        "WRITERS": "4",
        "SHARE": "0.25",
        "PERIOD": "90s",
        "POLICY": "create-only",
        "OWNER": "017",
        "TIMEOUT": "30",
        "DISCOVERY": "probe",
        "YES": "yes",
    }
    loaded = load(place, text, environment)
    (box,) = loaded.backends
    assert (loaded.litellm.writers, loaded.litellm.connection.verify) == (4, False)
    assert (loaded.limits.max_delete_fraction, loaded.limits.suspicion_period) == (0.25, 90.0)
    assert (loaded.owner, box.policy) == ("017", "create-only")
    assert (box.connection.timeout, box.discovery, box.use_slots) == (30.0, "probe", True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("http://${HOST}:1", "the environment variable HOST is not set; set it, or write"),
        ("http://${HOST:1", "begins no ${NAME} and no ${NAME:-default}"),
        ("http://${HO-ST}:1", "begins no ${NAME} and no ${NAME:-default}"),
        ("http://${}:1", "begins no ${NAME}"),
        (f"http://${{{KEY}}}", "holds the key of LiteLLM"),
        ("http://${LONG}", f"longer than {MAX_SETTING} characters"),
        ("http://${LINES}", "not printable"),
        ("http://${BYTES}", "not printable"),
        ("http://${PASSWORD}", "must not hold a user name or password"),
    ],
)
def test_a_variable_that_cannot_be_used_is_an_error_with_its_line(
    place: Path, value: str, expected: str
) -> None:
    environment = {
        KEY: "sk-hunter2",
        "LONG": "x" * 130_000,
        "LINES": "a\nb: hunter2",
        "BYTES": "a\udcffb",
        "PASSWORD": "me:hunter2@box",
    }
    (problem,) = refused(place, f"    timeout: 9\n    url: {value}", environment)
    assert problem.startswith("config.yaml:5: backends[0].url: ")
    assert expected in problem


def test_a_number_that_is_none_is_told_once(place: Path) -> None:
    lines = "    url: http://box\n    verify: ${NONE}\n    use_slots: ${WORD}"
    unset, word = refused(place, lines, {"WORD": "perhaps"})
    assert "NONE is not set" in unset
    assert (
        word == "config.yaml:6: backends[0].use_slots: expected a boolean, got the string 'perhaps'"
    )


def test_no_variable_can_add_a_line_to_the_file(place: Path) -> None:
    value = "x, policy: create-only"
    box = backend(place, "    url: http://box\n    strip_tag: ${TAG}", {"TAG": value})
    assert (box.strip_tag, box.policy) == (value, "sync")


LITERAL = """
    url: http://box
    filter_regex: a${HOME}|b
    exclude_regex: ${HOME}
    model_format: openai/{model}${HOME}
    regex_rename: [{regex: "^openai/(?P<HOME>.*)", replace: "openai/${HOME}${1}$${2}"}]
    overrides: [{regex: "${HOME}$", capabilities: {note: "${HOME}"}}]
    aliases: {"${HOME}": "${HOME}"}
    joinable_names: ["${HOME}"]
    model_info_defaults: {note: "${HOME}"}
    litellm_params_defaults: {text: "a ${HOME} b"}
    generic_params: {list: ["${HOME}"]}
"""


def test_whatever_may_hold_such_characters_for_another_reason_stays_as_it_is(place: Path) -> None:
    given = backend(place, LITERAL, {"HOME": "/wrong"})
    assert given == backend(place, LITERAL, {})
    (rename,) = given.renames
    assert rename.template == "openai/${HOME}${1}$${2}"
    assert given.model_format == "openai/{model}${HOME}"
    assert thaw(given.litellm_params) == {"text": "a ${HOME} b", "list": ["${HOME}"]}
    assert given.aliases == {"${HOME}": ("${HOME}",)}


def test_a_key_points_to_its_file_and_a_parameter_is_a_warning(place: Path) -> None:
    (problem,) = refused(place, "    url: http://b\n    api_key: ${K}", {"K": "sk-hunter2"})
    assert f"it goes into the file {place / 'box'}" in problem
    text = "litellm: {url: 'http://l'}\nbackends:\n  - name: box\n    url: http://b\n"
    text += "    litellm_params_defaults: {organization: '${ORG}'}\n"
    (warning,) = load(place, text, {"ORG": "x"}).warnings
    assert warning.startswith("config.yaml:5: backends[0].litellm_params_defaults.organization: ")
    assert "write {secret: FILE} for a key file" in warning


def test_a_change_of_a_variable_is_another_configuration(place: Path) -> None:
    urls = [backend(place, "    url: http://${H}", {"H": host}).url for host in ("a", "b", "a")]
    assert urls == ["http://a", "http://b", "http://a"]


def test_variables_hold_behind_anchors(place: Path) -> None:
    text = "x-all: &all {url: 'http://${H}:1'}\nlitellm: {url: 'http://l'}\n"
    text += "backends: [{name: a, <<: *all}, {name: b, <<: *all, url: 'http://${I}:2'}]\n"
    loaded = load(place, text, {"H": "one", "I": "two"})
    assert [each.url for each in loaded.backends] == ["http://one:1", "http://two:2"]


def test_a_backend_whose_variable_is_not_set_is_left_out_of_an_examination(place: Path) -> None:
    text = "litellm: {url: 'http://l'}\nbackends:\n  - {name: a, url: 'http://${H}'}\n"
    (place / "config.yaml").write_text(text + "  - {name: b, url: 'http://b'}\n")
    found = examine_config(place / "config.yaml", place, {})
    assert [problem.where for problem in found.problems] == ["config.yaml:3: backends[0].url"]
    assert found.config is not None
    assert [each.name for each in found.config.backends] == ["b"]


@given(st.text(alphabet="${}$1aA:-", max_size=20))
def test_an_escaped_text_is_read_as_it_was(text: str) -> None:
    document: Any = read_yaml("owner: ''\n", "f")
    document.value["owner"] = document.raw["owner",] = escaped(text)
    read, wrong = with_variables(document, schema("config"), (("A", "wrong"), ("a", "wrong")))
    assert (read.value["owner"], wrong) == (text, ())


# The key of LiteLLM.


def load_key(place: Path, environment: Mapping[str, str]) -> Config:
    return load(place, "litellm: {url: 'http://l:1'}\nbackends: []\n", environment)


def test_the_key_of_litellm_is_in_a_variable_where_there_is_no_file(place: Path) -> None:
    (place / "litellm").unlink()
    loaded = load_key(place, {KEY: " sk-hunter2\n"})
    assert loaded.litellm.key.reveal() == "sk-hunter2"
    assert loaded.litellm.key in loaded.secrets()


def test_a_key_file_takes_precedence_and_says_so(place: Path) -> None:
    loaded = load_key(place, {KEY: "sk-hunter2"})
    assert loaded.litellm.key.reveal() == KEY_FILE
    assert f"${KEY} is not used, since there is the key file `litellm`" in loaded.warnings[-1]
    assert "hunter2" not in str(loaded.warnings)


@pytest.mark.parametrize("content", ["", "one\ntwo"])
def test_a_key_file_that_is_wrong_is_an_error_also_with_a_variable(
    place: Path, content: str
) -> None:
    (place / "litellm").write_text(content)
    with pytest.raises(ConfigError, match="litellm: "):
        load_key(place, {KEY: "sk-hunter2"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", f"put the key of a LiteLLM admin into it, or into ${KEY}"),
        (" ", "there is no such file"),
        ("hunter2\nhunter2", f"${KEY} holds more than one line"),
        ("hunter2\u00e4", f"${KEY} holds a character that no HTTP header may hold"),
    ],
)
def test_a_variable_without_a_usable_key_is_an_error(
    place: Path, value: str, expected: str
) -> None:
    (place / "litellm").unlink()
    with pytest.raises(ConfigError) as error:
        load_key(place, {KEY: value})
    assert expected in str(error.value)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))
