"""Configurations, key files, expressions and options that are not what they should be.

YAML texts and the content of key files are tested in ``tests/unit/config``.
"""

from __future__ import annotations

import argparse
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.bounds import (
    MAX_CONFIG,
    MAX_DIGITS,
    MAX_INTERVAL,
    MAX_KEY_FILE,
    MAX_PATTERN,
    MAX_PLAN,
    MAX_PROBLEMS,
)
from engine.cli.commands.run import interval
from engine.cli.main import main
from engine.config.key_files import read_bounded, read_key
from engine.config.loader import load_config
from engine.config.patterns import compile_pattern
from engine.config.yaml.document import read_text, read_yaml
from engine.config.yaml.scalars import resolve
from engine.errors import ConfigError, InvalidDocument, UnusablePlan
from engine.plan_file import read_plan
from engine.validate import problems, validate

HANGS = 20.0


def ended(work: Callable[[], object]) -> Exception | None:
    """Return what a call raises, if it raises; fail if it does not end."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the caller examines it
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(HANGS)
    assert not thread.is_alive(), "it hangs"
    return raised[0] if raised else None


def pipe_behind_a_link(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


PLACES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a directory": (lambda path: path.mkdir(), "not a file"),
    "a named pipe": (os.mkfifo, "not a file"),
    "a link to a named pipe": (pipe_behind_a_link, "not a file"),
    "/dev/zero": (lambda path: path.symlink_to("/dev/zero"), "not a file"),
    "/dev/null": (lambda path: path.symlink_to("/dev/null"), "not a file"),
    "a loop of links": (lambda path: path.symlink_to(path.name), "too many levels"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_configuration_that_is_not_a_file_is_refused_with_the_remedy(
    tmp_path: Path, place: str
) -> None:
    path = tmp_path / "config.yaml"
    make, message = PLACES[place]
    make(path)
    error = ended(lambda: read_text(path))
    assert isinstance(error, ConfigError)
    assert f"{path}: " in str(error)
    assert message in str(error)
    assert "name another file with --config" in str(error)


@pytest.mark.parametrize("place", PLACES)
def test_a_key_file_that_is_not_a_file_is_refused(tmp_path: Path, place: str) -> None:
    path = tmp_path / "box"
    make, message = PLACES[place]
    make(path)
    error = ended(lambda: read_key(path))
    assert isinstance(error, ValueError)
    assert f"the key file {path}" in str(error)
    assert message in str(error)


def test_a_file_that_becomes_a_pipe_before_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "box"
    path.write_text("sk-1")
    real = os.open

    def open_late(opened: Any, *args: Any) -> int:
        path.unlink()
        os.mkfifo(path)
        return real(opened, *args)

    monkeypatch.setattr(os, "open", open_late)
    assert isinstance(ended(lambda: read_bounded(path, 10)), ValueError)


def test_no_handle_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (tmp_path, tmp_path / "file", tmp_path / "none", Path("/dev/zero")):
        for _ in range(5):
            ended(lambda path=path: read_bounded(path, 10))  # type: ignore[misc]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(("size", "read"), [(9, 9), (10, 10), (11, 11), (1000, 11)])
def test_a_file_is_read_to_one_byte_beyond_its_bound(tmp_path: Path, size: int, read: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    assert len(read_bounded(path, 10)) == read


def test_files_of_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(ConfigError, match=f"larger than {MAX_CONFIG >> 10} KiB"):
        read_text(path)
    with pytest.raises(ValueError, match=f"larger than {MAX_KEY_FILE >> 10} KiB"):
        read_key(path)
    with pytest.raises(
        UnusablePlan, match=f"larger than {MAX_PLAN >> 20} MiB. Remedy: make a plan"
    ):
        read_plan(path)


def test_a_key_file_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("k" * MAX_KEY_FILE)
    assert len(read_key(tmp_path / "box")) == MAX_KEY_FILE


@pytest.mark.parametrize("name", ["../litellm", "..", ".", "a/b", "/etc/passwd", "~root", "a\0b"])
def test_the_name_of_a_backend_cannot_be_a_path_to_another_secret(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "litellm").write_text("k")
    (tmp_path / "config.yaml").write_text(
        f'{{litellm: {{url: "http://p"}}, backends: [{{name: "{name}", url: "http://b"}}]}}'
        if "\0" not in name
        else '{litellm: {url: "http://p"}, backends: [{name: "a\\0b", url: "http://b"}]}'
    )
    with pytest.raises(ConfigError, match=r"backends\[0\]\.name"):
        load_config(tmp_path / "config.yaml", tmp_path / "secrets")


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object:os.system",
        "!!python/object/new:type [x, [], {}]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!timestamp 2001-12-14",
        "!!omap [a: 1]",
        "!<tag:yaml.org,2002:python/tuple> []",
        "!include /etc/passwd",
        "!vault x",
        "!<str> x",
    ],
)
def test_every_tag_is_refused(tag: str) -> None:
    with pytest.raises(ConfigError, match="a tag"):
        read_yaml(f"a: {tag}\n", "config.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "a: &a {b: &b [*a, *b]}",
        "a: &a {<<: *a}",
        "? &a [*a]\n: 1",
        "a: &a {b: &b {<<: *a}}",
        "&a : *a",
    ],
)
def test_an_anchor_that_contains_itself_ends(text: str) -> None:
    error = ended(lambda: read_yaml(text, "config.yaml"))
    assert error is None or isinstance(error, ConfigError)


def test_a_number_with_too_many_digits_is_a_text() -> None:
    assert resolve("9" * (MAX_DIGITS + 1)) == float("9" * (MAX_DIGITS + 1))
    assert resolve("0x" + "f" * 5000) == "0x" + "f" * 5000
    assert resolve("9" * 5000) == "9" * 5000


# --- expressions ---


def test_an_expression_has_a_maximum_length(tmp_path: Path) -> None:
    compile_pattern("a" * MAX_PATTERN)
    with pytest.raises(ValueError, match=f"longer than {MAX_PATTERN} characters; shorten it"):
        compile_pattern("a" * (MAX_PATTERN + 1))


@pytest.mark.parametrize("text", ["((a{100}){100}){100}", "[^a]{1000}" * 900, r"\pL{900}" * 500])
def test_an_expression_that_would_take_much_memory_is_refused(text: str) -> None:
    error = ended(lambda: compile_pattern(text))
    assert isinstance(error, ValueError)
    assert "not a regular expression (RE2)" in str(error)


def test_matching_takes_linear_time(tmp_path: Path) -> None:
    pattern = compile_pattern("(a|aa|a*)*b" * 20)
    assert ended(lambda: pattern.search("a" * 100_000)) is None


# --- how many problems a message lists ---


def test_a_document_with_very_many_problems_does_not_fill_the_log() -> None:
    document: Any = {"editing": {}, "data": [{"model_name": number} for number in range(20_000)]}
    assert len(problems(document, "observed")) <= MAX_PROBLEMS + 1
    with pytest.raises(InvalidDocument) as error:
        validate(document, "observed")
    lines = str(error.value).splitlines()
    assert len(lines) == MAX_PROBLEMS + 2
    assert lines[-1] == "  ... and more; correct these first"


def test_a_message_lists_all_problems_if_they_are_not_too_many() -> None:
    document: dict[str, Any] = {"data": [{}] * 20}
    with pytest.raises(InvalidDocument) as error:
        validate(document, "observed")
    assert len(str(error.value).splitlines()) == 62
    assert "and more" not in str(error.value)


# --- options and the environment ---

NO_INTERVALS = [
    *("nan", "inf", "-inf", "-1", "0", "1e999", "1e3", "abc", "0x10", "1.5", "1_0.", "-", "60s"),
    *("86401", "9" * 25, "9" * 5000, "\x1b[31m", "1\n2"),
]


@pytest.mark.parametrize("text", NO_INTERVALS)
def test_an_unusable_sleep_interval_counts_as_sixty(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    monkeypatch.setenv("SLEEP_INTERVAL", text)
    with caplog.at_level(logging.WARNING, "engine"):
        assert interval(argparse.Namespace(interval=None)) == 60.0
    (record,) = caplog.records
    message = record.getMessage()
    assert "is not a whole number from 1 to 86400; using 60" in message
    assert message.isprintable()
    assert len(message) < 150


@pytest.mark.parametrize(("text", "seconds"), [("1", 1), (" 60 ", 60), ("86400", MAX_INTERVAL)])
def test_a_sleep_interval_is_a_number_of_seconds(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: float
) -> None:
    monkeypatch.setenv("SLEEP_INTERVAL", text)
    assert interval(argparse.Namespace(interval=None)) == seconds
    assert threading.Event().wait(0) is False
    assert seconds < threading.TIMEOUT_MAX / 10


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "1e999", "abc", "86401"])
@pytest.mark.parametrize("option", ["--interval", "--keep"])
def test_an_option_with_an_unusable_number_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], option: str, text: str
) -> None:
    if option == "--keep" and text == "86401":
        text = "9999999"
    with pytest.raises(SystemExit) as left:
        main(["run", option, text])
    assert left.value.code == 64
    assert f"argument {option}: expected " in capsys.readouterr().err


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e999", "abc"])
def test_an_unusable_pause_is_wrong_usage(text: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["demo", "--pause", text])
    assert left.value.code == 64
