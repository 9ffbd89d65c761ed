"""Text that is safe to show, and secrets in texts and in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.state.secret import PLACEHOLDER_KEY, Secret
from engine.text import Redactor, printable, shortened

LONG = "".join(f"{number:03}-" for number in range(30))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("text", ["", "plain", "ümlaut 日本", "a b", "C:\\models"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_what_is_not_printable_becomes_an_escape() -> None:
    assert printable("a\x1b[1m\n\u202eb\ud800") == "a\\x1b[1m\\n\\u202eb\\ud800"


def test_characters_that_are_kept_stay() -> None:
    assert printable("a\n\tb\r", kept="\n\t") == "a\n\tb\\r"


def test_text_is_shortened_only_beyond_the_limit() -> None:
    assert shortened("abcd", 4) == "abcd"
    assert shortened("abcde", 4) == "abcd..."


def test_the_longest_secret_is_replaced_first() -> None:
    redactor = Redactor()
    redactor.learn([Secret("hunter2"), Secret("hunter2-and-more")])
    assert redactor.redact("hunter2-and-more then hunter2") == "*** then ***"
    assert redactor.longest == len("hunter2-and-more")


def test_a_secret_is_hidden_as_json_writes_it() -> None:
    secret = 'a"b\u00e4'
    redactor = Redactor()
    redactor.learn([Secret(secret)])
    for ascii_only in (True, False):
        assert redactor.redact(json.dumps(secret, ensure_ascii=ascii_only)) == '"***"'


def test_what_is_no_secret_or_too_short_is_not_hidden() -> None:
    redactor = Redactor(shortest=4)
    redactor.learn([Secret(""), Secret(PLACEHOLDER_KEY), Secret("abc")])
    assert redactor.longest == 0
    assert redactor.redact("abc BLANK") == "abc BLANK"


def redacting(*secrets: str | int, shortest: int = 4) -> Redactor:
    redactor = Redactor(shortest=shortest)
    redactor.learn(map(Secret, secrets))
    return redactor


def test_a_json_text_stays_the_document_that_it_was() -> None:
    document = {"plan": "a plan", "rpm": 1000, "port": "1000", "true": True, "x": ["true"]}
    text = redacting("plan", "1000", "true").redact_json(json.dumps(document, indent=2))
    assert json.loads(text) == {
        "plan": "a ***",
        "rpm": 1000,
        "port": "***",
        "true": True,
        "x": ["***"],
    }
    assert text.count("\n") == json.dumps(document, indent=2).count("\n")


def test_a_secret_is_found_in_json_however_it_is_escaped() -> None:
    secret = 'odd"\\é\n-secret'
    document = [secret, f"an answer: {json.dumps({'key': secret})}", repr(secret)[1:-1]]
    text = redacting(secret, repr(secret)[1:-1]).redact_json(json.dumps(document))
    assert json.loads(text) == ["***", 'an answer: {"key": "***"}', "***"]


@given(VALUES)
def test_json_without_secrets_does_not_change(document: Any) -> None:
    for text in (json.dumps(document), json.dumps(document, indent=1, ensure_ascii=False)):
        assert redacting("\x00never").redact_json(text) == text


@given(document=VALUES, secret=st.text(min_size=4, max_size=6))
def test_redacted_json_can_be_read_and_has_no_secret_in_a_value(document: Any, secret: str) -> None:
    text = redacting(secret).redact_json(json.dumps({"a": document, "b": f"x{secret}y"}))
    read = json.loads(text)
    if secret not in "x***y":
        assert read["b"] == "x***y"


def test_what_is_left_of_a_long_secret_that_was_cut_is_hidden() -> None:
    redact = redacting(LONG).redact
    assert redact(f"a {LONG} b") == "a *** b"
    for end in (32, 33, 100, len(LONG) - 1):
        assert redact(f"a {LONG[:end]}... b") == "a ***... b"
    assert redact(f"{LONG[:31]}...") == f"{LONG[:31]}..."


def test_short_numbers_are_no_secrets_in_a_text() -> None:
    redact = redacting(8000, 123456789).redact
    assert redact("http://box:8000 has 123456789") == "http://box:8000 has ***"


def test_a_secret_is_hidden_as_a_terminal_shows_it() -> None:
    assert redacting("ab\x1bcd").redact(r"ab\x1bcd") == "***"
