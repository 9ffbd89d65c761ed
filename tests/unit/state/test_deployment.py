"""Secrets, frozen values and ids."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from engine.state.deployment import Key
from engine.state.frozen import EMPTY, canonical_json, freeze, thaw
from engine.state.mark import deployment_id, free_id
from engine.state.secret import Secret

KEY = Key("http://box:8000", "m", "openai/m")


def test_a_secret_does_not_show_itself() -> None:
    assert [repr(Secret("hunter2")), str(Secret("hunter2")), f"{Secret('')}"] == ["Secret(***)"] * 3


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_cannot_be_written_anywhere(write: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match=r"^a Secret is not to be written anywhere$"):
        write(Secret("hunter2"))


def test_equal_secrets_are_one_and_an_empty_one_counts_as_none() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert {Secret("a"), Secret("a"), Secret("ü")} == {Secret("ü"), Secret("a")}
    assert (bool(Secret("a")), bool(Secret(""))) == (True, False)


def test_a_number_is_another_secret_than_its_text() -> None:
    assert Secret(5) != Secret("5")
    assert Secret(5) == Secret(5)
    assert Secret(5).fingerprint("s") != Secret("5").fingerprint("s")
    assert (Secret(5).reveal(), Secret(5).reveal_json()) == ("5", 5)
    assert repr(Secret(5)) == "Secret(***)"


def test_a_fingerprint_follows_the_secret_and_its_salt() -> None:
    prints = {Secret(secret).fingerprint(salt) for secret in ("x", "y") for salt in ("k", "l")}
    assert {len(text) for text in prints} == {32}
    assert len(prints) == 4


def test_a_fingerprint_is_that_of_rfc_7914() -> None:
    """Section 12 has these digits for the costs that we use."""
    expected = "7023bdcb3afd7348461c06cd81fd38eb"
    assert Secret("pleaseletmein").fingerprint("SodiumChloride") == expected


def test_frozen_values_are_thawed_as_they_were() -> None:
    value = {"a": [1, {"b": None}], "c": True, "d": 0.5, "e": "x"}
    frozen = freeze(value)
    assert thaw(frozen) == value
    assert json.dumps(thaw(frozen)) == json.dumps(value)
    with pytest.raises(TypeError):
        frozen["a"] = 1
    assert frozen["a"][0] == 1


def test_empty_maps_take_no_memory_of_their_own() -> None:
    assert freeze({"a": [{}]})["a"][0] is EMPTY


def test_a_float_without_a_fraction_becomes_an_int_and_a_boolean_stays_one() -> None:
    assert canonical_json(freeze([30.0, 0.5, True, 1, {1: 2.0}])) == '[30,0.5,true,1,{"1":2}]'


def test_a_value_has_one_text() -> None:
    assert canonical_json({"b": (1, "ü"), "a": None}) == '{"a":null,"b":[1,"ü"]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_an_id_follows_from_owner_key_and_revision_and_never_changes() -> None:
    others = [
        deployment_id("other", KEY, 0),
        deployment_id("us", KEY, 1),
        deployment_id("us", Key("http://box:8001", "m", "openai/m"), 0),
        deployment_id("us", Key("http://box:8000", "n", "openai/m"), 0),
        deployment_id("us", Key("http://box:8000", "m", "openai/n"), 0),
    ]
    assert len({deployment_id("us", KEY, 0), *others}) == 6
    assert (
        deployment_id("us", Key("http://box", "ü", "o/ü"), 0)
        == "567cb6c4-0ace-56b4-9df7-f26d0b5b4bf9"
    )


def test_the_first_id_that_is_free_is_taken_with_its_revision() -> None:
    ids = [deployment_id("us", KEY, revision) for revision in range(3)]
    assert free_id("us", KEY, 0, ()) == (ids[0], 0)
    assert free_id("us", KEY, 0, ids[:2]) == (ids[2], 2)
    assert free_id("us", KEY, 1, [ids[0]]) == (ids[1], 1)
