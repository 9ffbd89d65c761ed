"""Findings about the configuration."""

from __future__ import annotations

import pytest

from tests.fleet import Fleet

from .conftest import Examine


@pytest.mark.parametrize(
    ("options", "what", "why"),
    [
        ("models_endpoint: '/models?key=1'", "must not hold a query", "the Go program accepted"),
        ("filter_regexp: x", "did you mean `filter_regex`", "the Go program ignores keys"),
        ("filter_regex: '(?!x)'", "RE2 has no look-around", "deleted all its models"),
        ("timeout: -1", "expected", "no cycle runs with it"),
    ],
)
def test_a_mistake_says_where_the_go_program_differs(
    fleet: Fleet, examine: Examine, options: str, what: str, why: str
) -> None:
    fleet.configure(options)
    found = examine(fleet).one("invalid", "error")
    assert found["subject"].startswith("config.yaml:4: backends[0]")
    assert what in found["what"]
    assert why in found["why"]
    assert found["fix"] == f"correct it in {fleet.folder / 'config.yaml'}"


def test_what_the_loader_warns_of_is_a_warning(fleet: Fleet, examine: Examine) -> None:
    fleet.configure("type: vlm")
    examined = examine(fleet)
    found = examined.one("suspect", "warning")
    assert "did you mean `vllm`" in found["what"]
    assert examined.code == 4


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("model_info_defaults: {supports_vision: yes}", "yes is read as true"),
        ("model_info_defaults: {supports_vision: n}", "n is read as false"),
        ("litellm_params_defaults: {rpm: 010}", "010 is read as 8"),
        ("litellm_params_defaults: {rpm: 1_000}", "1_000 is read as 1000"),
        ("litellm_params_defaults: {my_token: 0123}", "it is read as another value"),
    ],
)
def test_a_value_that_yaml_1_1_reads_in_its_own_way_is_a_note(
    fleet: Fleet, examine: Examine, options: str, what: str
) -> None:
    fleet.configure(options)
    examined = examine(fleet)
    found = examined.one("yaml", "note")
    assert found["what"] == what
    assert "backends[0]" in found["subject"]
    assert "0123" not in examined.text


def test_values_that_everybody_reads_alike_are_no_note(fleet: Fleet, examine: Examine) -> None:
    fleet.configure(
        "policy: ~, strip_tag: yes, litellm_params_defaults: {rpm: 10, tpm: +5, a: -3, b: 'no'}"
    )
    assert examine(fleet).of("yaml") == []


def test_discovery_means_something_else_than_for_the_go_program(
    fleet: Fleet, examine: Examine
) -> None:
    assert examine(fleet).of("go") == []
    fleet.configure("discovery: true")
    assert "sends no chat" in examine(fleet).one("go", "note")["what"]
    fleet.configure("discovery: probe")
    assert examine(fleet).of("go") == []


def test_an_admin_key_over_plain_http_to_another_host_is_a_note(
    fleet: Fleet, examine: Examine
) -> None:
    text = (fleet.folder / "config.yaml").read_text()
    (fleet.folder / "config.yaml").write_text(text.replace(fleet.proxy.url, "http://no.invalid"))
    examined = examine(fleet)
    assert "travels unencrypted" in examined.one("notice", "note")["what"]
    found = examined.one("reach_name", "error")
    assert "the name no.invalid does not resolve" in found["what"]
