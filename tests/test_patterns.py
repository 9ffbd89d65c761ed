from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("", "anything", True),
        ("wen", "Qwen/Qwen3", True),
        ("^wen", "Qwen/Qwen3", False),
        ("3$", "Qwen/Qwen3", True),
        ("3$", "Qwen/Qwen3\n", False),
        (r"3\z", "Qwen/Qwen3", True),
        ("[[:upper:]]wen", "Qwen", True),
        ("q(?i)WEN", "qwen", True),
        ("q(?i)WEN", "Qwen", False),
        ("^a.c$", "a\nc", False),
        ("(?s)^a.c$", "a\nc", True),
        (r"\pL+", "ж", True),
        ("^.$", "\ud800", True),
        ("a\x00b", "xa\x00b", True),
        (r"^\x07$", "\x07", True),
    ],
)
def test_a_pattern_is_searched_as_go_searches_it(
    pattern: str, subject: str, expected: bool
) -> None:
    assert compile_pattern(pattern).search(subject) is expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", r"missing \)"),
        ("*", "no argument for repetition operator"),
        ("a{1001}", "invalid repetition size"),
        ("[[:foo:]]", "invalid character class range"),
        ("^(?!embed)", r"RE2 has no look-around.*exclude_regex"),
        ("(?<=x)y", r"RE2 has no look-around.*exclude_regex"),
        (r"(a)\1", r"RE2 has no back-references.*exclude_regex"),
        (r"(?P<n>a)(?P=n)", r"RE2 has no back-references"),
        ("\ud800", "no valid Unicode"),
    ],
)
def test_an_invalid_pattern_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        compile_pattern(pattern)


def test_a_refusal_is_short_however_long_the_pattern_is() -> None:
    with pytest.raises(ValueError, match="not a regular expression") as refused:
        compile_pattern("(?y" + "x" * 5000 + ")")
    assert len(str(refused.value)) < 200


def test_nothing_is_written_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="RE2"):
        compile_pattern("(")
    compile_pattern("(a|b)*c").search("x" * 10_000)
    assert capfd.readouterr() == ("", "")


def test_patterns_are_equal_by_text_and_show_no_machinery() -> None:
    assert compile_pattern("a+") == compile_pattern("a+")
    assert compile_pattern("a+") != compile_pattern("a*")
    assert len({compile_pattern("a+"), compile_pattern("a+")}) == 1
    assert repr(compile_pattern("a+")) == "Pattern(text='a+')"


def test_a_pattern_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        compile_pattern("a").text = "b"  # type: ignore[misc]


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_any_text_compiles_or_is_refused_and_any_subject_can_be_searched(
    pattern: str, subject: str
) -> None:
    try:
        compiled = compile_pattern(pattern)
    except ValueError:
        return
    assert compiled.search(subject) in (True, False)
