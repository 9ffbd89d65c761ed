"""What a listing makes of the values that were posted."""

from __future__ import annotations

from typing import Any

import pytest

from engine.litellm.fields import as_sent, is_masked, same


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("api_key", True),
        ("API-KEY", True),
        ("aws-secret_id", True),
        ("key", True),
        ("monkey", False),
        ("input_cost_per_token", False),
        ("litellm_credential_name", False),
        ("default_api_key_rpm_limit", False),
        ("default_api_key_other", True),
        ("rpm", False),
    ],
)
def test_a_listing_hides_what_sounds_secret(name: str, masked: bool) -> None:
    assert is_masked(name) == masked


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ("2", 2),
        ("-1.5", -1.5),
        (30, 30.0),
        ("true", True),
        ("FALSE", False),
        ("false", "False"),
        (None, "None"),
        (None, None),
        (1e-06, "1e-06"),
        ("1e-6", 1e-06),
        (".5", 0.5),
        (2**64 - 1, float(2**64)),
        (2**63 - 1, 2**63 - 1),
        ([1, "2"], ["1", 2]),
        ({"a": None, "b": [True]}, {"a": "None", "b": ["true"]}),
    ],
)
def test_what_litellm_types_anew_is_the_same(wanted: Any, seen: Any) -> None:
    assert same(wanted, seen, "option")


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (True, 1),
        (False, 0),
        ("true", 1),
        (None, ""),
        ("a", "b"),
        ("a", "a*"),
        ("2", 3),
        ("1" * 16, int("1" * 16)),
        (2**53, 2**53 + 1),
        (2**63 - 1, 2**63 - 2),
        (0.1, 0),
        ("\u0663", 3),
        ({"a": [{"b": None}]}, {"a": [{"b": ""}]}),
        ([1], [1, 2]),
        ([1, 2], [1, 3]),
        ([1, 2], [2, 1]),
        ([], {}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}),
    ],
)
def test_what_differs_is_not_the_same(wanted: Any, seen: Any) -> None:
    assert not same(wanted, seen, "option")
    assert not same(wanted, seen)


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (123456, "12**56"),
        (True, "****"),
        (None, "****"),
        (None, ""),
        (True, "True"),
        (1e-07, "1e-07"),
        (7, "7"),
        (7, 7),
        (10**17 + 1, str(10**17 + 1)),
        ([1, None, [True]], ["*", "", ["****"]]),
        ([1, None], [1, "None"]),
        ([1], "***"),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_a_secret_looking_name_hides_its_value(wanted: Any, seen: Any) -> None:
    assert same(wanted, seen, "pin_secret")
    for nested in ("extra", "pin_secret"):
        assert same([{"pin_secret": wanted}], [{"pin_secret": seen}], nested)


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ({"a": 1}, "12**56"),
        (7, "8"),
        (7, ""),
        (7, "None"),
        (True, ""),
        ([1, 2], ["*"]),
        ([1], [[]]),
        ({"option": 7}, {"option": "*"}),
        ([{"option": 7}], [{"option": "*"}]),
    ],
)
def test_what_a_secret_looking_name_shows_is_compared(wanted: Any, seen: Any) -> None:
    assert not same(wanted, seen, "pin_secret")


@pytest.mark.parametrize(
    ("wanted", "seen"), [(123456, "12**56"), (True, "****"), (None, "****"), (None, ""), ([1], "*")]
)
def test_other_values_are_not_hidden(wanted: Any, seen: Any) -> None:
    assert not same(wanted, seen, "pin")
    assert not same({"pin": wanted}, {"pin": seen}, "pin_secret")
    assert not same(wanted, seen, "pin_secret", masked=False)
    assert not same([{"pin_secret": wanted}], [{"pin_secret": seen}], masked=False)


def test_of_a_changed_map_only_what_was_changed_differs_from_what_was_sent() -> None:
    wanted = {"a": None, "b": {"my_token": 5, "c": "x"}, "d": [None, 1], "e": 1}
    seen = {"a": "None", "b": {"my_token": "*", "c": "y"}, "d": ["None", 2], "new": "None"}
    assert as_sent(wanted, seen, "extra", masked=True) == {
        "a": None,
        "b": {"my_token": 5, "c": "y"},
        "d": ["None", 2],
        "new": "None",
    }
    assert as_sent(wanted, "text", "extra", masked=True) == "text"
    assert as_sent({"my_token": 5}, {"my_token": "*"}, masked=False) == {"my_token": "*"}
