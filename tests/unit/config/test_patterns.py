from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.bounds import MAX_RENAMED
from engine.config.patterns import compile_pattern, replacement, theirs


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
        ("\ud800", "not valid Unicode"),
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


# Replacements.


def replaced(pattern: str, template: str, subject: str) -> str:
    return replacement(compile_pattern(pattern), template).apply(theirs(subject)).text


@pytest.mark.parametrize(
    ("pattern", "template", "subject", "expected"),
    [
        ("a(x*)b", "T", "-ab-axxb-", "-T-T-"),
        ("a(x*)b", "$1", "-ab-axxb-", "--xx-"),
        ("a(x*)b", "$1W", "-ab-axxb-", "---"),
        ("a(x*)b", "${1}W", "-ab-axxb-", "-W-xxW-"),
        ("(?P<1W>x+)", "<$1W>", "axxb", "a<xx>b"),
        ("(?P<model>.+):latest", "$model", "llama3:latest", "llama3"),
        ("(?P<model>.+):latest", "${model}-x", "llama3:latest", "llama3-x"),
        ("(a)|(b)", "[$1,$2]", "ab", "[a,][,b]"),
        ("(a)", "$2${2}$none${none}", "bab", "bb"),
        ("a", "$0$0", "banana", "baanaanaa"),
        ("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", "$10", "abcdefghij", "j"),
        ("(a)", "${1}0", "a", "a0"),
        ("(?P<01>b)a", "$01", "ba", "b"),
        ("(?P<2>b)a", "$2", "ba", ""),
        ("(?P<9999999999>b)a", "$9999999999", "ba", "b"),
        ("a", "$9999999999$999999999$" + "9" * 4000, "xax", "xx"),
        ("a", "$$1", "a", "$1"),
        ("a", "$$$0", "a", "$a"),
        ("a", "$", "a", "$"),
        ("a", "$-", "a", "$-"),
        ("a", "${", "a", "${"),
        ("a", "${}", "a", "${}"),
        ("a", "${0", "a", "${0"),
        ("a", "${0-1}", "a", "${0-1}"),
        ("a", "${$0}", "a", "${a}"),
        ("a", "$0\u00b2", "a", "a\u00b2"),
        ("a", "$0\u00e9", "a", ""),
        ("a", "$_", "a", ""),
        ("a", "\\1", "a", "\\1"),
        ("a*", "x", "baac", "xbxcx"),
        ("a|", "-", "baac", "-b--c-"),
        (r"\b", "|", "ab cd", "|ab| |cd|"),
        ("^", "x/", "ab", "x/ab"),
        ("$", "!", "ab", "ab!"),
        ("", "x", "", "x"),
        ("b", "x", "", ""),
        ("", "-", "\u00e9\u20ac", "-\u00e9-\u20ac-"),
        ("q", "x", "abc", "abc"),
        ("a", "\ud800", "a", "\ufffd"),
        ("a", "b", "\ud800a", "\ufffdb"),
        (r"qwen2\.5-coder-32b", "qwen2.5-coder-7b", "v/qwen2.5-coder-32b", "v/qwen2.5-coder-7b"),
    ],
)
def test_a_replacement_follows_the_rules_of_go(
    pattern: str, template: str, subject: str, expected: str
) -> None:
    assert replaced(pattern, template, subject) == expected


@pytest.mark.parametrize(
    ("template", "has_unknown"),
    [("$1$0", False), ("$1x", True), ("$2", True), ("${b}", True), ("$$3 $ ${", False)],
)
def test_a_replacement_tells_that_it_refers_to_no_group(template: str, has_unknown: bool) -> None:
    assert replacement(compile_pattern("(a)"), template).has_unknown is has_unknown


def test_a_text_that_doubles_again_and_again_ends_at_a_bound() -> None:
    double = replacement(compile_pattern(".+"), "$0$0")
    assert len(double.apply(theirs("x" * (MAX_RENAMED // 2))).text) == MAX_RENAMED
    for subject in ("x" * (MAX_RENAMED // 2 + 1), "x" * (MAX_RENAMED + 1)):
        with pytest.raises(ValueError, match=f"longer than {MAX_RENAMED} characters"):
            double.apply(theirs(subject))
    with pytest.raises(ValueError, match=f"longer than {MAX_RENAMED} characters; shorten it"):
        replacement(compile_pattern("a"), "x" * (MAX_RENAMED + 1))


def test_what_is_left_after_the_last_match_counts_for_the_bound() -> None:
    one_more = replacement(compile_pattern("^"), "x")
    assert len(one_more.apply(theirs("y" * (MAX_RENAMED - 1))).text) == MAX_RENAMED
    with pytest.raises(ValueError, match="longer"):
        one_more.apply(theirs("y" * MAX_RENAMED))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
templates = st.lists(
    st.sampled_from(["$", "{", "}", "0", "1", "2", "name", "_", "x", "-", "\u00e9", "\u00b2"]),
    max_size=12,
).map("".join)


@given(texts, texts, texts)
def test_a_template_without_dollars_replaces_a_text_as_python_does(
    old: str, new: str, subject: str
) -> None:
    assume(old)
    assert replaced(re.escape(old), new.replace("$", "$$"), subject) == subject.replace(old, new)


@given(st.sampled_from(["", "a*", "[ab]", "(a)|b", r"\b", "(?i)x*", "$"]), texts | templates)
def test_the_whole_match_in_place_of_itself_changes_nothing(pattern: str, subject: str) -> None:
    assert replaced(pattern, "$0", subject) == subject
    assert replaced(pattern, "${0}", subject) == subject


def expanded(template: str, groups: dict[str, str]) -> str:
    """Expand a template letter by letter, as the documentation of Go's Expand says."""
    result = ""
    while template:
        char, template = template[0], template[1:]
        if char != "$":
            result += char
        elif template.startswith("$"):
            result, template = result + "$", template[1:]
        else:
            braced = template.startswith("{")
            rest = template[braced:]
            size = 0
            while size < len(rest) and (
                rest[size] == "_" or unicodedata.category(rest[size])[0] == "L" or
                unicodedata.category(rest[size]) == "Nd"
            ):  # fmt: skip
                size += 1
            if not size or (braced and rest[size : size + 1] != "}"):
                result += "$"
            else:
                result, template = result + groups.get(rest[:size], ""), rest[size + braced :]
    return result


@given(templates)
def test_a_template_is_expanded_as_go_documents_it(template: str) -> None:
    groups = {"0": "ab", "1": "a", "2": "b", "name": "b"}
    assert replaced("(a)(?P<name>b)", template, "-ab-") == f"-{expanded(template, groups)}-"


@given(st.text(st.characters(exclude_categories=()), max_size=30), templates, texts)
def test_any_template_and_any_subject_give_a_text(
    pattern: str, template: str, subject: str
) -> None:
    try:
        compiled = compile_pattern(pattern)
    except ValueError:
        return
    replacement(compiled, template).apply(theirs(subject)).text.encode()
