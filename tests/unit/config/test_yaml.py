from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bounds import MAX_CONFIG, MAX_CONFIG_DEPTH, MAX_CONFIG_VALUES
from engine.config.yaml import document as configfile
from engine.config.yaml.document import read_text, read_yaml
from engine.errors import ConfigError

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MERGE_BOMB = "a0: &a0 {}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)
)
MERGE_CHAIN = "a0: &a0 {}\n" + "".join(
    f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, MAX_CONFIG_DEPTH + 5)
)
TEXT_BOMB = f"a: &a {'x' * 1000}\nb: [{', '.join(['*a'] * 2000)}]\n"

SCALARS: list[tuple[str, Any]] = [
    *(
        (word, True)
        for word in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"]
    ),
    *(
        (word, False)
        for word in ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"]
    ),
    *((word, None) for word in ["~", "null", "Null", "NULL", ""]),
    *((word, word) for word in ["yEs", "oN", "tRUE", "nULL", "none", "truE"]),
    ("0", 0),
    ("7", 7),
    ("-7", -7),
    ("+7", 7),
    ("017", 15),
    ("0o17", 15),
    ("-017", -15),
    ("00", 0),
    ("08", 8.0),
    ("0x1F", 31),
    ("-0x1f", -31),
    ("0b101", 5),
    ("-0b101", -5),
    ("1_000", 1000),
    ("1__0_", 10),
    ("_1", "_1"),
    ("0o8", "0o8"),
    ("0x", "0x"),
    ("0b2", "0b2"),
    ("1e3", 1000.0),
    ("1E-2", 0.01),
    ("1.5", 1.5),
    ("1.", 1.0),
    (".5", 0.5),
    ("-.5", -0.5),
    ("1_0.5", 10.5),
    ("6.02e+23", 6.02e23),
    (".", "."),
    ("--", "--"),
    ("1e", "1e"),
    ("1.2.3", "1.2.3"),
    ("1e999", "1e999"),
    ("9223372036854775807", 2**63 - 1),
    ("18446744073709551615", 2**64 - 1),
    ("-9223372036854775808", -(2**63)),
    ("18446744073709551616", float(2**64)),
    ("0xFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFF"),
    ("12:30", "12:30"),
    ("190:20:30", "190:20:30"),
    ("2024-01-01", "2024-01-01"),
    ("2024-01-01T12:00:00Z", "2024-01-01T12:00:00Z"),
    ("2024-01-01 12:00:00", "2024-01-01 12:00:00"),
    ("=", "="),
    ("Infinity", "Infinity"),
    ("NaN", "NaN"),
    ("٣", "٣"),
    ('"017"', "017"),
    ("'yes'", "yes"),
    ("'~'", "~"),
    ('""', ""),
    ("!!str 017", "017"),
    ('!!int "12"', 12),
    ("!!float 1", 1.0),
    ("!!bool 'yes'", True),
    ("!!null ''", None),
]


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configfile, "_LOADER", getattr(yaml, request.param))


both_loaders = pytest.mark.usefixtures("_loader")


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read_yaml(text, "config.yaml")
    assert len(refused.value.problems) == 1
    return str(refused.value)


@both_loaders
def test_a_scalar_means_what_go_makes_of_it() -> None:
    read = [(text, read_yaml(f"v: {text}\n", "f").value["v"]) for text, _ in SCALARS]
    assert [(*row, type(row[1])) for row in read] == [(*row, type(row[1])) for row in SCALARS]


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN"])
def test_a_number_that_json_cannot_hold_is_refused_where_it_is(text: str) -> None:
    expected = "config.yaml:2:4: not a number that JSON can hold; quote it if it is a text"
    assert refusal(f"a: 1\nv: {text}\n") == expected


@pytest.mark.parametrize("text", ["!!int x", "!!float yes", "!!bool 1", "!!null 0"])
def test_a_tag_that_does_not_fit_is_refused(text: str) -> None:
    assert "does not fit its value" in refusal(f"v: {text}\n")


def test_keys_are_texts_whatever_they_look_like() -> None:
    value = read_yaml("{1: a, 017: b, yes: c, 1.5: d, '~': e, x: f, .inf: g}", "f").value
    assert value == dict(zip(["1", "017", "yes", "1.5", "~", "x", ".inf"], "abcdefg", strict=True))


@pytest.mark.parametrize("text", ["~: a", "? [a]\n: b", "? {a: b}\n: c"])
def test_a_key_that_is_no_text_is_refused(text: str) -> None:
    assert refusal(text).endswith("a key must be a text or a number")


def test_every_path_has_its_line_and_every_scalar_its_text() -> None:
    document = read_yaml("a:\n  b: 017\n\n  c:\n    - x\n    -\n      d: yes\n", "f")
    assert document.value == {"a": {"b": 15, "c": ["x", {"d": True}]}}
    assert document.lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 4,
        ("a", "c", 0): 5,
        ("a", "c", 1): 7,
        ("a", "c", 1, "d"): 7,
    }
    assert document.raw == {("a", "b"): "017", ("a", "c", 0): "x", ("a", "c", 1, "d"): "yes"}


@both_loaders
def test_the_last_of_repeated_keys_counts_and_is_reported() -> None:
    document = read_yaml("a: 1\nb: {c: 1, c: 2, c: 3}\na: 2\n", "f")
    assert document.value == {"a": 2, "b": {"c": 3}}
    assert set(document.duplicates) == {("a",), ("b", "c")}
    assert document.lines["a",] == 3


def test_aliases_repeat_their_anchor_at_their_own_path() -> None:
    document = read_yaml("a: &x {n: 0x10}\nb: *x\nc: [*x]\n", "f")
    assert document.value == {"a": {"n": 16}, "b": {"n": 16}, "c": [{"n": 16}]}
    assert document.raw["c", 0, "n"] == "0x10"
    assert document.lines["b", "n"] == 1


def test_an_anchor_may_be_set_again() -> None:
    assert read_yaml("[&a 1, *a, &a 2, *a]", "f").value == [1, 1, 2, 2]
    assert read_yaml("[&a [&a 1, *a], *a]", "f").value == [[1, 1], 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{<<: *x, b: 9}", {"a": 1, "b": 9}),
        ("{b: 9, <<: *x}", {"a": 1, "b": 9}),
        ("{<<: [*x, *y]}", {"a": 1, "b": 2, "c": 3}),
        ("{<<: [*y, *x]}", {"a": 1, "b": 7, "c": 3}),
        ("{<<: *x, <<: *y}", {"a": 1, "b": 2, "c": 3}),
        ("{<<: {d: 4}}", {"d": 4}),
        ("{<<: *z}", {"a": 1, "b": 2, "c": 3, "e": 5}),
        ("{'<<': 1}", {"<<": 1}),
    ],
)
def test_merges_fill_in_what_a_map_does_not_say(text: str, expected: object) -> None:
    base = "x: &x {a: 1, b: 2}\ny: &y {b: 7, c: 3}\nz: &z {<<: [*x, *y], e: 5}\n"
    document = read_yaml(f"{base}v: {text}\n", "f")
    assert document.value["v"] == expected
    assert document.duplicates == ()


@pytest.mark.parametrize("text", ["<<: 1", "<<: [1]", "<<: [[{}]]", "<<: ~"])
def test_only_maps_can_be_merged(text: str) -> None:
    assert "<< takes a map" in refusal(text)


def test_what_is_repeated_in_an_anchor_is_reported_there_only() -> None:
    document = read_yaml("x: &x {a: 1, a: 2}\ny: {<<: *x}\n", "f")
    assert document.duplicates == (("x", "a"),)


BROKEN = [
    ("", "config.yaml: empty; it needs"),
    ("# nothing\n", "config.yaml: empty; it needs"),
    ("---\n", "config.yaml: empty; it needs"),
    ("null\n", "config.yaml: empty; it needs"),
    ("a: 1\n---\nb: 2\n", "a second document"),
    ("a: 1\nb: [1,\n", "config.yaml:3:1: not YAML: "),
    ("a: 1\n b: 2\n", "config.yaml:2:"),
    ("a: 1\n\tb: 2\n", "config.yaml:2:1: not YAML: "),
    ("a: !foo 1\n", "config.yaml:1:4: a tag"),
    ("a: !!python/object/apply:os.system [ls]\n", "config.yaml:1:4: a tag"),
    ("a: !!binary aGk=\n", "config.yaml:1:4: a tag"),
    ("a: !!set {x: ~}\n", "config.yaml:1:4: a tag"),
    ("!!map [a]\n", "a tag"),
    ("a: 1\nb: *nowhere\n", "config.yaml:2:4: an alias"),
    ("a: &a [*a]\n", "config.yaml:1:8: an alias (*) inside the value that it stands for"),
    ("a: 1\nb: \x07\n", "config.yaml:2:4: a character that YAML does not allow"),
    ("a: \ud800\n", "config.yaml:1:4: a character that YAML does not allow"),
    ('a: "\\ud800"\n', "not YAML"),
    ('a: "\\UFFFFFFFF"\n', "not YAML"),
    ('a: "\\q"\n', "config.yaml:1:"),
]


@both_loaders
def test_a_broken_file_is_refused_with_its_place(subtests: pytest.Subtests) -> None:
    for text, expected in BROKEN:
        with subtests.test(text.encode(errors="backslashreplace").decode()):
            assert expected in refusal(text)


BOMBS = [
    (BOMB, f"more than {MAX_CONFIG_VALUES} values"),
    (MERGE_BOMB, "more than"),
    (MERGE_CHAIN, f"nested more than {MAX_CONFIG_DEPTH} levels"),
    (TEXT_BOMB, "aliases expand to more than 1024 KiB"),
    ("[" * 100_000, f"nested more than {MAX_CONFIG_DEPTH} levels"),
    ("{a: " * 1000, f"nested more than {MAX_CONFIG_DEPTH} levels"),
    ("- " * 1000, f"nested more than {MAX_CONFIG_DEPTH} levels"),
    ("x" * (MAX_CONFIG + 1), "config.yaml: larger than 1024 KiB"),
    ("é" * (MAX_CONFIG // 2 + 1), "config.yaml: larger than 1024 KiB"),
]


@both_loaders
def test_a_bomb_is_refused_quickly(subtests: pytest.Subtests) -> None:
    for text, expected in BOMBS:
        with subtests.test(text[:60]):
            start = time.monotonic()
            assert expected in refusal(text)
            assert time.monotonic() - start < 10


def test_a_list_beyond_the_limit_is_refused() -> None:
    assert f"more than {MAX_CONFIG_VALUES} values" in refusal("- 1\n" * (MAX_CONFIG_VALUES + 1))


WITH_SECRETS = [
    "api_key: *hunter2hunter2\n",
    "api_key: !hunter2hunter2\n",
    "api_key: !hunter2hunter2!x y\n",
    "api_key: [hunter2hunter2\n",
    "api_key: 'hunter2hunter2\n",
    "api_key: hunter2hunter2: x: y\n",
    'api_key: "hunter2hunter2\\q"\n',
    "api_key: @hunter2hunter2\n",
    "api_key: %hunter2hunter2\n",
    "%hunter2hunter2\n--- a\n--- b\n",
    "api_key: &hunter2hunter2 [*hunter2hunter2]\n",
    "api_key: hunter2hunter2\nhunter2hunter2\n",
    "? {hunter2hunter2: 1}\n: 2\n",
    "hunter2hunter2: .inf\n",
    "api_key: !!int hunter2hunter2\n",
]


@both_loaders
def test_no_message_quotes_what_may_be_a_secret() -> None:
    messages = {text: refusal(text) for text in WITH_SECRETS}
    assert [text for text, message in messages.items() if "hunter2" in message] == []


def test_a_byte_order_mark_is_ignored() -> None:
    assert read_yaml("\ufeffa: 1\n", "f").value == {"a": 1}


def test_windows_line_ends_count_as_one_line() -> None:
    assert read_yaml("a: 1\r\nb: 2\r\n", "f").lines["b",] == 2


def test_a_file_that_is_missing_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such file.*--config"):
        read_text(tmp_path / "none.yaml")


def test_a_file_that_cannot_be_read_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not a file; name another.*--config"):
        read_text(tmp_path)
    with pytest.raises(ConfigError, match=r"not a file; name another.*--config"):
        read_text(tmp_path / "a\0b")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes("a: é".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        read_text(path)


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes("é".encode() * MAX_CONFIG)
    with pytest.raises(ConfigError, match="larger than 1024 KiB"):
        read_text(path)


fragments = st.lists(
    st.sampled_from(
        [
            "a: ",
            "- ",
            "\n",
            "  ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            "&x ",
            "*x",
            "<<: ",
            "!!str ",
            "!y ",
            "'",
            '"',
            "|\n ",
            ">-\n  ",
            "? ",
            ": ",
            "0x1",
            "1e9",
            ".inf",
            "~",
            "#",
            "---\n",
            "\\u12",
            "%YAML 1.1\n",
            "%TAG ! tag:x,1:\n",
            "...\n",
            "\t",
            "\r",
            "\u2028",
            "é",
            "\ufeff",
            "@",
        ]
    ),
    max_size=40,
).map("".join)


@both_loaders
@settings(deadline=2000)
@given(st.one_of(fragments, st.text(st.characters(exclude_categories=()))))
def test_any_text_is_a_json_document_or_a_configuration_error(text: str) -> None:
    try:
        document = read_yaml(text, "f")
    except ConfigError:
        return
    json.dumps(document.value, allow_nan=False)
    assert document.lines[()] >= 1


words = st.text(st.characters(exclude_categories=["C"]))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
).filter(lambda value: value is not None)


@given(json_values)
def test_json_is_read_as_the_json_that_it_is(value: Any) -> None:
    read = read_yaml(json.dumps(value, ensure_ascii=False), "f").value
    assert json.dumps(read) == json.dumps(value) or _alike(read, value)


def _alike(left: Any, right: Any) -> bool:
    if isinstance(left, float | int) and isinstance(right, float | int):
        return math.isclose(left, right, rel_tol=0) and isinstance(left, bool) == isinstance(
            right, bool
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_alike, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_alike(left[k], right[k]) for k in left)
    return bool(left == right)
