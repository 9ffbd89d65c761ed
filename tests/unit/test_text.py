"""Text that is safe to show."""

from __future__ import annotations

import json

import pytest

from engine.state.secret import PLACEHOLDER_KEY, Secret
from engine.text import Redactor, printable, shortened


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
