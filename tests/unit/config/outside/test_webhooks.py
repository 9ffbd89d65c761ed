"""Who is told of news: webhooks in a configuration."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from engine.config.loader import examine_config, load_config
from engine.config.model import Config, Webhook
from engine.errors import ConfigError
from engine.recording.stand_ins import config_with_stand_ins, load_with_stand_ins
from engine.state.secret import Secret

URL = "https://hooks.example.com/services/T0/hunter2"
TOPICS = ("changes", "holds", "failures", "backends")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "litellm").write_text("sk-litellm")
    (tmp_path / "slack").write_text(f"{URL}\n")
    return tmp_path


def text_of(entries: str) -> str:
    return f"litellm: {{url: 'http://l:4000'}}\nbackends: []\nnotifications:\n{entries}\n"


def load(place: Path, entries: str) -> Config:
    (place / "config.yaml").write_text(text_of(entries))
    return load_config(place / "config.yaml", place)


def refused(place: Path, entries: str) -> str:
    with pytest.raises(ConfigError) as error:
        load(place, entries)
    whole = "".join(traceback.format_exception(error.value))
    assert "hunter2" not in whole
    return "; ".join(map(str, error.value.problems))


def test_a_webhook_is_in_a_key_file_and_is_told_everything_as_json(place: Path) -> None:
    loaded = load(place, "  - webhook: {secret: slack}")
    assert loaded.notifications == (Webhook(Secret(URL), "json", TOPICS),)
    assert Secret(URL) in loaded.secrets()
    assert "notifications" not in str(loaded.warnings)
    assert loaded.unused_keys == ()


def test_each_says_what_it_wants_and_how(place: Path) -> None:
    loaded = load(
        place,
        "  - {webhook: http://a:1/x, on: [holds]}\n  - {webhook: {secret: slack}, format: slack}",
    )
    assert [(hook.form, hook.topics) for hook in loaded.notifications] == [
        ("json", ("holds",)),
        ("slack", TOPICS),
    ]


@pytest.mark.parametrize(
    ("entry", "warned"),
    [
        (f"{{webhook: '{URL}', format: slack}}", True),
        ("{webhook: 'https://example.com/x?token=hunter2'}", True),
        ("{webhook: 'http://alerts:8080/hook'}", False),
    ],
)
def test_a_secret_in_clear_is_a_warning(place: Path, entry: str, warned: bool) -> None:
    warnings = [w for w in load(place, f"  - {entry}").warnings if "notifications" in w]
    expected = "config.yaml:4: notifications[0].webhook: looks like a secret in clear; put it into"
    assert [text.startswith(expected) for text in warnings] == [True] * warned
    assert "hunter2" not in str(warnings)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{webhook: 'ftp://hunter2'}", "expected an http:// or https:// URL with a host"),
        ("{webhook: 'https://'}", "expected an http:// or https:// URL with a host"),
        ("{webhook: 'https://a:hunter2/'}", "expected an http:// or https:// URL with a host"),
        ("{webhook: 'https://me:hunter2@a/'}", "must not hold a user name or password"),
        ("{webhook: 'https://a/hunter2#b'}", "must not hold a fragment"),
        ("{webhook: 'https://a/hunter2 b'}", "must not hold a fragment (#) or white space"),
        ("{webhook: 'https://a/${HUNTER2}'}", ""),
        ("{webhook: {secret: none}}", "there is no key file of this name"),
        ("{webhook: {secret: litellm}}", "names the key of LiteLLM"),
        ("{webhook: {secret: '../hunter2'}}", "expected the name of a key file"),
        ("{webhook: {file: hunter2}}", "unknown"),
        ("{webhook: [hunter2]}", "expected"),
        ("{format: slack}", "webhook"),
        ("{webhook: 'http://a', format: teams}", "teams"),
        ("{webhook: 'http://a', on: [news]}", "news"),
        ("{webhook: 'http://a', on: []}", "on"),
    ],
)
def test_what_cannot_be_used_is_a_problem_that_shows_no_secret(
    place: Path, entry: str, expected: str
) -> None:
    if not expected:  # no variable is replaced where a secret may be
        assert load(place, f"  - {entry}").notifications[0].url.reveal() == "https://a/${HUNTER2}"
        return
    problem = refused(place, f"  - {entry}")
    assert problem.startswith("config.yaml:4: notifications[0]")
    assert expected in problem


def test_a_key_file_that_holds_no_url_is_a_problem(place: Path) -> None:
    (place / "slack").write_text("hunter2")
    problem = refused(place, "  - webhook: {secret: slack}")
    assert problem.startswith("config.yaml:4: notifications[0].webhook.secret: expected an http")


def test_an_examination_goes_on_without_them(place: Path) -> None:
    (place / "config.yaml").write_text(text_of("  - webhook: {secret: none}"))
    found = examine_config(place / "config.yaml", place)
    assert found.config is not None
    assert (len(found.problems), found.config.notifications) == (1, ())


def test_a_recording_tells_nobody(place: Path) -> None:
    entries = f"  - webhook: {{secret: slack}}\n  - webhook: '{URL}'"
    text = config_with_stand_ins(text_of(entries), "config.yaml", {})
    assert "notifications" not in text
    assert "hunter2" not in text


def test_a_configuration_with_webhooks_can_be_replayed(place: Path) -> None:
    (place / "config.yaml").write_text(text_of("  - webhook: {secret: slack}"))
    loaded = load_with_stand_ins(place / "config.yaml", {}, {})
    assert "hunter2" not in str(loaded.secrets()[-1].reveal())
