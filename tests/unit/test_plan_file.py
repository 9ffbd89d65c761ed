"""Plans in files: what was written is read, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from engine.errors import UnusablePlan
from engine.plan.planner import make_plan
from engine.plan_file import read_plan
from tests import builders as b
from tests.unit.plan.test_plan_properties import States, states

REMEDY = "Remedy: make it with `modelprovisioner plan --out FILE`"


def a_plan() -> dict[str, Any]:
    rows = [b.as_seen(b.wanted(name, params={"rpm": 5})) for name in ("changed", "gone")]
    desired = b.desired(b.wanted("new"), b.wanted("changed", params={"rpm": 6}))
    plan = make_plan(desired, b.observed(*rows))
    assert [op.action for op in plan.operations] == ["create", "update", "delete"]
    return plan.to_json()


def refused(path: Path) -> str:
    with pytest.raises(UnusablePlan) as error:
        read_plan(path)
    assert str(error.value).startswith(str(path))
    assert REMEDY in str(error.value)
    return str(error.value)


@given(states())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plan_is_read_as_it_was_made(tmp_path: Path, pair: States) -> None:
    plan = make_plan(*pair)
    path = tmp_path / "plan.json"
    path.write_text("".join(plan.iter_json(indent=2)))
    assert read_plan(path) == plan
    assert read_plan(path).checksum == plan.checksum


def test_the_order_of_the_members_in_the_file_is_of_no_importance(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(a_plan(), sort_keys=True))
    assert read_plan(path).to_json() == a_plan()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not JSON, or not all of it is there (line 1, column 1)"),
        ("version: 1\n", "is not JSON"),
        (json.dumps(a_plan(), indent=2)[:-40], "not all of it is there"),
        ("[" * 100_000, "is not JSON as a plan has it"),
        ('{"version": 1, "operations": NaN}', "is not JSON as a plan has it"),
        ('{"version": 1, "version": 2, "operations": []}', "is not JSON as a plan has it"),
        ("[]", "is JSON, but not a plan"),
        ('{"version": 1, "backends": []}', "is JSON, but not a plan"),
        ('{"version": 2, "operations": []}', "of version 2, this one reads 1"),
        ('{"version": "1", "operations": []}', 'of version "1", this one reads 1'),
        ('{"version": 1, "operations": []}', "is not a plan as it was written"),
        ("\ud800", "is not text in UTF-8"),
    ],
)
def test_what_is_no_plan_is_refused_with_a_remedy(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content.encode(errors="surrogatepass"))
    assert words in refused(path)


def edit_before(document: dict[str, Any]) -> None:
    document["operations"][1]["before"]["litellm_params"]["rpm"] = 7


def edit_row(document: dict[str, Any]) -> None:
    document["operations"][0]["row"]["litellm_params"]["api_base"] = "http://elsewhere"


def drop_operation(document: dict[str, Any]) -> None:
    del document["operations"][0]


def edit_litellm(document: dict[str, Any]) -> None:
    document["litellm"] = "http://other"


def edit_owner(document: dict[str, Any]) -> None:
    document["owner"] = "other"


def edit_checksum(document: dict[str, Any]) -> None:
    document["checksum"] = "0" * 64


def edit_digest(document: dict[str, Any]) -> None:
    document["digest"] = "0" * 64


@pytest.mark.parametrize(
    "edit",
    [
        edit_before,
        edit_row,
        drop_operation,
        edit_litellm,
        edit_owner,
        edit_checksum,
        edit_digest,
    ],
)
def test_a_plan_that_was_changed_is_refused(tmp_path: Path, edit: Any) -> None:
    document = a_plan()
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document))
    read_plan(path)
    edit(document)
    path.write_text(json.dumps(document))
    assert "was changed after it was made" in refused(path)


def test_a_plan_in_which_a_key_was_hidden_says_so(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(a_plan()).replace("openai/new", "***/new"))
    assert "the text of a key of the configuration is in it" in refused(path)


def test_only_a_file_is_read_also_behind_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "plan.json", tmp_path / "link.json"
    path.write_text(json.dumps(a_plan()))
    link.symlink_to(path)
    assert read_plan(link).to_json() == a_plan()
    path.unlink()
    assert "cannot be read: no such file or directory" in refused(link)
    path.mkdir()
    assert "is not a file that holds a plan" in refused(link)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for device in (pipe, Path("/dev/zero")):
        assert "is not a file that holds a plan" in refused(device)
