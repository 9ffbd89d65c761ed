"""What a listing makes of the values that were posted."""

from __future__ import annotations

from typing import Any

import pytest

from engine.masking import is_masked, same


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
        ("default_api_key_rpm", False),
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


def test_a_masked_text_stands_for_any_plain_value_of_a_secret_name() -> None:
    assert same(123456, "12**56", "pin_secret")
    assert same({"pin_secret": 7}, {"pin_secret": "*"}, "option")
    assert not same({"a": 1}, "12**56", "pin_secret")
    assert not same(7, "8", "pin_secret")
    assert not same({"option": 7}, {"option": "*"}, "option")
