"""Findings about rows and models."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.cli.main import main
from engine.doctor.rows import _SKIPPED, _TOLD_ELSEWHERE
from engine.validate import schema
from tests.fleet import MASTER_KEY, Fleet

from .conftest import Examine


def register(fleet: Fleet, row_id: str, name: str, model: str, **params: Any) -> None:
    """Register a row as somebody else would; ``info`` is its model_info."""
    info = params.pop("info", {})
    body = {
        "model_name": name,
        "litellm_params": {"model": model, "api_base": f"{fleet.box.url}/v1", **params},
        "model_info": {"id": row_id, **info},
    }
    sent = fleet.proxy.answer(
        "POST", "/model/new", f"Bearer {MASTER_KEY}", json.dumps(body).encode()
    )
    assert sent.status == 200, sent.body


def test_every_reason_of_a_skip_has_a_finding() -> None:
    reasons = schema("plan")["$defs"]["skip"]["properties"]["reason"]["enum"]
    assert {*_SKIPPED, *_TOLD_ELSEWHERE} == set(reasons)


def test_a_row_that_nobody_owns_is_a_warning(fleet: Fleet, examine: Examine) -> None:
    register(fleet, "left", "gone", "openai/gone")
    found = examine(fleet).one("unmarked", "warning")
    assert found["subject"] == "gone"
    assert "without our mark" in found["what"]
    assert "nobody manages it" in found["why"]


def test_a_row_of_ours_whose_backend_is_gone_names_the_command(
    fleet: Fleet, examine: Examine
) -> None:
    main(["apply", *fleet.arguments])
    text = (fleet.folder / "config.yaml").read_text()
    (fleet.folder / "config.yaml").write_text(f"{text.partition('backends:')[0]}backends: []\n")
    examined = examine(fleet)
    found = examined.one("stray", "warning")
    assert found["subject"] == "a, b"
    assert "modelprovisioner retire box" in found["what"]
    assert "the list is empty" in examined.one("suspect", "warning")["what"]


def test_an_alias_made_by_hand_is_a_note(fleet: Fleet, examine: Examine) -> None:
    register(fleet, "hand", "nice-name", "openai/a")
    assert examine(fleet).one("alias", "note")["subject"] == "nice-name"


def test_two_models_that_want_one_name_are_a_warning(fleet: Fleet, examine: Examine) -> None:
    fleet.configure("aliases: {a: same}", top="on_clash: error")
    text = (fleet.folder / "config.yaml").read_text()
    (fleet.folder / "config.yaml").write_text(text.replace("{a: same}", "{a: b}"))
    found = examine(fleet).one("clash", "warning")
    assert "does not appear under this name" in found["why"]


def test_a_limit_is_a_warning_with_the_limit(fleet: Fleet, examine: Examine) -> None:
    fleet.configure(top="limits: {max_creates: 1}")
    found = examine(fleet).one("limit", "warning")
    assert (found["subject"], "limits.max_creates" in found["what"]) == ("b", True)


def test_many_causes_of_one_reason_are_counted(fleet: Fleet, examine: Examine) -> None:
    for number in range(8):
        register(fleet, f"left-{number}", f"gone-{number}", f"openai/gone-{number}")
    found = examine(fleet).of("unmarked", "warning")
    assert [f["what"] for f in found][-1].startswith("3 more rows for a like reason")
    assert len(found) == 6


def test_what_the_plan_would_change_or_delete_is_a_note(fleet: Fleet, examine: Examine) -> None:
    main(["apply", *fleet.arguments])
    fleet.box.models = ["a"]
    fleet.configure("litellm_params_defaults: {rpm: 5}", top="limits: {max_delete_fraction: 1}")
    examined = examine(fleet)
    assert examined.one("update", "note")["subject"] == "a"
    assert examined.one("delete", "note")["subject"] == "b"


def test_a_held_delete_is_a_note(fleet: Fleet, examine: Examine) -> None:
    main(["apply", *fleet.arguments])
    fleet.box.models.clear()
    assert "--force box" in examine(fleet).one("held", "note")["what"]


def test_a_row_that_is_paused_by_hand_is_a_note(fleet: Fleet, examine: Examine) -> None:
    main(["apply", *fleet.arguments])
    (first, *_) = fleet.proxy.database.rows
    body = json.dumps({"model_id": first}).encode()
    fleet.proxy.answer("POST", "/model/block", f"Bearer {MASTER_KEY}", body)
    assert examine(fleet).one("blocked", "note")["subject"] in ("a", "b")


def test_rows_with_one_upstream_and_different_limits_are_a_warning(
    fleet: Fleet, examine: Examine
) -> None:
    fleet.configure("model_info_defaults: {max_input_tokens: 4096}")
    register(fleet, "x", "other", "openai/a", info={"max_input_tokens": 8192})
    found = examine(fleet).one("shared_limits", "warning")
    assert found["subject"] == "a, other"
    assert "the upstream openai/a, with max_input_tokens 4096 and 8192" in found["what"]


def test_rows_with_one_upstream_and_the_same_limits_are_fine(
    fleet: Fleet, examine: Examine
) -> None:
    fleet.configure("model_info_defaults: {max_input_tokens: 4096}")
    register(fleet, "x", "other", "openai/a", info={"max_input_tokens": 4096})
    assert examine(fleet).of("shared_limits") == []


@pytest.mark.parametrize("share", ["rpm", "tpm", "weight"])
def test_a_name_of_which_only_some_rows_have_a_weight_is_a_warning(
    fleet: Fleet, examine: Examine, share: str
) -> None:
    fleet.configure("on_taken_name: join")
    register(fleet, "x", "a", "openai/other", api_base="http://elsewhere.invalid", **{share: 5})
    examined = examine(fleet)
    found = examined.one("shared_weight", "warning")
    assert found["what"] == f"1 of its 2 rows have {share}"
    joined = examined.one("joined", "note")
    assert (joined["subject"], "row 'x'" in joined["what"]) == ("a", True)


def test_a_name_that_is_shared_with_others_is_a_warning(fleet: Fleet, examine: Examine) -> None:
    main(["apply", *fleet.arguments])
    register(fleet, "x", "a", "openai/gpt", api_base="https://cloud.invalid")
    found = examine(fleet).one("name_shared", "warning")
    assert "joinable_names" in found["fix"]


@pytest.mark.parametrize(("name", "words"), [("*", "every request"), ("gpt-*", "misspelt")])
def test_a_wildcard_is_a_note(fleet: Fleet, examine: Examine, name: str, words: str) -> None:
    register(fleet, "x", name, "openai/*", api_base="https://cloud.invalid")
    found = examine(fleet).one("wildcard", "note")
    assert words in found["why"]


def test_rows_of_others_whose_address_does_not_fit_are_a_warning(
    fleet: Fleet, examine: Examine
) -> None:
    register(fleet, "x", "mine", "openai/a", api_base=fleet.box.url)
    register(fleet, "y", "yours", "ollama/a")
    register(fleet, "z", "fine", "openai/a")
    found = {f["subject"]: f for f in examine(fleet).of("v1", "warning")}
    assert found.keys() == {"mine", "yours"}
    assert f"needs {fleet.box.url}/v1 there" in found["mine"]["what"]
    assert f"needs {fleet.box.url} there" in found["yours"]["what"]


def test_a_row_beyond_a_bound_is_a_warning(fleet: Fleet, examine: Examine) -> None:
    deep: Any = {}
    for _ in range(120):
        deep = {"a": deep}
    register(fleet, "deep", "deep", "openai/deep", info={"x": deep})
    assert examine(fleet).one("unreadable", "warning")
    register(fleet, "far", "far", "openai/far", api_base="http://far.invalid", info={"x": deep})
    subjects = {f["subject"] for f in examine(fleet).of("unreadable", "warning")}
    assert subjects == {"deep", "LiteLLM"}
