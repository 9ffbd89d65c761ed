"""News as the documents that webhooks take, whatever names there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.notify.item import BACKENDS, Item
from engine.notify.message import MOST_ITEMS, json_message, slack_message
from engine.state.secret import Secret
from engine.text import Redactor
from engine.validate import validate

TIME = "2026-01-01T00:00:00+00:00"


def item(text: str, *names: str) -> Item:
    return Item(BACKENDS, "backend_down", text, "box", "http://box", names, {"create": 2})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<!here> and <!channel>", "&lt;!here&gt; and &lt;!channel&gt;"),
        ("<@U123|x> <http://evil|good>", "&lt;@\u200bU123|x&gt; &lt;http://evil|good&gt;"),
        ("@channel @here @all @everyone", "@\u200bchannel @\u200bhere @\u200ball @\u200beveryone"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("a\nb \x1b[31m\u202e", "a\\nb \\x1b[31m\\u202e"),
    ],
)
def test_no_name_can_mention_anybody_or_look_like_something_else(text: str, expected: str) -> None:
    safe = item(text).without_secrets(str)
    shown = slack_message([safe], "us", "http://l")["text"]
    assert shown == f"us on http://l\n\u2022 {expected}"


@given(st.text(), st.text(), st.lists(st.text(), max_size=30))
def test_whatever_the_texts_are_the_document_is_valid_and_bounded(
    text: str, backend: str, names: list[str]
) -> None:
    made = Item(BACKENDS, "held", text, backend, text, tuple(names)).without_secrets(str)
    validate(json_message([made], "us", "http://l", TIME), "notification")
    shown = slack_message([made], "us", "http://l")["text"]
    assert "<" not in shown
    assert "@" not in shown.replace("@\u200b", "")
    assert shown.count("\n") == 1


def test_many_news_are_cut(subtests: pytest.Subtests) -> None:
    many = [item("x" * 10_000, *map(str, range(100))).without_secrets(str)] * 1000
    document = json_message(many, "us", "http://l", TIME)
    validate(document, "notification")
    assert (len(document["news"]), document["more"]) == (MOST_ITEMS, 1000 - MOST_ITEMS)
    with subtests.test("slack"):
        text = slack_message(many, "us", "http://l")["text"]
        assert text.endswith("\n\u2022 and 980 more")
        assert len(text) < 20_000


def test_a_secret_is_in_no_field() -> None:
    redactor = Redactor()
    redactor.learn([Secret("sk-<&hunter2@x>")])
    leak = "a sk-<&hunter2@x> b"
    made = Item(BACKENDS, "held", leak, leak, leak, (leak,)).without_secrets(redactor.redact)
    whole = str(json_message([made], "us", "l", TIME)) + str(slack_message([made], "us", "l"))
    assert "hunter2" not in whole
    assert whole.count("a *** b") == 6
