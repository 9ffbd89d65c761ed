"""Text in columns, at any width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.report.columns import COLOUR, count_rows, display_width, in_columns, shorten_to, wrapped
from engine.text import printable


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("日本語", 6),
        ("\uff46\uff55\uff4c\uff4c", 8),
        ("한국어", 6),
        ("\u1112\u1161\u11ab", 2),  # Hangul from its parts: two of them take no room
        ("e\u0301", 1),  # a letter and its accent
        ("🦙", 2),
        ("ümlaut", 6),
    ],
)
def test_wide_characters_take_two_columns_and_accents_none(text: str, width: int) -> None:
    assert display_width(text) == width


def test_names_fill_rows_of_equal_columns() -> None:
    names = [f"{letter}{'x' * 7}" for letter in "abc"]
    assert in_columns([*names, "d"], width=20) == ["axxxxxxx  bxxxxxxx", "cxxxxxxx  d"]


def test_wide_names_stay_in_line() -> None:
    names = ["日本語日", "a", "b", "c"]
    assert in_columns(names, width=20) == ["日本語日  a", "b         c"]


def test_a_narrow_terminal_has_one_name_in_a_row() -> None:
    assert in_columns(["x" * 15, "d"], width=1) == ["x" * 15, "d"]


def test_rows_beyond_the_limit_are_counted() -> None:
    names = [f"model-{number}" for number in range(10)]
    rows = ["model-0  model-1", "model-2  model-3"]
    assert in_columns(names, width=20, most=2) == [*rows, "... and 6 more; -v shows all"]
    assert in_columns(names[:4], width=20, most=2) == rows


def test_one_long_name_does_not_make_all_columns_wide() -> None:
    long, endless = "x" * 30, "y" * 500
    assert in_columns(["a", long, "b", "c", endless, "d"], width=80) == [
        f"a{' ' * 25}{long}",
        f"b{' ' * 25}c",
        "y" * 77 + "...",
        "d",
    ]


def test_a_text_is_shortened_to_a_width_not_to_a_length() -> None:
    assert shorten_to("abcdef", 6) == "abcdef"
    assert shorten_to("abcdefg", 6) == "abc..."
    assert shorten_to("日本語日本語", 8) == "日本..."
    assert shorten_to("日本語日本語", 9) == "日本語..."


@pytest.mark.parametrize(
    ("lines", "rows"), [(["a"], 1), (["", "a"], 2), (["x" * 81], 2), (["日" * 41], 2), ([], 0)]
)
def test_a_line_that_is_wider_than_the_screen_takes_several_rows(
    lines: list[str], rows: int
) -> None:
    assert count_rows(lines, 80) == rows


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(-5, 200))
def test_every_name_is_shown_and_no_row_is_wider_than_asked(names: list[str], width: int) -> None:
    names = [printable(name) for name in names]
    rows = in_columns(names, width=width)
    shown = [shorten_to(name, max(width, 20)) for name in names]
    assert all(display_width(row) <= max(width, 20) for row in rows)
    text = "\n".join(rows)
    assert all(name.strip() in text for name in shown)


def test_a_sentence_goes_on_in_the_next_line_further_to_the_right() -> None:
    line = "  missing: box serves it"
    assert wrapped(line, 80) == [line]
    assert wrapped(line, 16) == ["  missing: box", "    serves it"]


def test_a_url_stays_whole() -> None:
    assert wrapped("at http://a-long-name:8000/v1 now", 12) == [
        "at",
        "  http://a-long-name:8000/v1",
        "  now",
    ]


def test_colours_end_with_each_line_and_go_on_in_the_next() -> None:
    rows = wrapped("\x1b[2mone two three\x1b[0m four", 9)
    assert rows == ["\x1b[2mone two\x1b[0m", "  \x1b[2mthree\x1b[0m", "  four"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x1b")), st.integers(1, 120))
def test_no_word_is_lost_at_any_width(text: str, width: int) -> None:
    line = printable(text).strip()
    rows = wrapped(line, width)
    assert " ".join(row.strip(" ") for row in rows).split(" ") == line.split(" ") or "  " in line
    assert all(
        display_width(row) <= width or " " not in COLOUR.sub("", row).strip() for row in rows
    )
